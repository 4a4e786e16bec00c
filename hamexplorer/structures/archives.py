"""Files of public archives: fetched once, known by their hash, kept in the user's cache folder."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hamexplorer import cache_folder
from hamexplorer.errors import HamExplorerError, StructureError
from hamexplorer.structures.arriving import download


@dataclass(frozen=True)
class Archive:
    """One file of a public archive.

    Attributes:
        label: what people call what is in it.
        url: where it is published.
        filename: its name there and in the cache folder.
        size: bytes; never more than that is fetched.
        sha256: of the whole file, hexadecimal.
    """

    label: str
    url: str
    filename: str
    size: int
    sha256: str


#: Rupp et al., Phys. Rev. Lett. 108, 058301 (2012); Blum & Reymond, J. Am. Chem. Soc. 131, 8732 (2009).
#: No hash by the archive itself was found. Hash and size are those of the copy data/qm7.mat in
#: github.com/jakeparker/10-701-project (its Git LFS pointer, b9a6a27); DeepChem's copy has that size too, says
#: huggingface.co/datasets/liuganghuggingface/moldata-qm7_reference_matrix.
QM7 = Archive(
    "QM7",
    "http://quantum-machine.org/data/qm7.mat",
    "qm7.mat",
    17_884_280,
    "fd6c26c1086887310518e6a6da778253bc5d3ceb8166007a679a740fff9ee6ea",
)
#: Ramakrishnan, Dral, Rupp, von Lilienfeld, Sci. Data 1, 140022 (2014), https://doi.org/10.6084/m9.figshare.978904.
#: Address, hash and size: tensorflow_datasets/datasets/qm9/checksums.tsv in github.com/tensorflow/datasets (03af38a).
QM9 = Archive(
    "QM9",
    "https://ndownloader.figshare.com/files/3195389",
    "dsgdb9nsd.xyz.tar.bz2",
    86_144_227,
    "3a63848ac80691bdb8d41834b575afad345b9300d7a2db0c38adb7f6eaa8360c",
)


def archive_folder() -> Path:
    """Where fetched files stay, and where one put by hand is looked for."""
    return cache_folder() / "archives"


def fetch(archive: Archive, *, folder: Path | None = None, tell: Callable[[str], None] | None = None) -> Path:
    """The file, from the folder if the right one is there, else from its address.

    A download that broke goes on from where it ended, also at the next call.

    Args:
        archive: what to fetch.
        folder: where it is kept; :func:`archive_folder` if None.
        tell: hears in a few words how far the download is, in this thread.

    Raises:
        StructureError: if it cannot be reached or written, or is another file than the one that is known.
    """
    import pooch
    import requests

    folder = folder or archive_folder()
    # Downloads and their hashes would be written into the notebook; ``tell`` hears of them.
    pooch.get_logger().setLevel("WARNING")
    downloader = partial(download, archive, folder / f"{archive.filename}.part", tell or (lambda text: None))
    try:
        found = pooch.retrieve(
            archive.url,
            f"sha256:{archive.sha256}",
            fname=archive.filename,
            path=folder,
            downloader=downloader,
        )
    except HamExplorerError as error:
        raise StructureError(f"{error}; {_by_hand(archive, folder)}") from None
    except ValueError:  # pooch's word for a wrong hash
        raise StructureError(
            f"what came from {archive.url} is not the known {archive.filename}: its SHA-256 does not begin with "
            f"{archive.sha256[:12]}; {_by_hand(archive, folder)}"
        ) from None
    except requests.RequestException as error:
        raise StructureError(_not_reached(archive, folder, error)) from error
    except OSError as error:
        raise StructureError(_not_written(archive, folder, error)) from error
    return Path(found)


def _by_hand(archive: Archive, folder: Path) -> str:
    return f"try again, or fetch {archive.url} in another way and put it into {folder} as {archive.filename}"


def _not_reached(archive: Archive, folder: Path, error: Exception) -> str:
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        reason = f"the server answered {error.response.status_code} {error.response.reason}"
    elif isinstance(error, requests.Timeout):
        reason = "the server does not answer"
    else:
        reason = "no connection"
        with contextlib.suppress(OSError):
            arrived = (folder / f"{archive.filename}.part").stat().st_size / 1e6
            reason = (
                f"the connection broke after {arrived:.1f} of {archive.size / 1e6:.1f} MB, which are kept"
            )
    there = ""
    if (folder / archive.filename).exists():
        there = ", and the file of that name in the cache is not the known one"
    return f"{archive.label} cannot be fetched ({reason}){there}; {_by_hand(archive, folder)}"


def _not_written(archive: Archive, folder: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"the disk of {folder} is full, and {archive.label} needs {archive.size / 1e6:.0f} MB there; free that "
            f"much, or set HAMEXPLORER_CACHE to a folder with more room"
        )
    return (
        f"{archive.label} cannot be kept in {folder} ({error.strerror or error}); make that folder writable, or set "
        f"HAMEXPLORER_CACHE to one that is"
    )
