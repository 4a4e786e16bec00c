"""Kernels of visitors: each in a folder of its own, confined, counted, and gone with all it wrote."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.utils import utcnow
from jupyter_core.utils import ensure_async
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager, ServerKernelManager
from traitlets import Int

from hamexplorer import COMPILED, cache_folder
from hamexplorer.visiting import OPENED, VARIABLE

_PACKAGE = Path(__file__).parents[1]
#: Bytes of one file that a kernel writes: more than any upload or session.
_LARGEST_FILE = 1_000_000_000
#: Below the server, which answers while they train; trainings step back from their own page further.
_NICENESS = 5
#: What programs need of the system beside the interpreter: libraries, time zones, the numbers of processors and memory.
_SYSTEM = (
    *("/usr", "/lib", "/lib64", "/bin", "/proc", "/sys/devices/system", "/sys/fs/cgroup"),
    *("/etc/ld.so.cache", "/etc/localtime", "/etc/timezone", "/etc/mime.types", "/etc/fonts"),
    *("/etc/nsswitch.conf", "/etc/hosts", "/dev/urandom", "/dev/random"),
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/shm")


class VisitorKernel(ServerKernelManager):
    """One kernel that can touch nothing but the packages and a folder of its own."""

    memory = Int(0, config=True, help="bytes of private memory")
    threads = Int(1, config=True, help="of XLA and OpenMP each")
    folder: Path | None = None

    async def _async_pre_start_kernel(self, **kw: Any) -> tuple[list[str], dict[str, Any]]:
        self.folder = self.folder or Path(tempfile.mkdtemp(prefix="hamexplorer-visitor-")).resolve()
        # The kernel writes it once more, for which it must be where the kernel may write.
        self.connection_file = str(self.folder / "connection.json")
        command, kw = await super()._async_pre_start_kernel(**kw)
        kw["env"] = visitor_environment(kw.get("env") or dict(os.environ), self.folder, self.threads)
        kw["cwd"] = str(self.folder)
        lend_compiled(self.folder / "cache" / COMPILED)
        rules = json.dumps(rules_for(self.folder, self.memory, kw["env"]))
        return [sys.executable, "-I", "-S", str(Path(__file__).with_name("confine.py")), rules, *command], kw

    pre_start_kernel = _async_pre_start_kernel  # type: ignore[assignment]

    def clear(self) -> None:
        """End what the kernel has left running, and remove what it has written."""
        group = getattr(self.provisioner, "pgid", None)
        if group:
            with contextlib.suppress(OSError):
                os.killpg(group, signal.SIGKILL)
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def visitor_environment(given: dict[str, str], folder: Path, threads: int) -> dict[str, str]:
    """The server's environment without its home, with this visitor's folder in its place.

    Args:
        given: variable -> value.
        folder: exists, and is written by this kernel alone.
        threads: of XLA and OpenMP each.
    """
    homes = {
        "HOME": "home",
        "TMPDIR": "tmp",
        "XDG_DATA_HOME": "data",
        "XDG_CACHE_HOME": "cache",
        "XDG_CONFIG_HOME": "config",
        "IPYTHONDIR": "ipython",
        "JUPYTER_CONFIG_DIR": "jupyter",
        "JUPYTER_DATA_DIR": "jupyter-data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "MPLCONFIGDIR": "matplotlib",
        "PYSCF_TMPDIR": "tmp",
        "HAMEXPLORER_STORE": "store",
        "HAMEXPLORER_CACHE": "cache",
        "JAX_COMPILATION_CACHE_DIR": f"cache/{COMPILED}",
    }
    for name in homes.values():
        (folder / name).mkdir(parents=True, exist_ok=True)
    return {
        **given,
        **{variable: str(folder / name) for variable, name in homes.items()},
        VARIABLE: "1",
        "USER": "visitor",
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        "NPROC": str(threads),  # what XLA takes for the number of processors
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONWARNINGS": "ignore",
    }


def lend_compiled(folder: Path) -> None:
    """Show a visitor the code that the server's owner has compiled: to read, where their own will be written.

    Compiling a training step takes half a minute of a core and twice the memory of the training, thirty times over.
    """
    for entry in (cache_folder() / COMPILED).glob("*-cache"):
        (folder / entry.name).symlink_to(entry)


def rules_for(folder: Path, memory: int, environment: dict[str, str]) -> dict[str, Any]:
    """Rules for :mod:`hamexplorer.visitors.confine`."""
    own = [entry for entry in environment.get("PYTHONPATH", "").split(os.pathsep) if entry]
    beside = str(_PACKAGE.parent)  # a repository, of which only the package is anybody's business
    # What all dashboards begin with, unless it is a shipped data set's name.
    opened = [environment[OPENED]] if os.path.isabs(environment.get(OPENED, "")) else []
    graphics = [str(path) for path in Path("/dev").glob("nvidia*")]
    return {
        "read": [
            *_SYSTEM,
            sys.prefix,
            sys.base_prefix,
            str(_PACKAGE),
            str(cache_folder() / COMPILED),
            *opened,
        ]
        + [entry for entry in own if os.path.realpath(entry) != os.path.realpath(beside)],
        "list": [beside],
        "write": [*_DEVICES, *graphics, str(folder)],
        "memory": memory,
        "file": _LARGEST_FILE,
        "niceness": _NICENESS,
    }


class VisitorKernels(AsyncMappingKernelManager):
    """All kernels, and which of them belong to visitors: the others wait for somebody to come."""

    def __init__(self, **kwargs: Any) -> None:
        self.visitors: set[str] = set()
        self.arriving = 0
        super().__init__(**kwargs)

    @property
    def n_visitors(self) -> int:
        return len(self.visitors) + self.arriving

    def remove_kernel(self, kernel_id: str) -> Any:
        """Forget a kernel that has ended, however it ended."""
        self.visitors.discard(kernel_id)
        kernel = super().remove_kernel(kernel_id)
        if isinstance(kernel, VisitorKernel):
            kernel.clear()
        return kernel


class Reception:
    """The kernels as the request of one arriving visitor sees them: it notes which kernel becomes the visitor's."""

    def __init__(self, kernels: Any) -> None:
        self._kernels = kernels
        self._arriving = True
        self._kernel_id = ""
        kernels.arriving += 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kernels, name)

    async def start_kernel(self, **kwargs: Any) -> str:
        kernel_id = await ensure_async(self._kernels.start_kernel(**kwargs))
        self._seat(kernel_id)
        return kernel_id

    async def get_rendered_notebook(self, *args: Any, **kwargs: Any) -> Any:
        """A kernel that has waited."""
        answer = await self._kernels.get_rendered_notebook(*args, **kwargs)
        self._seat(answer[2])
        return answer

    def _seat(self, kernel_id: str) -> None:
        self.close()
        self._kernel_id = kernel_id
        if kernel_id in self._kernels:
            self._kernels.visitors.add(kernel_id)
            # It may have waited for hours, and must not be taken for one whose page has gone.
            self._kernels.get_kernel(kernel_id).last_activity = utcnow()

    def close(self) -> None:
        """The request is over, or its visitor is counted by the kernel."""
        if self._arriving:
            self._arriving = False
            self._kernels.arriving -= 1

    @property
    def bereft(self) -> bool:
        """Whether the visitor's kernel has ended."""
        return bool(self._kernel_id) and self._kernel_id not in self._kernels
