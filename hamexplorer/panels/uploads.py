"""How much may come from the reader's disk at once; the same for every button that takes files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

#: Bytes of one upload. They come in one browser message, which the kernel holds twice while it is handled: more would
#: not fit beside the rest into the gigabyte of a free server.
MAX_UPLOAD = 50_000_000
#: Files of one upload: a sentence must still name what is wrong with one of them.
MAX_FILES = 1000


def upload_name(told: str) -> str:
    """The name of an uploaded file as any folder can hold it, whatever the browser calls it."""
    name = PurePosixPath(told.replace("\0", "").replace("\\", "/")).name
    return "the upload" if name in ("", "..") else name


def why_not_upload(files: Sequence[dict[str, Any]], cure: str) -> str:
    """Why these files of a FileUpload are not taken, as a sentence; empty if they are.

    Args:
        files: its value; what the browser says of their sizes is not asked.
        cure: what to do with larger ones.
    """
    size = sum(len(file["content"]) for file in files)
    if size > MAX_UPLOAD:
        return f"{size / 1e6:.0f} MB are more than the {MAX_UPLOAD / 1e6:.0f} MB that can be uploaded; {cure}"
    if len(files) > MAX_FILES:
        return f"{len(files)} files are more than the {MAX_FILES} that can be uploaded at once; {cure}"
    return ""
