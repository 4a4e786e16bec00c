"""How large a model is, read from the header of its file: bounded, so that no header makes it fill the memory."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from hamexplorer._plain import take, take_list, take_number, take_whole
from hamexplorer.basis.blocks import BlockTemplate
from hamexplorer.model import GraphSettings

#: Larger than any network here, small enough for a laptop.
_MOST_FUNCTIONS, _HIGHEST_L, _MOST_SHELLS, _HEAVIEST = 64, 6, 24, 118


def shape_of(header: dict[str, Any], cutoff: float) -> tuple[GraphSettings, BlockTemplate]:
    """What a model sees, and the shells of its elements.

    Args:
        header: of a model's file.
        cutoff: of its run, Å.

    Raises:
        ValueError: if an entry is missing, of another kind or beyond what a model here may have.
    """
    elements = take_list(header, "elements", int, most=_HEAVIEST)
    if (
        not elements
        or list(elements) != sorted(set(elements))
        or not 1 <= elements[0] <= elements[-1] <= _HEAVIEST
    ):
        raise ValueError("elements are no rising atomic numbers")
    shells = take(header, "shells", dict)
    of_elements = {
        int(z): take_list(shells, z, int, most=_MOST_SHELLS) for z in shells if z.isdecimal() and len(z) < 4
    }
    if set(of_elements) != set(elements) or len(shells) != len(elements):
        raise ValueError("shells are those of other elements")
    graph = take(header, "graph", dict)
    seen: dict[str, Any] = {"orbital_ls": take_list(graph, "orbital_ls", int, [], most=_MOST_SHELLS)}
    for name in graph:
        if name == "radial_scale":
            seen[name] = take_number(graph, name)
        elif name in {field.name for field in fields(GraphSettings)} - {
            "orbital_ls",
            "elements",
            "cutoff_angstrom",
        }:
            seen[name] = take_whole(graph, name, high=_HIGHEST_L if name == "l_max" else _MOST_FUNCTIONS)
        elif name != "orbital_ls":
            raise ValueError("the graph has an entry that is unknown")
    if any(not 0 <= l <= _HIGHEST_L for ls in (seen["orbital_ls"], *of_elements.values()) for l in ls):
        raise ValueError("a shell is of no usual angular momentum")
    return GraphSettings(elements, cutoff_angstrom=cutoff, **seen), BlockTemplate.of(of_elements)
