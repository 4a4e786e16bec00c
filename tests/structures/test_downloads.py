"""Archives from a server on this machine: what is read, what is kept, and a sentence for each thing that goes wrong."""

from __future__ import annotations

import errno
import fcntl
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.build import molecule as ase_molecule

from hamexplorer.errors import StructureError
from hamexplorer.structures import Structure, from_smiles, resolve
from hamexplorer.structures.archives import QM7, QM9, archive_folder, fetch
from hamexplorer.structures.diversity import coulomb_spectra, farthest_points
from hamexplorer.structures.quantum_machine import read_qm7, read_qm9
from hamexplorer.structures.sources.large_sets import QM7Source, QM9Source

CONTENT = bytes(range(256)) * 4000
SOURCES_OF_ARCHIVES = {"qm7": QM7Source, "qm9": QM9Source}


@pytest.fixture
def archive(server):
    """A megabyte of bytes as if they were the file of QM7."""
    return server.archive(QM7, CONTENT)


# ---- fetching ----------------------------------------------------------------------------------------


def test_a_file_is_fetched_once_told_of_and_kept(server, archive, tmp_path):
    told: list[str] = []
    path = fetch(archive, tell=told.append)
    assert path == tmp_path / "cache" / "archives" / "qm7.mat" and path.read_bytes() == CONTENT
    assert told[-1] == "1 of 1 MB"
    assert fetch(archive) == path
    assert server.ranges == [None]
    assert [entry.name for entry in path.parent.iterdir()] == ["qm7.mat"]


def test_a_file_put_by_hand_is_taken_if_it_is_the_right_one(server, archive):
    archive_folder().mkdir(parents=True)
    (archive_folder() / "qm7.mat").write_bytes(CONTENT)
    fetch(archive)
    assert server.ranges == []
    (archive_folder() / "qm7.mat").write_bytes(CONTENT[:-1])
    assert fetch(archive).read_bytes() == CONTENT
    assert server.ranges == [None]


def test_a_download_that_breaks_goes_on_where_it_ended(server, archive):
    server.faults = [("cut", 300_000)]
    assert fetch(archive).read_bytes() == CONTENT
    first, second = server.ranges
    assert first is None and second is not None
    start = int(re.fullmatch(r"bytes=(\d+)-", second)[1])
    assert 0 < start <= 300_000


def test_it_goes_on_at_the_next_call_too(server, archive):
    server.faults = [("cut", 200_000)] * 3
    with pytest.raises(StructureError, match=r"the connection broke after 0\.\d of 1\.0 MB, which are kept"):
        fetch(archive)
    assert fetch(archive).read_bytes() == CONTENT
    assert server.ranges[-1] is not None and server.ranges[-1] != "bytes=0-"


def test_a_server_that_cannot_go_on_sends_the_whole_file(server, archive):
    archive_folder().mkdir(parents=True)
    (archive_folder() / "qm7.mat.part").write_bytes(b"something else, and too long" * 99_000)
    assert fetch(archive).read_bytes() == CONTENT


def test_a_part_that_the_server_cannot_continue_is_dropped(server, archive):
    archive_folder().mkdir(parents=True)
    (archive_folder() / "qm7.mat.part").write_bytes(b"the start of an older file")
    server.faults = [416]
    assert_told(archive, "the server answered 416")
    assert fetch(archive).read_bytes() == CONTENT
    assert server.ranges == ["bytes=26-", None]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (404, "the server answered 404 Not Found"),
        (503, "the server answered 503 Service Unavailable"),
        ("page", "is a web page"),
        ("octet page", "is a web page"),
    ],
)
def test_an_answer_without_the_file_is_told_and_leaves_nothing(server, archive, fault, words):
    server.faults = [fault]
    assert_told(archive, words)
    assert list(archive_folder().iterdir()) == []
    assert fetch(archive).read_bytes() == CONTENT


def test_another_file_is_refused(server, archive):
    server.files["/qm7.mat"] = CONTENT[::-1]
    assert_told(archive, rf"not the known qm7\.mat: its SHA-256 does not begin with {archive.sha256[:12]}")
    assert list(archive_folder().iterdir()) == []


def test_a_longer_file_is_not_fetched_to_its_end(server, archive):
    server.files["/qm7.mat"] = CONTENT * 100
    assert_told(archive, "is longer than the 1024000 bytes of the known file")
    assert list(archive_folder().iterdir()) == []


def test_a_shorter_file_is_told(server, archive):
    server.files["/qm7.mat"] = CONTENT[:-5]
    with pytest.raises(StructureError, match="ended after 1023995 of 1024000 bytes"):
        fetch(archive)


