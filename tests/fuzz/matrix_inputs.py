"""Matrices in real space: .npz files and DeepH folders."""

from __future__ import annotations

import io
from collections.abc import Iterator

import h5py
import numpy as np

from tests.fuzz.inputs import Input, rng_of
from tests.fuzz.mutations import mutate_bytes, mutate_text
from tests.fuzz.packed import bombs, hostile_members, npz_of

CHAIN = {
    "translations": np.array([[0, 0, 0], [1, 0, 0], [-1, 0, 0]]),
    "hamiltonian": np.array([[[0.2]], [[-0.1]], [[-0.1]]]),
    "overlap": np.array([[[1.0]], [[0.1]], [[0.1]]]),
    "cell": np.diag([2.0, 10.0, 10.0]),
    "positions": np.zeros((1, 3)),
    "numbers": np.array([6]),
    "pbc": np.array([True, False, False]),
    "unit": np.array("eV"),
    "length_unit": np.array("angstrom"),
    "orbitals": np.array([[0, 0, 0]]),
    "fermi": np.array(0.1),
    "n_electrons": np.array(2),
}


def matrix_inputs(count: int) -> Iterator[Input]:
    """.npz files and DeepH folders."""
    content, options = npz_of(CHAIN), {"filename": "a.npz"}
    yield Input("npz as it is", "matrices", {"a.npz": content}, options)
    for k in range(count):
        yield Input(f"npz {k}", "matrices", {"a.npz": mutate_bytes(rng_of("npz", k), content)}, options)
    for name in CHAIN:
        for k, member in enumerate(hostile_members()):
            yield Input(
                f"npz {name} hostile {k}", "matrices", {"a.npz": npz_of(CHAIN, **{name: member})}, options
            )
        for k, number in enumerate((np.nan, np.inf, -1, 1e308, 1e12, 0)):
            if CHAIN[name].dtype.kind != "U":
                changed = np.full(CHAIN[name].shape, number, dtype=float)
                yield Input(
                    f"npz {name} number {k}", "matrices", {"a.npz": npz_of({**CHAIN, name: changed})}, options
                )
    for k, bomb in enumerate(bombs("hamiltonian.npy")):
        yield Input(f"npz bomb {k}", "matrices", {"a.npz": bomb}, options)
    files = deeph_folder()
    yield Input("deeph as it is", "matrices", files)
    texts = [name for name in files if not name.endswith(".h5")]
    for k in range(count):
        rng = rng_of("deeph", k)
        name = rng.choice(texts)
        yield Input(f"deeph {name} {k}", "matrices", {**files, name: mutate_text(rng, files[name].decode())})
    for k in range(count // 2):
        rng = rng_of("deeph h5", k)
        name = rng.choice(("hamiltonians.h5", "overlaps.h5"))
        yield Input(f"deeph {name} {k}", "matrices", {**files, name: mutate_bytes(rng, files[name])})


def deeph_folder() -> dict[str, bytes]:
    def blocks(home: float, next_cell: float) -> bytes:
        out = io.BytesIO()
        with h5py.File(out, "w") as file:
            for t, value in ((0, home), (1, next_cell), (-1, next_cell)):
                file[f"[{t}, 0, 0, 1, 1]"] = np.array([[value]])
        return out.getvalue()

    cell = np.diag([2.0, 10.0, 10.0])

    def table(numbers: np.ndarray) -> bytes:
        return "\n".join(" ".join(f"{x:.10f}" for x in row) for row in numbers).encode()

    return {
        "lat.dat": table(cell.T),
        "rlat.dat": table(2 * np.pi * np.linalg.inv(cell)),
        "site_positions.dat": b"0.0\n0.0\n0.0\n",
        "element.dat": b"6\n",
        "orbital_types.dat": b"0\n",
        "info.json": b'{"isspinful": false, "fermi_level": 0.5, "nsites": 1}',
        "hamiltonians.h5": blocks(2.0, -1.0),
        "overlaps.h5": blocks(1.0, 0.1),
    }
