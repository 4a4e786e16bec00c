"""Which of the loaded structures take part, and in which part: training, validation or test."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from hamexplorer.errors import SettingsError, StructureError, quoted
from hamexplorer.structures.composition import composition_test
from hamexplorer.structures.structure import Structure

Part = Literal["train", "validation", "test"]

#: Of a data set: to learn from, to decide when to stop, and to judge by.
PARTS: tuple[Part, ...] = get_args(Part)
#: Ways to split: name -> what it is good for.
SPLITS: Mapping[str, str] = {
    "random": "drawn by chance: tests structures like those learned from",
    "size": "the smallest train, the largest test: tests whether the model extends to larger structures",
}

#: What a selection may be limited to: name -> sentence.
KINDS: Mapping[str, str] = {"molecules": "what repeats nowhere", "crystals": "bulk, layers and chains"}

_RANGE = re.compile(r"(-?\d{1,9})?:(-?\d{1,9})?(?::(-?\d{1,9})?)?")


def select(
    structures: Sequence[Structure],
    *,
    elements: str | None = None,
    min_atoms: int | None = None,
    max_atoms: int | None = None,
    index_range: str | None = None,
    kind: str | None = None,
) -> list[int]:
    """Indices, in ascending order, of the structures that meet every condition; None or "" is no condition.

    Args:
        structures: the loaded structures.
        elements: ``"C H O"`` keeps structures made of these elements only; ``"+N"`` those that contain
            nitrogen; ``"-F"`` those without fluorine. May be combined: ``"C H N O +N"``.
        min_atoms: fewest atoms other than hydrogen.
        max_atoms: most atoms other than hydrogen.
        index_range: positions in ``structures``, counted from 0, see :func:`indices_in_range`.
        kind: one of :data:`KINDS`.

    Raises:
        SettingsError: if a condition cannot be understood or contradicts itself.
    """
    of_composition = composition_test(elements=elements, min_atoms=min_atoms, max_atoms=max_atoms)
    if kind and kind not in KINDS:
        raise SettingsError(f"the kind {quoted(kind)} is unknown; choose one of {', '.join(KINDS)}")
    chosen = indices_in_range(index_range or "", len(structures))

    def fits(structure: Structure) -> bool:
        right_kind = not kind or structure.is_crystal == (kind == "crystals")
        return right_kind and of_composition(structure.elements, structure.n_heavy)

    return [i for i in chosen if fits(structures[i])]


def indices_in_range(text: str, n: int) -> list[int]:
    """Ascending positions out of ``n`` that a text like a Python slice names.

    ``"0:50:2"`` every second of the first fifty, ``"-10:"`` the last ten, ``"7"`` the eighth alone; several
    are joined with commas, ``"0:10, 15"``. Empty text means all.

    Raises:
        SettingsError: if the text is no range, or a single position does not exist.
    """
    chosen: set[int] = set()
    for part in filter(None, (part.strip() for part in (text or ":").split(","))):
        if match := _RANGE.fullmatch(part):
            start, stop, step = (int(group) if group else None for group in match.groups())
            if step is not None and step < 1:
                raise SettingsError(
                    f"the step of the range {quoted(part)} must be at least 1; the order stays as loaded"
                )
            chosen.update(range(n)[start:stop:step])
        elif re.fullmatch(r"-?\d{1,9}", part):
            if not -n <= int(part) < n:
                raise SettingsError(f"there is no structure {part}; {_count(n)}, and counting starts at 0")
            chosen.add(int(part) % n)
        else:
            raise SettingsError(
                f"{quoted(part)} is no range of positions; write start:stop or start:stop:step, for example 0:50 "
                f"or 0:50:2"
            )
    return sorted(chosen)


@dataclass(frozen=True)
class Split:
    """Positions of the structures in each part, ascending; every structure is in exactly one, or left unused."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    unused: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.train) + len(self.validation) + len(self.test) + len(self.unused)

    def part_of(self, index: int) -> Part | Literal[""]:
        """The part that holds a position; empty for one that is left unused.

        Raises:
            SettingsError: if none does.
        """
        for part in ("train", "validation", "test"):
            if index in getattr(self, part):
                return part
        if index in self.unused:
            return ""
        raise SettingsError(
            f"structure {index} is in no part of this split, which covers {len(self)} structures"
        )


