"""The dashboard as a local web server: Voila, told everything it needs to know.

Voila's own defaults would search for templates elsewhere, load every JupyterLab extension, keep the
kernels of visitors who left, and answer requests made under any host name.
"""

from __future__ import annotations

import errno
import os
import socket
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from hamexplorer.errors import HamExplorerError
from hamexplorer.visiting import OPENED
from hamexplorer.visitors.settings import Public
from hamexplorer.voila_settings import configuration, for_visitors

if TYPE_CHECKING:
    from traitlets.config import Config

    from hamexplorer.pages import IndexedVoila

#: Tried first when no port is asked for, so that bookmarks keep working.
USUAL_PORT = 8866
#: Seconds after which the kernel of a page that was closed is shut down. The page says goodbye by itself;
#: this is for browsers that crashed. Pages that are still open are left alone.
CULL_AFTER = 900
HOST = "127.0.0.1"
_PACKAGE = Path(__file__).parent


class LaunchError(HamExplorerError):
    """The dashboard cannot be served."""


def template_folder() -> Path:
    """The folder to add to ``JUPYTER_PATH`` so that Voila finds our page template."""
    return _PACKAGE / "voila_template"


def notebook_path() -> Path:
    """The dashboard's notebook: inside an installed package, or beside it in the repository.

    Raises:
        LaunchError: if it is in neither place.
    """
    candidates = (_PACKAGE / "notebooks" / "app.ipynb", _PACKAGE.parent / "notebooks" / "app.ipynb")
    for path in candidates:
        if path.is_file():
            return path
    raise LaunchError(
        f"the dashboard's notebook is missing, looked for {candidates[0]}; install hamexplorer again"
    )


def choose_port(port: int | None, address: str = HOST) -> int:
    """``port`` if it is free; without one, the usual port or, if that is taken, any free one.

    Raises:
        LaunchError: if the port that was asked for cannot be used.
    """
    if port is None:
        try:
            return choose_port(USUAL_PORT, address)
        except LaunchError:
            return _bind(0, address)
    try:
        return _bind(port, address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise LaunchError(
                f"port {port} is used by another program; choose another with --port, or leave --port out"
            ) from error
        if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
            raise LaunchError(
                f"this machine has no network address {address!r}; choose 127.0.0.1 for a reverse proxy on it, or "
                f"0.0.0.0 for all"
            ) from error
        raise LaunchError(
            f"port {port} may not be used ({error.strerror}); choose one above 1024, or leave --port out"
        ) from error
    except OverflowError as error:
        raise LaunchError(f"port {port} does not exist; choose one from 1024 to 65535") from error


def _bind(port: int, address: str = HOST) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, port))
        return probe.getsockname()[1]


def prepare_environment() -> None:
    """What the kernels inherit: where our template lies, and modest use of threads and GPU memory."""
    known = [entry for entry in os.environ.get("JUPYTER_PATH", "").split(os.pathsep) if entry]
    own = str(template_folder())
    os.environ["JUPYTER_PATH"] = os.pathsep.join([own, *(entry for entry in known if entry != own)])
    # A core is left for the server and the browser: buttons must answer while a model trains.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, min(4, (os.cpu_count() or 2) - 1))))
    # Two open pages are two kernels, and JAX would give the first one nearly the whole GPU.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")


def _openable(source: str) -> str:
    """The name or whole path of what every dashboard opens, read once: visitors shall not find out that it is broken.

    Raises:
        HamExplorerError: if it cannot be read.
    """
    from hamexplorer.reference.dataset import SHIPPED, read_dataset
    from hamexplorer.session.archive import ENDING, read_session

    path = Path(source).expanduser()
    if path.suffix != ENDING:
        read_dataset(source if source in SHIPPED else path)
        return source if source in SHIPPED else str(path.resolve())
    try:
        content = path.read_bytes()
    except OSError as error:
        raise LaunchError(
            f"the session file {source} cannot be read ({error.strerror}); check the path after --open"
        ) from error
    read_session(content)
    return str(path.resolve())


def serve(
    *,
    port: int | None = None,
    open_browser: bool = True,
    notebook: Path | None = None,
    cull_after: int = CULL_AFTER,
    opened: str = "",
    public: Public | None = None,
    debug: bool = False,
    announce: Callable[[str], None] = print,
) -> None:
    """Serve the dashboard and the lessons until Ctrl-C or SIGTERM; the kernels end with it.

    Args:
        port: None takes the usual port, or a free one.
        open_browser: show the page in the user's browser as soon as the server listens.
        notebook: one notebook alone, at the address itself, instead of the dashboard, the lessons and their index.
        cull_after: seconds without a connection after which a kernel is shut down.
        opened: a session file or a data set, shipped or a file, with which every dashboard begins; else the ethanes.
        public: serve visitors, confined and counted; their kernels end after its own ``gone_after``.
        debug: log requests and, if it is not public, send tracebacks to the page.
        announce: is given the address once the server answers there.

    Raises:
        LaunchError: if the port is taken, the notebook is missing, or this system cannot confine visitors.
        HamExplorerError: if what shall be opened cannot be.
    """
    if opened:
        os.environ[OPENED] = _openable(opened)
    path = notebook or notebook_path()
    host = public.address if public else HOST
    port = choose_port(port, host)
    prepare_environment()

    from tornado.ioloop import IOLoop

    address = f"http://{host}:{port}/"
    config = configuration(path, port, cull_after, debug)
    server = _public_server(public, config) if public else _personal_server(config)
    server.indexed = notebook is None
    server.initialize(argv=[])

    def listening() -> None:
        announce(address)
        if open_browser:
            webbrowser.open(address)

    IOLoop.current().add_callback(listening)
    server.start()


def _personal_server(config: Config) -> IndexedVoila:
    from hamexplorer.pages import IndexedVoila

    return IndexedVoila(config=config)


def _public_server(public: Public, config: Config) -> IndexedVoila:
    """A server of confined visitors.

    Raises:
        LaunchError: if this system has no Landlock.
    """
    from hamexplorer.visitors.confine import landlock_version
    from hamexplorer.visitors.server import PublicVoila

    if not landlock_version():
        raise LaunchError(
            "this system cannot keep visitors from its files (no Landlock); serve from Linux 5.13 or newer, or leave "
            "--public out"
        )
    for_visitors(config, public)
    server = PublicVoila(config=config)
    server.public = public
    return server
