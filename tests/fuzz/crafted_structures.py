"""Structure files that no accident makes: claims of size, expressions' bad days, code where numbers belong."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.fuzz.inputs import HERE
from tests.fuzz.structure_samples import NAMES, database, written_by_ase


def crafted_structures() -> Iterator[tuple[bytes, str]]:
    """What no accident makes: claims of size, regular expressions' bad days, code where numbers are expected."""
    xyz = "1\n{}\nHe 0 0 0\n"
    for comment in (
        "a" * 500_000, "a={ " * 100_000, "a='" * 100_001, 'a="' * 100_001, " " * 500_000, "a " * 200_000, "=" * 300_000,
        "Properties=species:S:-5:pos:R:3", "Properties=species:S:1:pos:R:-3", f"Properties=species:S:1:pos:R:{10**30}",
        "Properties=pos:R:3:species:S:" + "9" * 5000, f"charge={-(10**30)}", "charge=" + "9" * 5000, "charge=inf",
        "charge=-1e19", 'Lattice="1e400 0 0 0 1 0 0 0 1" pbc="T T T"', f"name={'x' * 100_000}",
        'Lattice="1e-300 0 0 0 1e-300 0 0 0 1e-300"', "name=\ud800", 'Lattice="1000 0 0 0 1000 0 0 0 0.9" pbc="T T T"',
        'Lattice="999 998 0 998 999 0 0 0 0.81"',
    ):  # fmt: skip
        yield xyz.format(comment).encode("utf-8", "surrogatepass"), "a.xyz"
    yield b"9" * 5000 + b"\n\nHe 0 0 0\n", "a.xyz"
    yield b"1\n\n" + b"9" * 5000 + b" 0 0 0\n", "a.xyz"
    yield xyz.format("").encode() * 100_000, "a.xyz"
    yield b"\n" * 3_000_000, "a.xyz"
    yield b"\r\x0b\x0c" * 3_000_000, "a.pdb"
    yield b"{" * 100_000, "a.json"
    yield b"[" * 1_000_000, "a.json"
    yield b'{"1": ' * 100_000, "a.json"
    row = json.loads(written_by_ase("json"))
    for value in (
        {"__ndarray__": [[10**9], "float64", [0.0]]},
        {"__ndarray__": [[10**12], "float64", [0.0]]},
        {"__ndarray__": [[-1], "float64", [0.0]]},
        {"__ndarray__": [[3], "O", ["x"]]},
        {"__ndarray__": [[2], "V1000000000", [0.0]]},
        {"__ase_objtype__": "atoms", "numbers": [1]},
        {"__ase_objtype__": "bandpath", "labelseq": "G" * 10_000},
        {"__complex__": ["a"]},
        [[1e308, 0, 0]],
        "x",
        None,
    ):
        for key in ("positions", "numbers", "cell", "pbc", "constraints", "initial_charges", "masses"):
            changed = {**row, "1": {**row["1"], key: value}}
            yield json.dumps(changed).encode(), "a.json"
    yield json.dumps({**row, "ids": list(range(1, 2)) * 2_000_000}).encode(), "a.json"
    yield from _crafted_databases()
    yield from _crafted_texts()


def _crafted_databases() -> Iterator[tuple[bytes, str]]:
    import sqlite3

    endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c"
    for statements in (
        ["ALTER TABLE systems RENAME TO old", f"CREATE VIEW systems AS {endless}"],
        [
            "ALTER TABLE systems RENAME TO old",
            "CREATE VIEW systems AS SELECT *, randomblob(900000000) FROM old",
        ],
        ["ALTER TABLE systems ADD COLUMN big BLOB AS (zeroblob(900000000))"],
        ["UPDATE systems SET positions = zeroblob(900000000)"],
        ["UPDATE systems SET numbers = zeroblob(8), natoms = 1000000000"],
        ["UPDATE systems SET key_value_pairs = '" + "[" * 100_000 + "'"],
        ['UPDATE systems SET constraints = \'[{"name": "FixAtoms", "kwargs": {"indices": [99]}}]\''],
        ['UPDATE systems SET key_value_pairs = \'{"a": {"__ndarray__": [[1000000000], "float64", [0.0]]}}\''],
        ['UPDATE systems SET data = \'{"a": {"__ndarray__": [[1000000000], "float64", [0.0]]}}\''],
        ["UPDATE information SET value = '99'"],
        ["UPDATE information SET value = 'x'"],
        ["DROP TABLE systems"],
        ["DELETE FROM systems"],
    ):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.db"
            path.write_bytes(database("db"))
            base = sqlite3.connect(path)
            try:
                for statement in statements:
                    if "zeroblob(9000" in statement and "UPDATE" in statement:
                        statement = statement.replace("900000000", "60000000")
                    base.execute(statement)
                base.commit()
            finally:
                base.close()
            yield path.read_bytes(), "a.db"
    content = database("traj")
    for old, new in (
        (b"[[6, 3]", b"[[9999999999, 3]"),
        (b'"float64"', b'"V999999999"'),
        (b"[[6, 3]", b"[[-6, 3]"),
    ):
        yield content.replace(old, new), "a.traj"
    big = np.array([1, 2**60, 48], np.int64).tobytes()
    yield content[:24] + big + content[48:], "a.traj"


