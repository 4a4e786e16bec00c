"""A folder to install from where there is no internet: wheels of the package and of all that it needs, two commands."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path, PurePosixPath

from hamexplorer.errors import HamExplorerError

NAME = "hamexplorer"
WHEELS, INSTRUCTIONS = "wheels", "INSTALL.txt"
_ROOT = Path(__file__).parent.parent
#: What every file in a zip needs and no two machines agree about.
_DATE = (2020, 1, 1, 0, 0, 0)


class PackError(HamExplorerError):
    """The pack cannot be made."""


def make_pack(folder: Path, say: Callable[[str], None] = print) -> int:
    """Fill ``folder`` with wheels for this system and this Python, in the versions that are installed here.

    Args:
        folder: empty, missing, or an earlier pack, which is replaced.
        say: is given a line for each step.

    Returns:
        The size of the pack, bytes.

    Raises:
        PackError: if the folder holds other things, pip is missing, or a package can neither be fetched nor built.
    """
    strangers = sorted(p.name for p in folder.glob("*") if p.name not in (WHEELS, INSTRUCTIONS))
    if folder.exists() and not folder.is_dir():
        raise PackError(f"{folder} is a file; name a folder for the pack")
    if strangers:
        raise PackError(f"{folder} holds other things ({strangers[0]!r}); name an empty folder for the pack")
    if importlib.util.find_spec("pip") is None:
        raise PackError(
            "this environment has no pip to fetch packages with; run `python -m ensurepip` in it first"
        )
    folder.mkdir(parents=True, exist_ok=True)
    # On the same disk, so that a pack is either the old one or the whole new one.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as aside:
        wheels = Path(aside, WHEELS)
        wheels.mkdir()
        say(f"1 of 3: the wheel of {NAME}")
        wheel = own_wheel(wheels)
        say("2 of 3: wheels of all that it needs, some minutes and some hundred MB")
        _fetch(wheel, wheels, Path(aside))
        say("3 of 3: the instructions")
        shutil.rmtree(folder / WHEELS, ignore_errors=True)
        wheels.rename(folder / WHEELS)
    (folder / INSTRUCTIONS).write_text(instructions(), encoding="utf-8")
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def own_wheel(folder: Path) -> Path:
    """The wheel of this very package in ``folder``: built from its source, or put together from what is installed."""
    if (_ROOT / "pyproject.toml").is_file():
        _pip("wheel", "--no-deps", "--wheel-dir", str(folder), str(_ROOT))
        return next(folder.glob(f"{NAME}-*.whl"))
    return wheel_again(distribution(NAME), folder)


def wheel_again(installed: Distribution, folder: Path) -> Path:
    """The wheel that ``installed`` was installed from, of pure Python, made of its files.

    Source: the binary distribution format of the Python Packaging User Guide.
    """
    name, version = installed.metadata["Name"].replace("-", "_"), installed.version
    record = f"{name}-{version}.dist-info/RECORD"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    lines = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for file in sorted(installed.files or (), key=str):
            inside = _in_wheel(file, f"{name}-{version}")
            if inside is None:
                continue
            content = Path(str(file.locate())).read_bytes()
            wheel.writestr(zipfile.ZipInfo(inside, _DATE), content, zipfile.ZIP_DEFLATED)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            lines.append(f"{inside},sha256={digest},{len(content)}")
        wheel.writestr(zipfile.ZipInfo(record, _DATE), "\n".join([*lines, f"{record},,", ""]))
    return path


#: What installing writes anew.
_MADE_BY_PIP = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")


def _in_wheel(file: PurePosixPath, project: str) -> str | None:
    """Where an installed file was in its wheel; None if it was made while it was installed."""
    if file.suffix == ".pyc" or (file.parts[0] == f"{project}.dist-info" and file.name in _MADE_BY_PIP):
        return None
    parts = [part for part in file.parts if part != ".."]
    if len(parts) == len(file.parts):
        return file.as_posix()
    # Programs are written by pip from the entry points; the rest is data below the environment's own folder.
    return None if parts[0] in ("bin", "Scripts") else f"{project}.data/data/{'/'.join(parts)}"


def _fetch(wheel: Path, wheels: Path, aside: Path) -> None:
    """Wheels of everything that ``wheel`` needs, in the versions that this environment has and that were tried here."""
    known = aside / "constraints.txt"
    versions = {
        one.metadata["Name"]: one.version
        for one in distributions()
        if one.metadata["Name"] and one.metadata["Name"].lower() != NAME
    }
    known.write_text("".join(f"{name}=={version}\n" for name, version in sorted(versions.items())))
    _pip("wheel", "--wheel-dir", str(wheels), "--constraint", str(known), str(wheel))


def _pip(*words: str) -> None:
    command = [sys.executable, "-m", "pip", *words, "--quiet", "--no-input", "--disable-pip-version-check"]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if ended.returncode:
        errors = [line[7:] for line in ended.stdout.splitlines() if line.startswith("ERROR: ")]
        reason = (errors or ended.stdout.splitlines() or ["it gave no reason"])[0].rstrip(".")
        raise PackError(
            f"pip could not get all packages ({reason}); check the internet connection and try again"
        )


def instructions() -> str:
    """The text of ``INSTALL.txt``: what the pack is for, and the commands."""
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return f"""hamexplorer without internet

This folder installs hamexplorer on {_system()} with Python {python[6:]}.
Other systems, and other versions of Python, need a pack made on such a machine.
Copy the folder to the computer, open a terminal in it, and type

    {python} -m venv hamexplorer-env
    hamexplorer-env/bin/python -m pip install --no-index --find-links {WHEELS} {NAME}

On Debian and Ubuntu the first command may ask for the package {python}-venv. Start it with

    hamexplorer-env/bin/hamexplorer

A page opens with the dashboard and the lessons. Data sets come with it. The first training takes longer than later
ones: it compiles.
"""


def _system() -> str:
    """Where these wheels can be installed: ``Linux (x86_64, glibc 2.36 or newer)``."""
    machine = platform.machine()
    library, version = platform.libc_ver()
    if sys.platform == "darwin":
        return f"macOS {platform.mac_ver()[0]} or newer ({machine})"
    return f"Linux or WSL ({machine}, {library} {version} or newer)" if library else f"Linux ({machine})"
