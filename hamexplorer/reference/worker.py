"""What a worker does: compute what the store lacks of one structure and give it back.

Workers have no store: the one who asked keeps the results, so that they need not share a disk.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any


def encode_task(structure: Any, method: Any, wanted: Sequence[int]) -> str:
    """One line of JSON; floats keep all their digits.

    Args:
        structure: what is to be computed.
        method: how.
        wanted: which of the method's levels are missing, 0 for the small and 1 for the large one.
    """
    import pyscf

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
            "wanted": list(wanted),
            "pyscf": pyscf.__version__,
        }
    )


def answer(line: str) -> dict[str, Any]:
    """Compute one structure: its ``points`` by level and the ``seconds`` they took.

    What cannot be computed has a ``reason`` instead, and if nothing can be, it is ``fatal``.
    """
    import pyscf

    from hamexplorer.errors import HamExplorerError
    from hamexplorer.reference.kinds import kind_of, method_from
    from hamexplorer.structures.structure import Structure

    task = json.loads(line)
    if task["pyscf"] != pyscf.__version__:
        return {
            "fatal": f"a worker has PySCF {pyscf.__version__} and this machine {task['pyscf']}, which need not give "
            "the same numbers; install the same version on both"
        }
    fields = ("numbers", "positions", "charge", "name", "source", "cell", "pbc")
    structure = Structure(**{key: task[key] for key in fields})
    method = method_from(task["kind"], task["method"])
    kind = kind_of(method)
    began = time.monotonic()
    try:
        levels = kind.levels(structure, method)
        points = {index: kind.calculate(structure, levels[index]) for index in task["wanted"]}
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
    return {"points": points, "seconds": time.monotonic() - began}
