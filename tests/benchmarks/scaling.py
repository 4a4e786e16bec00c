"""(e) Cost against the number of atoms, of molecules and of atomic orbitals, with the exponent fitted."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from measuring import Row, Scale, exponent, in_ms, medians, peak_memory, seconds
from prediction_ratios import qm7_molecules, untrained
from workload import TARGETS, workload_of

from hamexplorer.model.graph import GraphSettings, make_graph
from hamexplorer.reference.execute import run_references
from hamexplorer.reference.method import ReferenceMethod
from hamexplorer.reference.store import ReferenceStore
from hamexplorer.structures.crystals import build_layer, supercell
from hamexplorer.structures.polymers import build_polyethylene
from hamexplorer.structures.smiles import from_smiles
from hamexplorer.structures.structure import Structure
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.stream import SteadyPredictor

#: Slack of "linear": what a fit over one decade of sizes, on a machine that does other things, cannot tell apart.
LINEAR = 1.15
#: Molecules held at once when many are predicted, as the command line does.
CHUNK = 128
BASES = ("sto-3g", "6-31g", "def2-svp")
#: Small molecules with a gap in every basis.
_SMALL = ("C", "N", "O", "CO", "C=O", "C#N", "CC", "C=C")


def with_atoms(scale: Scale) -> list[Row]:
    """Descriptors of chains and slabs that repeat, and whole predictions of chains that end."""
    settings = GraphSettings((1, 6))
    chain, layer = build_polyethylene(), build_layer()
    steps = scale.few(1, 3)
    series = {
        "polyethylene, periodic": [supercell(chain, (n, 1, 1)) for n in (2, 4, 8, 16, 33)[::steps]],
        "graphene, periodic": [supercell(layer, (n, n, 1)) for n in (2, 3, 5, 7, 10)[::steps]],
    }
    return [_descriptors(name, members, settings, scale) for name, members in series.items()]


def _descriptors(name: str, members: Sequence[Structure], settings: GraphSettings, scale: Scale) -> Row:
    turns = medians(
        {str(s.n_atoms): lambda s=s: np.asarray(make_graph(s, settings).density) for s in members},
        scale.few(9),
    )
    sizes, times = [s.n_atoms for s in members], list(turns.values())
    graphs = [make_graph(s, settings) for s in (members[0], members[-1])]
    pairs = [len(g.i) / s.n_atoms for g, s in zip(graphs, (members[0], members[-1]), strict=True)]
    held = sum(np.asarray(x).nbytes for x in graphs[-1]) / members[-1].n_atoms
    power = exponent(sizes, times)
    return Row(
        f"descriptors of {name}, {sizes[0]} to {sizes[-1]} atoms: exponent ({pairs[0]:.0f} and {pairs[-1]:.0f} pairs "
        f"an atom, {held / 1e3:.0f} kB an atom)",
        in_ms(times[-1]),
        f"{in_ms(times[0])}, the smallest",
        power,
        f"linear (≤ {LINEAR})",
        power <= LINEAR,
    )


def chains(scale: Scale) -> list[Row]:
    """Whole predictions of alkanes, one at a time."""
    rows = []
    lengths = {"default settings": (3, 6, 16), "no baseline": (3, 6, 16, 33, 66)}
    how = {"default settings": {}, "no baseline": {"baseline": "none", "features": "geometry"}}
    for kind in list(how)[scale.few(0, 1) :]:
        predictor = SteadyPredictor(untrained(scale, **how[kind]))
        members = [from_smiles("C" * n) for n in lengths[kind][: scale.few(9, 2)]]
        times = []
        for structure in members:
            predictor([structure])  # compiles
            times.append(medians({"": lambda s=structure, p=predictor: p([s])}, scale.few(3), warm=False)[""])
        sizes = [s.n_atoms for s in members]
        rows.append(
            Row(
                f"all properties of an alkane of {sizes[0]} to {sizes[-1]} atoms, {kind}: exponent (peak memory "
                f"so far {peak_memory():.0f} MB)",
                in_ms(times[-1]),
                f"{in_ms(times[0])}, the smallest",
                exponent(sizes, times),
            )
        )
    return rows


def with_molecules(scale: Scale, most: int) -> list[Row]:
    """Streamed predictions of 100 molecules and ten times as many, again and again up to ``most``."""
    predictor = SteadyPredictor(untrained(scale, baseline="none", features="geometry"), ("homo_lumo_gap",))
    known = qm7_molecules(128)
    counts, times, memory = [], [], []
    n = scale.few(100, 3)
    for _ in stream(predictor, known, min(n, CHUNK)):
        pass  # compiles
    while n <= most:
        times.append(seconds(lambda n=n: sum(1 for _ in stream(predictor, known, n))))
        counts.append(n)
        memory.append(peak_memory())
        n *= 10
    if len(counts) < 2:
        return []
    return [
        Row(
            f"gaps of {counts[0]} to {counts[-1]} QM7 molecules in a stream, no baseline: exponent",
            f"{times[-1] / counts[-1] * 1e3:.1f} ms a molecule",
            f"{times[0] / counts[0] * 1e3:.1f} ms, of the fewest",
            exponent(counts, times),
            f"linear (≤ {LINEAR})",
            exponent(counts, times) <= LINEAR,
        ),
        Row(
            "its peak memory with the most and with the fewest",
            f"{memory[-1]:.0f} MB",
            f"{memory[0]:.0f} MB",
            memory[-1] / memory[0],
            "bounded (≤ 1.2×)",
            memory[-1] <= 1.2 * memory[0],
        ),
    ]


def stream(predictor: SteadyPredictor, known: Sequence[Structure], n: int) -> Iterator[float]:
    """Gaps of n molecules, the known ones again and again, a chunk at a time."""
    for start in range(0, n, CHUNK):
        chunk = [known[k % len(known)] for k in range(start, min(start + CHUNK, n))]
        for found in predictor(chunk):
            yield found.homo_lumo_gap  # type: ignore[union-attr]


def with_orbitals(scale: Scale) -> list[Row]:
    """A training step with larger and larger learned bases, of the same molecules at Hartree-Fock level."""
    structures = [from_smiles(s) for s in _SMALL]
    bases = BASES[: scale.few(3)]
    steps: dict[str, Callable] = {}
    sizes = []
    with tempfile.TemporaryDirectory() as folder:
        for basis in bases:
            method = ReferenceMethod(xc="hf", small_basis=basis, large_basis=basis)
            dataset = run_references(structures, method, jobs=1, store=ReferenceStore(Path(folder)))
            work = workload_of(dataset, RunSettings(targets=TARGETS), scale)
            sizes.append(np.mean([f.base.shape[-1] for f in work.members[0]]))
            steps[basis] = lambda work=work: work.step(0)
        turns = medians(steps, scale.few(7))
    times = list(turns.values())
    found = ", ".join(f"{basis} {in_ms(turns[basis])}" for basis in bases)
    power = exponent(sizes, times) if len(sizes) > 1 else float("nan")
    return [
        Row(
            f"training step of {len(work.members[0])} small molecules with {sizes[0]:.0f} to {sizes[-1]:.0f} orbitals "
            f"each: exponent ({found})",
            in_ms(times[-1]),
            f"{in_ms(times[0])}, {bases[0]}",
            power,
        )
    ]


def scaling(scale: Scale, most: int = 1000) -> list[Row]:
    """(e)."""
    return [
        *with_atoms(scale),
        *chains(scale),
        *with_molecules(scale, scale.few(most, 30)),
        *([] if scale.tiny else with_orbitals(scale)),
    ]