def test_without_a_network_it_says_what_to_put_where(tmp_path, monkeypatch):
    monkeypatch.setenv("HAMEXPLORER_CACHE", str(tmp_path))
    # Port 9 of this machine: nothing answers there.
    archive = replace(QM9, url="http://127.0.0.1:9/files/3195389")
    sentence = assert_told(archive, "QM9 cannot be fetched (no connection)")
    assert archive.url in sentence and str(tmp_path / "archives") in sentence
    assert sentence.endswith("as dsgdb9nsd.xyz.tar.bz2")
    (tmp_path / "archives" / QM9.filename).write_bytes(b"not it")
    assert_told(archive, "the file of that name in the cache is not the known one")


@pytest.mark.parametrize(("text", "archive"), [("qm7:5", QM7), ("qm9:5,min_heavy=8", QM9)])
def test_the_published_address_stands_in_the_sentence(text, archive, tmp_path, monkeypatch):
    monkeypatch.setenv("HAMEXPLORER_CACHE", str(tmp_path))
    for scheme in ("http", "https"):
        monkeypatch.setenv(
            f"{scheme}_proxy", "http://127.0.0.1:9"
        )  # nobody is bothered where there is a network
    with pytest.raises(StructureError, match=r"cannot be fetched \(no connection\)") as caught:
        resolve(text)
    assert f"fetch {archive.url} in another way" in str(caught.value)


