"""The numbers below the picked structure, and what keeps one from believing them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np

from hamexplorer.session.trust import of_structure
from hamexplorer.units import energy_digits, energy_factor, property_unit

#: What a surrogate or a matrix may predict without having learned it.
_MAY_BE_UNTRAINED = ("dipole", "polarizability")


class Fact(NamedTuple):
    """One row: its target, what it is called, its unit, and what writes it from values by target, atomic units."""

    target: str
    label: str
    unit: str
    write: Callable[[Mapping[str, Any]], str]


def rows_of_facts(units: str, laboratory: bool, *, crystal: bool) -> list[Fact]:
    """Gap, and of a molecule dipole moment and mean polarizability.

    Args:
        units: of energies.
        laboratory: debye and cubic ångström instead of atomic units.
        crystal: whether it is one.
    """
    factor, digits = energy_factor(units), energy_digits(units) + 1
    dipole, debye = property_unit("e·bohr", laboratory)
    volume, cubic = property_unit("bohr³", laboratory)
    gap = "Gap on the k-points" if crystal else "HOMO-LUMO gap"
    rows = [Fact("homo_lumo_gap", gap, units, lambda v: _scaled(v.get("homo_lumo_gap"), factor, digits))]
    if crystal:
        return rows
    return [
        *rows,
        Fact("dipole", "Dipole moment", dipole, lambda v: _scaled(_norm(v.get("dipole")), debye, 3)),
        Fact(
            "polarizability",
            "Mean polarizability",
            volume,
            lambda v: _scaled(_mean(v.get("polarizability")), cubic, 2),
        ),
    ]


def facts_table(
    known: Mapping[str, Mapping[str, Any]],
    names: Mapping[str, str],
    rows: Sequence[Fact],
    trained: Collection[str],
) -> str:
    """HTML of the rows, a column an origin; learned values that were no target of the training carry a star.

    Args:
        known: "small", "learned", "large" -> values by target, atomic units.
        names: the same -> what people call it.
        trained: targets of the training.
    """
    head = "".join(f"<th>{escape(names[origin])}</th>" for origin in known)
    body = ""
    for fact in rows:
        cells = {origin: fact.write(values) for origin, values in known.items()}
        untrained = fact.target in _MAY_BE_UNTRAINED and fact.target not in trained
        if untrained and cells.get("learned", "–") != "–":
            cells["learned"] += "*"
        shown = "".join(f"<td>{cell}</td>" for cell in cells.values())
        body += f"<tr><th>{fact.label}<small>{fact.unit}</small></th>{shown}</tr>"
    note = "<small>* not trained on: it follows from what was</small>" if "*" in body else ""
    return f"<table class='hx-facts-table'><tr><th></th>{head}</tr>{body}</table>{note}"


def doubt_html(novelty: float | None) -> str:
    """A warning where the picked structure is unlike the training set; empty where it is not, or that is unknown."""
    return "".join(
        f"<p class='hx-beware hx-{sign.level}' role='status'>{escape(sign.text)}</p>"
        for sign in of_structure(novelty, ())
        if sign.level != "good"
    )


def _norm(vector: np.ndarray | None) -> float | None:
    return None if vector is None else float(np.linalg.norm(vector))


def _mean(tensor: np.ndarray | None) -> float | None:
    return None if tensor is None else float(np.trace(tensor)) / 3


def _scaled(value: float | None, factor: float, digits: int) -> str:
    return "–" if value is None or not np.isfinite(value) else f"{value * factor:.{digits}f}"
