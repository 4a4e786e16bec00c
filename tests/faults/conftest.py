"""Finished calculations that nobody calculated, damage from a seed, and processes to be killed."""

from __future__ import annotations

import importlib.util
import os
import random
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hamexplorer.errors import HamExplorerError
from hamexplorer.reference.crystal_method import CrystalLevel, CrystalPoint
from hamexplorer.reference.method import LevelOfTheory, ReferenceMethod
from hamexplorer.reference.single_point import SinglePoint
from hamexplorer.reference.store import ReferenceStore
from hamexplorer.structures.structure import Structure

SEED = 20260


def hydrogen(length: float = 1.4) -> Structure:
    return Structure(np.array([1, 1]), np.array([[0.0, 0.0, 0.0], [0.0, 0.0, length]]), name="H2")


def made_point(seed: int = 0) -> SinglePoint:
    rng = np.random.default_rng(seed)
    shapes = {"mo_energy": 2, "dipole": 3, "mulliken_charge": 2, "lowdin_charge": 2}
    values: dict[str, Any] = {
        f.name: rng.normal(size=shapes.get(f.name, (2, 2))) for f in fields(SinglePoint)
    }
    return SinglePoint(**{**values, "n_occ": 1, "e_tot": -1.1 - seed, "strategy": "plain"})


def made_crystal() -> CrystalPoint:
    rng = np.random.default_rng(3)
    values: dict[str, Any] = {f.name: rng.normal(size=(3, 2, 2)) for f in fields(CrystalPoint)}
    plain = {"fermi": 0.1, "vacuum": float("nan"), "n_electrons": 4, "e_tot": -7.5, "decay": 0.01}
    return CrystalPoint(**{**values, **plain})


#: What is stored under which level: both kinds of entry.
ENTRIES: dict[str, tuple[Any, Any]] = {
    "molecule": (LevelOfTheory("hf", "sto-3g", False, 0), made_point()),
    "crystal": (CrystalLevel(), made_crystal()),
}


def same_point(one: Any, other: Any) -> bool:
    """Whether two finished calculations are equal to the last bit, types included."""
    pairs = [(getattr(one, f.name), getattr(other, f.name)) for f in fields(one)]
    return type(one) is type(other) and all(
        type(a) is type(b) and np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in pairs
    )


def flips(content: bytes, count: int, first: int = 0) -> Iterator[bytes]:
    """The content with one bit flipped, at random places of the whole and at each byte of its beginning."""
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    bits = [rng.randrange(8 * len(content)) for _ in range(count)]
    bits += [8 * byte + rng.randrange(8) for byte in range(min(first, len(content)))]
    for bit in bits:
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        yield bytes(damaged)


def cuts(content: bytes, count: int = 20) -> Iterator[bytes]:
    """The content cut short, everywhere."""
    for length in {0, 1, len(content) - 1, *(k * len(content) // count for k in range(count))}:
        yield content[:length]


def one_sentence(error: BaseException) -> None:
    """Fact, value and cure in one line."""
    text = str(error)
    assert isinstance(error, HamExplorerError) and "\n" not in text and ";" in text and len(text) < 600


def same_dataset(one: Any, other: Any) -> bool:
    def plain(dataset: Any) -> tuple[Any, Any]:
        header = (dataset.name, repr(dataset.method), dataset.set_aside, dataset.provenance)
        arrays = [
            None if value is None else np.asarray(value).tobytes()
            for r in dataset.references
            for part in (r, r.small, r.large, r.structure)
            for value in (vars(part)[f.name] for f in fields(part) if f.name in _COMPARED)
        ]
        return header, arrays

    return plain(one) == plain(other)


_COMPARED = {
    "n_occ",
    "fock",
    "overlap",
    "mo_energy",
    "dipole",
    "e_tot",
    "polarizability",
    "positions",
    "numbers",
}


@pytest.fixture
def store(tmp_path) -> ReferenceStore:
    return ReferenceStore(tmp_path / "store")


@pytest.fixture
def quick() -> ReferenceMethod:
    """A whole reference calculation in a tenth of a second."""
    return ReferenceMethod(xc="hf", small_basis="sto-3g", large_basis="6-31g")


@pytest.fixture
def faults() -> Any:
    """The functions of this file, which tests cannot import from where they are."""
    names = (hydrogen, made_point, same_point, same_dataset, one_sentence, flips, cuts)
    return SimpleNamespace(**{each.__name__: each for each in names}, entries=ENTRIES, seed=SEED)


# ---- processes that are killed -------------------------------------------------------------------------

KILL_SEED = 20261127
_VICTIM = Path(__file__).with_name("victim.py")


class Victim:
    """A process of `victim.py` and what it says."""

    def __init__(self, *words: Any) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(_VICTIM), *map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._said = b""

    def ask(self, *words: Any) -> None:
        self.process.stdin.write((" ".join(map(str, words)) + "\n").encode())
        self.process.stdin.flush()

    def hear(self, seconds: float = 120.0) -> tuple[str, int] | None:
        """The next line; None when the process has ended."""
        pipe = self.process.stdout.fileno()
        while b"\n" not in self._said:
            assert select.select([pipe], [], [], seconds)[0], f"nothing was said for {seconds} s"
            more = os.read(pipe, 1 << 16)
            if not more:
                return None
            self._said += more
        line, _, self._said = self._said.partition(b"\n")
        word, number = line.split()
        return word.decode(), int(number)

    def wait_for(self, *words: str) -> tuple[str, int]:
        while True:
            heard = self.hear()
            assert heard is not None, f"it ended before it said {words}"
            if heard[0] in words:
                return heard

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def start() -> Iterator[Callable[..., Victim]]:
    """Start a process of `victim.py`; what still runs is ended with the test."""
    started: list[Victim] = []

    def begin(*words: Any) -> Victim:
        started.append(Victim(*words))
        return started[-1]

    yield begin
    for each in started:
        each.end()


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[tuple[Victim, Path]]:
    """A process that forks what is to be killed, and the folder in which it writes."""
    folder = tmp_path_factory.mktemp("killed")
    server = Victim(folder)
    server.wait_for("ready")
    yield server, folder
    server.end()


@pytest.fixture(scope="module")
def victim() -> Any:
    """The module that is run as the victim: it knows what it writes."""
    spec = importlib.util.spec_from_file_location("victim", _VICTIM)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def draw(request) -> random.Random:
    """Random moments; the seed is shown when the test fails."""
    print(f"seed {KILL_SEED}")
    return random.Random(f"{KILL_SEED} {request.node.name}")
