"""Where a page begins, as the end of its address: a data set, settings, a structure, and which panels are shown.

    dashboard?data=qm7&targets=mo_energy:10000,dipole:30&epochs=20&show=targets,training,levels&task=Train+it

A teacher sends it to a class. Whoever has the address can read it, change it, and do no harm with it: it names shipped
data sets and settings, no files, and nothing is computed before somebody presses a button.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from hamexplorer.errors import SettingsError, plain_text, quoted
from hamexplorer.params import params_of
from hamexplorer.reference.dataset import SHIPPED
from hamexplorer.structures.sources import SOURCES
from hamexplorer.structures.sources.base import from_text
from hamexplorer.structures.structure import Structure
from hamexplorer.train.settings import RunSettings

#: Sources of structures that an address may name: they reach neither files nor the internet.
MAY_ADD = ("smiles", "crystal")
#: Characters of a task: some sentences.
LONGEST_TASK = 600
_SETTINGS = {entry.name: entry for entry in params_of(RunSettings)}
_OTHERS = ("data", "add", "structure", "targets", "show", "task")


@dataclass(frozen=True)
class StartingPoint:
    """What an address says; what it leaves out stays as it is.

    Attributes:
        data: a shipped data set.
        add: a SMILES or a crystal, `smiles:CCO` or `crystal:graphene`.
        structure: which one is picked, counted from 1; 0 for no choice.
        settings: of the next run, by name; ``targets`` among them is name → weight.
        show: names of the panels that are shown, none for all; the page knows which there are.
        task: what whoever opens it shall do.

    Raises:
        SettingsError: if one of them names what does not exist, or is out of bounds.
    """

    data: str = ""
    add: str = ""
    structure: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    show: tuple[str, ...] = ()
    task: str = ""

    def __post_init__(self) -> None:
        if self.data and self.data not in SHIPPED:
            raise SettingsError(
                f"the address names the data set {quoted(self.data)}, which does not come along; choose one of "
                f"{', '.join(SHIPPED)}"
            )
        if self.add and self.add.partition(":")[0] not in MAY_ADD:
            raise SettingsError(
                f"an address may add a SMILES or a crystal, for example add=smiles:CCO, got {quoted(self.add)}"
            )
        if not 0 <= self.structure <= 1_000_000:
            raise SettingsError(
                f"structures are counted from 1, got {quoted(self.structure)}; change it in the address"
            )
        RunSettings.from_dict(self.settings)

    def added(self) -> list[Structure]:
        """The structures that ``add`` describes.

        Raises:
            HamExplorerError: if it describes none.
        """
        if not self.add:
            return []
        name, _, argument = self.add.partition(":")
        return SOURCES[name].load(SOURCES[name].parse(argument))

    @classmethod
    def parse(cls, query: str) -> StartingPoint:
        """What stands behind the question mark of an address.

        Raises:
            SettingsError: naming the part that makes no sense.
        """
        try:
            parts = dict(parse_qsl(query.removeprefix("?"), max_num_fields=100))
        except ValueError:
            raise SettingsError(
                "the address has more than a hundred parts; ask for the link once more"
            ) from None
        settings: dict[str, Any] = {}
        for name, text in parts.items():
            if name in _SETTINGS:
                settings[name] = from_text(text, _SETTINGS[name])
            elif name not in _OTHERS:
                raise SettingsError(
                    f"the address holds {quoted(name)}, which is neither a setting nor one of {', '.join(_OTHERS)}; "
                    f"take it out"
                )
        if "targets" in parts:
            settings["targets"] = dict(_target(entry) for entry in parts["targets"].split(","))
        number = parts.get("structure", "0")
        return cls(
            data=parts.get("data", ""),
            add=parts.get("add", ""),
            structure=int(number) if number.isascii() and number.isdigit() and len(number) < 8 else -1,
            settings=settings,
            show=tuple(name for name in parts.get("show", "").split(",") if name),
            task=plain_text(parts.get("task", ""), LONGEST_TASK),
        )

    def query(self) -> str:
        """The same as an address holds it, without the question mark; parsed, it gives an equal point."""
        parts: dict[str, Any] = {"data": self.data, "add": self.add, "structure": self.structure or ""}
        parts |= {name: value for name, value in self.settings.items() if name != "targets"}
        weights = self.settings.get("targets", {})
        parts["targets"] = ",".join(f"{target}:{weight:.15g}" for target, weight in weights.items())
        parts |= {"show": ",".join(self.show), "task": self.task}
        return urlencode({name: value for name, value in parts.items() if value != ""}, safe=":,")


def _target(text: str) -> tuple[str, float]:
    name, _, weight = text.partition(":")
    try:
        return name, float(weight)
    except ValueError:
        raise SettingsError(
            f"targets are written with their weights, for example targets=mo_energy:10000,dipole:30, got {quoted(text)}"
        ) from None