def _crafted_texts() -> Iterator[tuple[bytes, str]]:
    silicon = written_by_ase("vasp")
    lines = silicon.splitlines()
    for counts in ("1000000000", "1000000000000", "-8", "0", "8 " * 50_000, "9" * 5000, "8*8", "1e9"):
        yield "\n".join([*lines[:6], counts, *lines[7:]]).encode(), "POSCAR"
    cube = written_by_ase("cube").splitlines()
    for k, line in (
        (2, "1000000000 0 0 0"),
        (2, f"{10**15} 0 0 0"),
        (3, "1000000000 0.1 0 0"),
        (2, "6 0 0 0 1000000000"),
    ):
        yield "\n".join([*cube[:k], line, *cube[k + 1 :]]).encode(), "a.cube"
    cif = written_by_ase("cif")
    for old, new in (
        ("P 1", "F d -3 m"), ("P 1", "x" * 10_000), ("5.43", "1e12"), ("5.43", "0"), ("5.43", "nan"),
        ("loop_", "loop_\n" * 20_000),
        ("data_", "data_a\n" * 20_000 + "data_"), ("'x, y, z'", "'x+y*(z), __import__(\"os\"), 9**9**9'"),
        ("loop_", ";\n"),
        ("'x, y, z'", "'" + "x+" * 50_000 + "x, y, z'"), ("'x, y, z'", "\n'x, y, z'\n" * 3000),
    ):  # fmt: skip
        yield cif.replace(old, new).encode(), "a.cif"
    aims = written_by_ase("aims")
    for extra in (
        "symmetry_n_params 1 1 0\nsymmetry_params a b\nsymmetry_lv 9**9**9**9, 0, 0\nsymmetry_frac 9**9**9, 0, 0\n",
        "symmetry_n_params 1000000000 1 0\n", "constrain_relaxation .true.\n" * 3, "lattice_vector 1 0 0\n" * 3,
        "symmetry_n_params 2 1 1\nsymmetry_params a x\nsymmetry_lv a, 0, 0\nsymmetry_lv 0, a, 0\nsymmetry_lv 0, 0, a\n"
        + "symmetry_frac __import__('os').system('true'), x, 0\n" * 6,
    ):  # fmt: skip
        yield (aims + extra).encode(), "geometry.in"
    pwi = written_by_ase("espresso-in")
    for old, new in (
        ("nat              = 8", "nat = 1000000000"), ("ntyp             = 1", "ntyp = 1000000000"),
        ("0.0000000000 0.0000000000 0.0000000000", "9^9^9^9^9 2*(3+4) 0"), ("ibrav            = 0", "ibrav = 4"),
        ("0.0000000000 0.0000000000 0.0000000000", "(" * 5000 + "1" + ")" * 5000 + " 0 0"),
    ):  # fmt: skip
        yield pwi.replace(old, new).encode(), "a.pwi"
    yield (written_by_ase("xsf").replace("8 1", "1000000000 1")).encode(), "a.xsf"
    yield (
        (
            written_by_ase("xsf") + "BEGIN_BLOCK_DATAGRID_3D\n x\n BEGIN_DATAGRID_3D\n 99999 99999 99999\n"
        ).encode(),
        "a.xsf",
    )
    yield b"ANIMSTEPS 1000000000\n" + written_by_ase("xsf").encode(), "a.xsf"
    yield (written_by_ase("gen").replace("6 ", "1000000000 ", 1)).encode(), "a.gen"
    yield (
        b"x\nx\n\n  0  0  0     0  0            999 V3000\nM  V30 BEGIN CTAB\nM  V30 COUNTS " + b"9" * 5000,
        "a.sdf",
    )
    yield (
        b"x\n\n\n  0  0  0     0  0            999 V3000\nM  V30 BEGIN CTAB\nM  V30 COUNTS 2 4000000000 0 0 0\n"
        b"M  V30 BEGIN ATOM\nM  V30 1 C 0 0 0 0\nM  V30 2 C 0 0 1.4 0\nM  V30 END ATOM\nM  V30 END CTAB\nM  END\n",
        "a.sdf",
    )
    yield b"\xff\xfe" + b"\x00\xd8" * 1000, "a.xyz"
    for name in NAMES:
        yield (HERE / "samples" / "atoms.txt").read_bytes(), name
        yield cif.encode(), name
