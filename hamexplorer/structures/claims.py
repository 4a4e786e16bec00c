"""What a file claims to hold, checked against what it holds, before a reader of ASE believes it.

ASE's readers make room for as many atoms as a header says, and for arrays of any shape that a database names; some
search long lines with regular expressions that take forever. A file that claims more than it can hold is damaged, or
made to fill the memory.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import sqlite3
from pathlib import Path
from typing import Any

from hamexplorer.structures.checks import MAX_STRUCTURES

#: Formats whose headers count atoms or points -> number of title lines, in which anything may stand.
_COUNTING = {
    "vasp": 1,
    "vasp-xdatcar": 1,
    "cube": 2,
    "xsf": 0,
    "struct": 1,
    "gromacs": 1,
    "gen": 0,
    "turbomole": 0,
}
_COUNT = re.compile(rb"(?<![\w.+-])\d{7,}(?![\w.])")
#: Characters of a line: programs write lines of some hundred at most, those of JSON aside.
_LONG_LINE = re.compile(rb"[^\r\n]{8193}")
_ONE_LINE = ("cjson", "traj", "json", "db")
_DTYPE = re.compile(r"[<>|=]?(bool|b1|[iufc]\d{1,2}|(u?int|float|complex)\d{1,3}|[US]\d{1,3})")
_SHAPE_KEYS = ("ndarray", "__ndarray__")


class ClaimError(ValueError):
    """A file says that it holds what it cannot; the reader turns this into its own sentence."""


def check_text(content: bytes, format: str) -> None:
    """Refuse counts of millions of atoms, and lines that no program writes.

    Raises:
        ClaimError: saying what is claimed.
    """
    if format not in _ONE_LINE and _LONG_LINE.search(content):
        raise ClaimError("a line is longer than 8192 characters")
    if format in _COUNTING:
        start = 0
        for _ in range(_COUNTING[format]):
            start = content.find(b"\n", start) + 1
        if match := _COUNT.search(content, start):
            raise ClaimError(f"it counts {match[0][:20].decode()} of something")
    if format == "cjson":
        check_json(content.decode("utf-8", "replace"), len(content))


def check_json(text: str, n_bytes: int) -> Any:
    """The values of a JSON text, every array that it describes no larger than the file.

    Args:
        text: of a database or of a part of one.
        n_bytes: size of the file.

    Raises:
        ClaimError: if an array cannot be in it, or the text is nested too deeply or no JSON.
    """

    def checked(found: dict[str, Any]) -> dict[str, Any]:
        for key in _SHAPE_KEYS:
            if key in found:
                _check_array(found[key], n_bytes)
        return found

    try:
        return json.loads(text, object_hook=checked)
    except ClaimError:
        raise
    except (ValueError, RecursionError) as error:
        raise ClaimError("its JSON is damaged or nested too deeply") from error


def _check_array(described: Any, n_bytes: int) -> None:
    if not (isinstance(described, list) and len(described) == 3 and isinstance(described[0], list)):
        raise ClaimError("it describes an array in a way of its own")
    shape, dtype = described[:2]
    if not all(isinstance(n, int) and 0 <= n <= n_bytes for n in shape) or math.prod(shape) > n_bytes:
        raise ClaimError("it describes an array that is larger than the file")
    if not (isinstance(dtype, str) and _DTYPE.fullmatch(dtype)):
        raise ClaimError("it describes an array of something else than numbers")


def check_database(path: Path, kind: str) -> None:
    """Refuse an ASE database of ``kind`` "json" or "db" that repeats its rows, computes them, or lies about arrays.

    Raises:
        ClaimError: saying what is claimed.
    """
    n_bytes = path.stat().st_size
    if kind == "json":
        values = check_json(path.read_text(encoding="utf-8", errors="replace"), n_bytes)
        ids = values.get("ids", ()) if isinstance(values, dict) else ()
        if isinstance(ids, list) and len(ids) > min(MAX_STRUCTURES, len(values)):
            raise ClaimError("it names more rows than it has")
        return
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as base:
        # Only plain tables: a view or a computed column may never end, or fill the memory.
        for kind_of, name, sql in base.execute("SELECT type, name, sql FROM sqlite_master").fetchall():
            hidden = base.execute(
                "SELECT COUNT(*) FROM pragma_table_xinfo(?) WHERE hidden", (name,)
            ).fetchone()
            virtual = str(sql).upper().startswith("CREATE VIRTUAL")
            if kind_of not in ("table", "index") or virtual or (kind_of == "table" and hidden[0]):
                raise ClaimError("it computes what it should hold")
        (count,) = base.execute("SELECT COUNT(*) FROM systems").fetchone()
        if count > MAX_STRUCTURES:
            raise ClaimError(f"it has {count} rows")
        for texts in base.execute("SELECT key_value_pairs, constraints, calculator_parameters FROM systems"):
            for text in texts:
                if isinstance(text, str):
                    check_json(text, n_bytes)


def check_trajectory(content: bytes) -> None:
    """Refuse an ASE trajectory whose frames or arrays would not fit into it.

    Raises:
        ClaimError: saying what is claimed.
    """

    def whole(at: int) -> int:
        if not 0 <= at <= len(content) - 8:
            raise ClaimError("it points outside of itself")
        return int.from_bytes(content[at : at + 8], "little", signed=True)

    n_frames, start = whole(32), whole(40)
    if not 0 < n_frames <= MAX_STRUCTURES:
        raise ClaimError(f"it claims {n_frames} frames")
    for k in range(n_frames):
        place = whole(start + 8 * k)
        size = whole(place)
        if not 0 <= size <= len(content) - place - 8:
            raise ClaimError("a frame is longer than the file")
        try:
            values = check_json(content[place + 8 : place + 8 + size].decode(), len(content))
        except UnicodeDecodeError as error:
            raise ClaimError("a frame is no text") from error
        if isinstance(values, dict) and isinstance(values.get("constraints"), str):
            check_json(values["constraints"], len(content))
