"""What processes weigh, as Linux tells it."""

from __future__ import annotations

from pathlib import Path


def proportional_memory(pid: int) -> int:
    """Bytes of a process and its children, each page that several share counted in parts; 0 if it has gone.

    Source: ``Pss`` of ``/proc/PID/smaps_rollup``; 0 on systems without it.
    """
    return sum(_own(one) for one in [pid, *_children(pid)])


def _own(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def _children(pid: int) -> list[int]:
    found = []
    for threads in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            direct = [int(word) for word in threads.read_text().split()]
        except OSError:
            continue
        found += [one for child in direct for one in (child, *_children(child))]
    return found
