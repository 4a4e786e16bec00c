"""Options made from settings classes, and settings made from options and TOML files.

Nothing about a setting is written here: name, default, bounds and help come from its ``param``.
"""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hamexplorer._plain import read_toml
from hamexplorer.errors import SettingsError, quoted
from hamexplorer.params import Choice, Flag, Param, Real, Whole, params_of


def add_settings(
    parser: argparse.ArgumentParser, settings: type, *, title: str, without: Iterable[str] = ()
) -> None:
    """One option a described field, but for some; what is not typed is absent from the namespace."""
    add_alternatives(parser, {title: settings}, without=without)


def add_alternatives(
    parser: argparse.ArgumentParser, alternatives: Mapping[str, type], *, without: Iterable[str] = ()
) -> None:
    """One option a described field of several settings classes, of which one will be made.

    A field that several have is one option: it takes what any of them takes, and its help tells them apart.

    Args:
        alternatives: title of the group of options -> settings class.
        without: names of fields that get no option.
    """
    found: dict[str, dict[str, Param]] = {}
    for title, settings in alternatives.items():
        for entry in params_of(settings):
            found.setdefault(entry.name, {})[title] = entry
    groups: dict[str, argparse._ArgumentGroup] = {}
    for name in without:
        del found[name]
    for name, entries in found.items():
        title = " or ".join(entries)
        if title not in groups:
            groups[title] = parser.add_argument_group(title)
        _add_option(groups[title], "--" + name.replace("_", "-"), entries)


def _add_option(group: argparse._ArgumentGroup, name: str, entries: Mapping[str, Param]) -> None:
    kinds = list(entries.values())
    first = kinds[0]
    help = _help(first)
    if len(kinds) > 1 and len({_help(entry) for entry in kinds}) > 1:
        help = " ".join(f"{title.capitalize()}: {_help(entry)}" for title, entry in entries.items())
    if isinstance(first.kind, Flag):
        group.add_argument(name, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=help)
    else:
        group.add_argument(
            name, type=_reader(kinds), default=argparse.SUPPRESS, metavar=_metavar(first), help=help
        )


def refuse_others(
    chosen: type, others: Mapping[str, type], options: argparse.Namespace, *, because: str
) -> None:
    """Refuse options that were typed but belong to another settings class alone.

    Args:
        chosen: the class that will be made.
        others: title -> class, the chosen one among them.
        options: parsed command line.
        because: why that class was chosen, for example ``"the structures are crystals"``.

    Raises:
        SettingsError: naming the first such option and those that there are.
    """
    own = [entry.name for entry in params_of(chosen)]
    for title, settings in others.items():
        for entry in params_of(settings):
            if entry.name not in own and hasattr(options, entry.name):
                there = ", ".join("--" + name.replace("_", "-") for name in own)
                raise SettingsError(
                    f"--{entry.name.replace('_', '-')} is an option of the {title}, and {because}; leave it out: "
                    f"there are {there}"
                )


def add_config(parser: argparse._ActionsContainer) -> None:
    """The option that names a TOML file of settings."""
    parser.add_argument(
        "--config",
        metavar="FILE.toml",
        type=Path,
        help="take settings from this TOML file, for example `epochs = 100`; options on the command line win",
    )


def chosen_settings(
    settings: type, options: argparse.Namespace, *, also: Iterable[str] = ()
) -> dict[str, Any]:
    """What was chosen: the TOML file's values, overridden by the options that were typed.

    Args:
        settings: class with described fields.
        options: parsed command line.
        also: further names that the file may hold.

    Raises:
        SettingsError: if the file cannot be read or names an unknown setting.
    """
    names = [entry.name for entry in params_of(settings)]
    path = getattr(options, "config", None)
    values = read_config(path, [*names, *also]) if path else {}
    return values | {name: getattr(options, name) for name in names if hasattr(options, name)}


def read_config(path: Path, known: list[str]) -> dict[str, Any]:
    """The settings in a TOML file; names may be written with - or _.

    Raises:
        SettingsError: naming the file and what is wrong.
    """
    try:
        values = read_toml(path)
    except FileNotFoundError:
        raise SettingsError(
            f"there is no settings file {str(path)!r}; check the path after --config"
        ) from None
    except OSError as error:
        raise SettingsError(
            f"the settings file {path} cannot be read ({error.strerror}); check the path"
        ) from error
    values = {name.replace("-", "_"): value for name, value in values.items()}
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(name[:80], known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"choose among {', '.join(known)}"
            raise SettingsError(f"{path}: the setting {quoted(name)} is unknown; {hint}")
    return values


def parse_targets(
    targets: str | None, weights: str | None, known: Mapping[str, Any]
) -> dict[str, float] | None:
    """Target names with weights; None if nothing was chosen.

    Args:
        targets: names parted by commas.
        weights: numbers in the order of the targets, or ``name=number``, parted by commas.
        known: the registry of targets, which gives default weights.

    Raises:
        SettingsError: if a name is unknown or a weight is no positive number.
    """
    if targets is None and weights is None:
        return None
    parts = _parts(weights)
    named = dict(part.split("=", 1) for part in parts if "=" in part)
    names = _parts(targets) or list(named)
    plain = [part for part in parts if "=" not in part]
    if not names:
        raise SettingsError("no target is named; use --targets, for example --targets mo_energy,dipole")
    if plain and (named or len(plain) != len(names)):
        raise SettingsError(
            f"--weights has {len(parts)} entries for {len(names)} targets; "
            f"give one number a target in the same order, or name=number"
        )
    chosen = {name: float(known[name].default_weight) for name in names}
    for name, text in named.items() if named else zip(names, plain, strict=False):
        if name not in chosen:
            raise SettingsError(
                f"--weights names {name!r}, which is not among the targets; add it to --targets"
            )
        chosen[name] = _weight(name, text)
    return chosen


def _parts(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def _weight(name: str, text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = -1.0
    if not 0 < weight < float("inf"):
        raise SettingsError(f"the weight of {name} must be a positive number, got {text!r}")
    return weight


def _reader(entries: Sequence[Param]) -> Callable[[str], Any]:
    """Text -> value that any of the settings takes, else with the first one's own sentence."""

    def read(text: str) -> Any:
        sentences = []
        for entry in entries:
            try:
                return _read(text, entry)
            except SettingsError as error:
                sentences.append(str(error))
        raise argparse.ArgumentTypeError(sentences[0])

    return read


def _read(text: str, entry: Param) -> Any:
    value: Any = text
    try:
        if isinstance(entry.kind, Whole):
            value = int(text)
        elif isinstance(entry.kind, Real):
            value = float(text)
    except ValueError:
        pass  # the check below names the text and the bounds
    entry.kind.check(entry.label or entry.name, value)
    return value


def _metavar(entry: Param) -> str:
    if isinstance(entry.kind, Whole):
        return "N"
    return "X" if isinstance(entry.kind, Real) else "NAME"


def _help(entry: Param) -> str:
    text = entry.help.rstrip()
    if entry.unit:
        text += f" Unit: {entry.unit}."
    if isinstance(entry.kind, Choice):
        text += f" One of {', '.join(entry.kind.options)}" + (
            ", or another name." if entry.kind.free else "."
        )
    default = (
        {True: "yes", False: "no"}.get(entry.default, entry.default)
        if isinstance(entry.kind, Flag)
        else entry.default
    )
    # argparse formats help with %.
    return f"{text} (default: {default})".replace("%", "%%")
