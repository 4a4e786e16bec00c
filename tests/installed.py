"""The package as others get it: an sdist, the wheel made from it, and an environment into which that was installed."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
from dataclasses import dataclass
from pathlib import Path

import hamexplorer

ROOT = Path(__file__).parents[1]
_BUILD = "import sys, hatchling.build as b; print(getattr(b, sys.argv[1])(sys.argv[2]))"


def build(kind: str, source: Path, folder: Path) -> Path:
    """``source`` as ``"sdist"`` or ``"wheel"`` in ``folder``."""
    command = [sys.executable, "-c", _BUILD, f"build_{kind}", str(folder)]
    ended = subprocess.run(command, cwd=source, stdout=subprocess.PIPE, text=True, check=True)
    return folder / ended.stdout.split()[-1]


def unpack(sdist: Path, folder: Path) -> Path:
    """The folder that the sdist holds."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    return folder / sdist.name.removesuffix(".tar.gz")


@dataclass(frozen=True)
class Environment:
    """A virtual environment of its own with our wheel in it; everything else comes from the one that runs the tests."""

    folder: Path

    @classmethod
    def with_wheel(cls, wheel: Path, folder: Path) -> Environment:
        """Made without a single download."""
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        made = cls(folder)
        pip = [sys.executable, "-m", "pip", "--python", str(made.python), "install", "--quiet"]
        # --ignore-installed: pip would find the one of the running environment and be content.
        subprocess.run([*pip, "--no-deps", "--no-index", "--ignore-installed", str(wheel)], check=True)
        site = next(folder.glob("lib/python*/site-packages"))
        # .pth files in a folder that is named by one are not read: an editable hamexplorer stays out.
        (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
        return made

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def variables(self, **more: str) -> dict[str, str]:
        """The environment of its programs: Jupyter's files of the running environment, and no way to this source."""
        shared, settings = Path(sys.prefix, "share", "jupyter"), Path(sys.prefix, "etc", "jupyter")
        ours = {
            "PATH": os.pathsep.join([str(self.folder / "bin"), os.environ["PATH"]]),
            "VIRTUAL_ENV": str(self.folder),
            "JUPYTER_PATH": str(shared),
            "JUPYTER_CONFIG_PATH": str(settings),
            "JUPYTERLAB_DIR": str(shared / "lab"),
        }
        # What hamexplorer has set in the process of the tests is no setting of a user.
        dropped = {"PYTHONPATH", *hamexplorer.SET_FOR_JAX}
        kept = {name: value for name, value in os.environ.items() if name not in dropped}
        return {**kept, **ours, **more}

    def run(self, *words: str | Path, cwd: Path, **variables: str) -> str:
        """What one of its programs prints; it must end well."""
        ended = subprocess.run(
            [str(word) for word in words],
            cwd=cwd,
            env=self.variables(**variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout[-4000:]
        return ended.stdout