def split_structures(
    structures: Sequence[Structure],
    *,
    by: str = "random",
    train: float,
    validation: float,
    seed: int,
    held_out: str = "",
    train_at_most: int = 0,
) -> Split:
    """Cut the structures into three parts; what training and validation leave is the test part.

    Args:
        structures: at least three, so that no part is empty.
        by: one of :data:`SPLITS`. By size means heavy atoms, then all atoms; equals are drawn by chance.
        train: fraction that the model learns from.
        validation: fraction that decides when to stop.
        seed: equal seeds give equal splits.
        held_out: beginnings of structure keys (:attr:`Structure.key`), parted by commas or spaces: these structures are
            the test part, and the others are cut into training and validation in proportion to their fractions.
        train_at_most: so many of the training part are kept, drawn by chance, those of a smaller number among those of
            a larger one; 0 keeps all. The other parts do not change.

    Raises:
        SettingsError: if ``held_out`` names a structure that is not there, or leaves too few; if ``by`` is unknown or
            the fractions leave a part empty.
        StructureError: if there are fewer than three structures.
    """
    if by not in SPLITS:
        raise SettingsError(f"the split by {by!r} is unknown; choose one of {', '.join(SPLITS)}")
    if not (train > 0 and validation > 0 and train + validation < 1):
        raise SettingsError(
            f"the fractions {train:g} for training and {validation:g} for validation must be above 0 and "
            f"together "
            f"below 1, so that something is left to test on; 0.7 and 0.2 are usual"
        )
    n = len(structures)
    if n < 3:
        raise StructureError(f"{_count(n)}, and a split needs at least 3; load more or widen the selection")
    if held_out.strip():
        split = _holding_out(structures, held_out, by, train / (train + validation), seed)
        return _at_most(split, train_at_most, seed)
    order = np.random.default_rng(seed).permutation(n)
    if by == "size":
        order = np.array(sorted(order, key=lambda i: (structures[i].n_heavy, structures[i].n_atoms)))
    n_train = min(max(round(n * train), 1), n - 2)
    n_validation = min(max(round(n * validation), 1), n - n_train - 1)
    cuts = np.split(order, [n_train, n_train + n_validation])
    return _at_most(Split(*(tuple(sorted(part.tolist())) for part in cuts)), train_at_most, seed)


def _at_most(split: Split, n: int, seed: int) -> Split:
    if not 0 < n < len(split.train):
        return split
    order = np.random.default_rng([seed, 1]).permutation(split.train).tolist()
    return replace(split, train=tuple(sorted(order[:n])), unused=tuple(sorted(order[n:])))


def _holding_out(structures: Sequence[Structure], held_out: str, by: str, train: float, seed: int) -> Split:
    """The named structures as test part; ``train`` is the share of the others that is learned from."""
    wanted = list(filter(None, re.split(r"[\s,;]+", held_out)))
    test = [k for k, structure in enumerate(structures) if structure.key.startswith(tuple(wanted))]
    found = {word for word in wanted if any(structures[k].key.startswith(word) for k in test)}
    missing = [word for word in wanted if word not in found]
    if missing:
        raise SettingsError(
            f"the structure {quoted(missing[0])} that should be held out for the test is not among the "
            f"{len(structures)}; "
            f"widen the selection, or hold out others"
        )
    others = np.array([k for k in range(len(structures)) if k not in set(test)], dtype=int)
    if len(others) < 2:
        raise SettingsError(
            f"{len(test)} structures are held out of {len(structures)}, which leaves {len(others)} for training and "
            f"validation together; hold out fewer"
        )
    order = others[np.random.default_rng(seed).permutation(len(others))]
    if by == "size":
        order = np.array(sorted(order, key=lambda k: (structures[k].n_heavy, structures[k].n_atoms)))
    n_train = min(max(round(len(order) * train), 1), len(order) - 1)
    parts = order[:n_train], order[n_train:], np.array(test, dtype=int)
    return Split(*(tuple(sorted(part.tolist())) for part in parts))


def _count(n: int) -> str:
    return f"there {'is' if n == 1 else 'are'} {n} structure{'' if n == 1 else 's'}"
