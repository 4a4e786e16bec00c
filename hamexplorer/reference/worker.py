"""One worker process: `python -m hamexplorer.reference.worker`, started by `reference.execute`.

It reads one task a line from its standard input (JSON), computes what the store lacks, saves it, and
answers with one line. When its input ends, because the parent ended or was killed, it finishes its molecule
and ends too. Text instead of pickles, and a program of its own instead of `multiprocessing`: it starts from
scripts, notebooks and terminals alike, without importing their main module again.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from typing import Any

#: The environment in which a worker runs: parallelism is over molecules, one thread each.
ONE_THREAD: dict[str, str] = {
    f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")
} | {"VECLIB_MAXIMUM_THREADS": "1"}


def encode_task(structure: Any, method: Any, folder: Any) -> str:
    """One line of JSON; floats keep all their digits."""
    from hamexplorer.params import to_dict

    return json.dumps(
        {
            "numbers": structure.numbers.tolist(),
            "positions": structure.positions.tolist(),
            "charge": structure.charge,
            "name": structure.name,
            "source": structure.source,
            "cell": None if structure.cell is None else structure.cell.tolist(),
            "pbc": structure.pbc,
            "kind": type(method).__name__,
            "method": to_dict(method),
            "store": str(folder),
        }
    )


def main() -> None:
    """Answer tasks until the input ends."""
    # A Ctrl-C in the terminal reaches every process of the group; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Libraries may print; answers go through a descriptor that they do not know.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with contextlib.suppress(AttributeError, OSError):
        os.nice(5)  # the page of the person who waits comes first
    from hamexplorer.reference.store import ReferenceStore  # importing PySCF here shows in "ready"

    del ReferenceStore
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), file=answers, flush=True)


def answer(task: dict[str, Any]) -> dict[str, str]:
    """Compute and store one molecule: {} when finished, else its ``reason``, or ``fatal`` if none can be."""
    from hamexplorer.errors import DatasetError, HamExplorerError
    from hamexplorer.reference.kinds import kind_of, method_from
    from hamexplorer.reference.store import ReferenceStore
    from hamexplorer.structures.structure import Structure

    fields = ("numbers", "positions", "charge", "name", "source", "cell", "pbc")
    structure = Structure(**{key: task[key] for key in fields})
    method, store = method_from(task["kind"], task["method"]), ReferenceStore(task["store"])
    kind = kind_of(method)
    try:
        for level in kind.levels(structure, method):
            if not store.has(structure, level):
                store.put(structure, level, kind.calculate(structure, level))
    except DatasetError as error:  # the store cannot be written: no molecule can be finished
        return {"fatal": str(error)}
    except HamExplorerError as error:
        return {"reason": str(error)}
    except MemoryError:
        return {"reason": f"{structure.label} does not fit in memory; use fewer jobs or a smaller basis"}
    except Exception as error:
        first = (str(error).splitlines() or [""])[0][:120]
        return {
            "reason": f"PySCF gave up on {structure.label} ({type(error).__name__}: {first}); "
            f"check its geometry or leave it out"
        }
    return {}


if __name__ == "__main__":
    main()