def test_a_folder_that_cannot_be_written_is_told(archive):
    with pytest.raises(StructureError, match=r"cannot be kept in /dev/null/archives .*; .*HAMEXPLORER_CACHE"):
        fetch(archive, folder=Path("/dev/null/archives"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a file that is always full")
def test_a_full_disk_is_told(archive):
    archive_folder().mkdir(parents=True)
    (archive_folder() / "qm7.mat.part").symlink_to("/dev/full")
    with pytest.raises(StructureError, match=r"the disk of .* is full, and QM7 needs 1 MB there") as caught:
        fetch(archive)
    assert isinstance(caught.value.__cause__, OSError) and caught.value.__cause__.errno == errno.ENOSPC


def test_two_processes_do_not_fetch_into_one_file(archive):
    archive_folder().mkdir(parents=True)
    with (archive_folder() / "qm7.mat.part").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert_told(archive, "QM7 is being fetched by another process")
    assert fetch(archive).read_bytes() == CONTENT


def assert_told(archive, words):
    """One sentence with the cure, and the address and the folder in it."""
    with pytest.raises(StructureError, match=words.replace("(", r"\(").replace(")", r"\)")) as caught:
        fetch(archive)
    sentence = str(caught.value)
    assert "\n" not in sentence and archive.url in sentence and str(archive_folder()) in sentence
    return sentence


@pytest.mark.parametrize("archive", [QM7, QM9], ids=lambda archive: archive.label)
def test_published_archives_are_described(archive):
    assert re.fullmatch(r"[0-9a-f]{64}", archive.sha256) and archive.url.startswith("http")
    assert archive.size > 1_000_000 and "/" not in archive.filename


# ---- reading -----------------------------------------------------------------------------------------


@pytest.fixture
def molecules(server):
    import archive_server

    return archive_server.some_molecules(60)


@pytest.mark.parametrize("name", ["qm7", "qm9"])
def test_the_molecules_are_those_that_were_written(server, molecules, name):
    source = SOURCES_OF_ARCHIVES[name](server.small(name, molecules))
    read = source.load(source.Params(n=60))
    first = {"qm7": 0, "qm9": 1}[name]  # as each set counts its own
    assert [s.name for s in read] == [f"{name}-{k}" for k in range(first, first + 60)]
    for structure, original in zip(read, molecules, strict=True):
        assert structure.formula == original.formula
        # Single precision in the one, ten decimals in the other.
        np.testing.assert_allclose(structure.positions, original.positions, atol=2e-6)


def test_what_was_read_of_qm9_is_kept_and_stays_the_same(server, molecules, monkeypatch):
    source = QM9Source(server.small("qm9", molecules))
    first = source.load(source.Params(n=60))
    (arrays,) = archive_folder().glob("*.npz")
    stamp = arrays.stat().st_mtime_ns
    assert [s.key for s in source.load(source.Params(n=60))] == [s.key for s in first]
    assert arrays.stat().st_mtime_ns == stamp
    arrays.write_bytes(arrays.read_bytes()[:-500])
    assert [s.key for s in source.load(source.Params(n=60))] == [s.key for s in first]
    assert arrays.stat().st_mtime_ns != stamp
    # Another archive is not mistaken for it.
    other = QM9Source(server.small("qm9", molecules[:40]))
    assert len(other.load(other.Params(n=40))) == 40


def test_a_record_of_qm9_has_tabs_exponents_of_its_own_and_closing_lines(server, tmp_path):
    import archive_server

    record = (
        "3\ngdb 3\t799.58812\t437.90386\t282.94545\t1.8511\t6.31\t-0.2928\t0.0687\t0.3615\t19.0002\t0.021375"
        "\t-76.404702\t-76.401867\t-76.400922\t-76.422349\t6.002\t\n"
        "O\t-0.0343604951\t 0.9775395708\t 7.6*^-3\t-0.589706\n"
        "H\t 0.0647664923\t 0.0205721989\t 1.5346341*^-6\t 0.294853\nH\t 0.8717903737\t 1.3007924048\t 0.0006931336\t"
        " 0.294853\n1671.4222\t3803.6305\t3907.698\nO\tO\t\nInChI=1S/H2O/h1H2\tInChI=1S/H2O/h1H2\n"
    )
    path = tmp_path / QM9.filename
    path.write_bytes(archive_server.qm9_file({"readme.txt": "x", "./dsgdb9nsd_000003.xyz": record}))
    (water,) = read_qm9(path)
    structure = Structure(water.numbers, water.positions)
    assert water.name == "qm9-3" and structure.formula == "H2O"
    np.testing.assert_allclose(
        structure.positions_angstrom[:2],
        [[-0.0343604951, 0.9775395708, 7.6e-3], [0.0647664923, 0.0205721989, 1.5346341e-6]],
        rtol=1e-12,
    )


@pytest.mark.parametrize("read", [read_qm7, read_qm9])
@pytest.mark.parametrize(
    "content",
    [b"", b"MATLAB 5.0 MAT-file" + bytes(200), b"BZh91AY&SY" + bytes(90)],
    ids=["empty", "MATLAB", "bzip2"],
)
def test_a_file_of_another_kind_is_told(read, content, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(StructureError, match=r"cannot be read as QM.*; remove it") as caught:
        list(read(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("record", "words"),
    [("3\ngdb 1\nO\t0\t0\t0\n", "the record qm9-1 is damaged"), ("x" * 70_000, "has 70000 bytes")],
)
def test_a_damaged_record_is_told(server, tmp_path, record, words):
    import archive_server

    path = tmp_path / QM9.filename
    path.write_bytes(archive_server.qm9_file({"dsgdb9nsd_000001.xyz": record}))
    with pytest.raises(StructureError, match=words):
        list(read_qm9(path))


# ---- choosing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["qm7", "qm9"])
def test_only_what_fits_is_taken(server, name):
    wanted = [from_smiles(smiles) for smiles in ("CCO", "CCN", "CCCO", "CCC", "CF", "CS", "O")]
    source = SOURCES_OF_ARCHIVES[name](server.small(name, wanted))

    def formulas(**settings):
        return [s.formula for s in source.load(source.Params(**settings))]

    assert formulas(n=5) == ["C2H6O", "C2H7N", "C3H8O", "C3H8", "H2O"]
    assert formulas(n=3, elements="+O") == ["C2H6O", "C3H8O", "H2O"]
    assert formulas(n=1, min_heavy=4) == ["C3H8O"]
    assert formulas(n=3, max_heavy=2, elements="") == ["CH3F", "CH4S", "H2O"]
    with pytest.raises(StructureError, match=r"5 molecules of QM\d fit, and 6 are asked for; ask for fewer"):
        formulas(n=6)


def test_farthest_points_of_a_line_are_its_ends_and_its_middle():
    line = np.linspace(0, 8, 9)[:, None]
    chosen = farthest_points(line, 9, seed=0)
    assert sorted(chosen) == list(range(9))
    first = chosen[0]
    assert chosen[1] == (0 if first > 4 else 8)
    # Each is as far from those before as any that is left.
    for k in range(1, 9):
        gaps = np.abs(line - line[chosen[:k]].T).min(1)
        assert gaps[chosen[k]] == gaps.max()


def test_twins_are_chosen_once():
    assert sorted(farthest_points(np.zeros((4, 2)), 4, seed=3)) == [0, 1, 2, 3]


def test_farthest_points_differ_more_than_chance(server, molecules):
    source = QM7Source(server.small("qm7", molecules))

    def spread(choice):
        taken = source.load(source.Params(n=10, choice=choice))
        spectra = coulomb_spectra([(s.numbers, s.positions) for s in taken])
        distances = np.linalg.norm(spectra[:, None] - spectra[None], axis=-1)
        return distances[np.triu_indices(10, 1)].min()

    assert spread("farthest-point") > 2 * spread("random")


def test_coulomb_spectra_do_not_see_place_turn_or_order():
    ethanol = Structure.from_ase(ase_molecule("CH3CH2OH"))
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    order = np.random.default_rng(1).permutation(ethanol.n_atoms)
    moved = (ethanol.numbers[order], (ethanol.positions @ turn + 3.0)[order])
    hydrogen = (np.array([1, 1]), np.array([[0, 0, 0], [0, 0, 1.4]]))
    spectra = coulomb_spectra([(ethanol.numbers, ethanol.positions), moved, hydrogen])
    np.testing.assert_allclose(spectra[0], spectra[1], atol=1e-10)
    # By hand: [[1/2, 1/1.4], [1/1.4, 1/2]] has the eigenvalues 1/2 ± 1/1.4.
    np.testing.assert_allclose(spectra[2], [0.5 + 1 / 1.4, 0.5 - 1 / 1.4, *[0.0] * 7], atol=1e-12)
