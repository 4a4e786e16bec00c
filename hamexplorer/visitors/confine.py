"""Start a program that can touch nothing but what it was given: ``python confine.py RULES PROGRAM ARGUMENT…``

RULES is JSON: ``read``, ``list`` and ``write`` name files and folders, ``memory`` bounds bytes of private memory,
``file`` bytes of one file, ``niceness`` is added. The operating system (Landlock, Linux 5.13 or newer) holds the
program, its threads and its children to them from their first instruction, whatever code they run, for good.

This file runs by its path, before the package can be imported, and needs nothing but the standard library.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import struct
import sys
from collections.abc import Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # one number on every architecture
_VERSION, _PATH_BENEATH = 1, 1
_NO_NEW_PRIVILEGES = 38  # of prctl

# Bits of linux/landlock.h.
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REFER, _TRUNCATE = 1 << 13, 1 << 14
#: Deeds that the first version knows: also removing, and making folders, files, sockets, pipes, devices and links.
_FIRST = (1 << 13) - 1
#: Those that make sense for a file; the others are refused for anything but a folder.
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
#: Signals to, and abstract sockets of, programs outside are cut off (version 6).
_SCOPES = 0b11


def landlock_version() -> int:
    """Version of Landlock that this system offers; 0 where there is none."""
    if not sys.platform.startswith("linux"):
        return 0
    version = ctypes.CDLL(None).syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    return max(0, version)


def confine(read: Iterable[str], listed: Iterable[str], write: Iterable[str]) -> None:
    """Hold this thread, and everything it starts from now on, to these files and folders.

    Args:
        read: what may be read and run, with all beneath; what does not exist is left out.
        listed: folders whose names may be listed, whose files may not be read.
        write: what may be read, written, made and removed, with all beneath.

    Raises:
        OSError: if the system refuses; nothing is confined then.
    """
    version = landlock_version()
    handled = _FIRST | (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
    fields = (handled, 0, _SCOPES) if version >= 6 else (handled,)
    attributes = struct.pack(f"{len(fields)}Q", *fields)
    rules = _called(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    for paths, deeds in (
        (read, _EXECUTE | _READ_FILE | _READ_DIR),
        (listed, _READ_DIR),
        (write, handled),
    ):
        for path in paths:
            _allow(rules, path, deeds & handled)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no new privileges")
    _called(_RESTRICT_SELF, ctypes.c_int(rules), ctypes.c_uint32(0))
    os.close(rules)


def _allow(rules: int, path: str, deeds: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not os.path.isdir(path):
            deeds &= _OF_FILES
        rule = struct.pack("=Qi", deeds, place)
        _called(_ADD_RULE, ctypes.c_int(rules), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint32(0))
    finally:
        os.close(place)


def _called(number: int, *arguments: object) -> int:
    answer = ctypes.CDLL(None, use_errno=True).syscall(number, *arguments)
    if answer < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer


def _bound(memory: int, file: int, niceness: int) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file, file))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(niceness)
    # Where Linux groups programs by sessions, niceness counts within one, and a kernel is a session of its own. If the
    # machine's memory is full all the same, a visitor's kernel goes rather than the server.
    for what, value in (("autogroup", niceness), ("oom_score_adj", 500)):
        # Some systems have neither, and groups change at most ten times a second on the whole machine.
        with contextlib.suppress(OSError), open(f"/proc/self/{what}", "w") as entry:
            entry.write(str(value))


def main(rules: dict, program: list[str]) -> None:
    """Become the program, confined."""
    _bound(rules["memory"], rules["file"], rules["niceness"])
    confine(rules["read"], rules["list"], rules["write"])
    os.execv(program[0], program)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2:])
