"""The dashboard as a local web server: Voila, told everything it needs to know.

Voila's own defaults would search for templates elsewhere, load every JupyterLab extension, keep the
kernels of visitors who left, and answer requests made under any host name.
"""

from __future__ import annotations

import errno
import logging
import os
import socket
import webbrowser
from collections.abc import Callable
from pathlib import Path

from hamexplorer.errors import HamExplorerError

#: Tried first when no port is asked for, so that bookmarks keep working.
USUAL_PORT = 8866
#: Seconds after which the kernel of a page that was closed is shut down. The page says goodbye by itself;
#: this is for browsers that crashed. Pages that are still open are left alone.
CULL_AFTER = 900
#: Bytes of one message of a page: twice what the dashboard takes as upload, so that larger ones still get a sentence.
MAX_MESSAGE = 110_000_000
HOST = "127.0.0.1"
#: Seconds that the server waits for what a notebook's cell shows. Its own default of four is too short for a thousand
#: widgets on a busy machine: the page then came without the dashboard, and stayed blank.
WAIT_FOR_OUTPUT = 600
#: Front-end extensions that the page loads. Everything else JupyterLab may have installed only costs time.
EXTENSIONS = (
    "@jupyter-widgets/jupyterlab-manager",
    "@voila-dashboards/widgets-manager8",
    "anywidget",
    "nglview-js-widgets",
)
TEMPLATE = "hamexplorer"
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


def choose_port(port: int | None) -> int:
    """``port`` if it is free; without one, the usual port or, if that is taken, any free one.

    Raises:
        LaunchError: if the port that was asked for cannot be used.
    """
    if port is None:
        try:
            return choose_port(USUAL_PORT)
        except LaunchError:
            return _bind(0)
    try:
        return _bind(port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise LaunchError(
                f"port {port} is used by another program; choose another with --port, or leave --port out"
            ) from error
        raise LaunchError(
            f"port {port} may not be used ({error.strerror}); choose one above 1024, or leave --port out"
        ) from error
    except OverflowError as error:
        raise LaunchError(f"port {port} does not exist; choose one from 1024 to 65535") from error


def _bind(port: int) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
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


def serve(
    *,
    port: int | None = None,
    open_browser: bool = True,
    notebook: Path | None = None,
    cull_after: int = CULL_AFTER,
    debug: bool = False,
    announce: Callable[[str], None] = print,
) -> None:
    """Serve the dashboard until Ctrl-C or SIGTERM; the kernels end with it.

    Args:
        port: None takes the usual port, or a free one.
        open_browser: show the page in the user's browser as soon as the server listens.
        notebook: another notebook than the dashboard's.
        cull_after: seconds without a connection after which a kernel is shut down.
        debug: log requests and send tracebacks to the page.
        announce: is given the address once the server answers there.

    Raises:
        LaunchError: if the port is taken or the notebook is missing.
    """
    path = notebook or notebook_path()
    port = choose_port(port)
    prepare_environment()

    from tornado.ioloop import IOLoop
    from voila.app import Voila

    address = f"http://{HOST}:{port}/"
    server = Voila(config=_configuration(path, port, cull_after, debug))
    server.initialize(argv=[])

    def listening() -> None:
        announce(address)
        if open_browser:
            webbrowser.open(address)

    IOLoop.current().add_callback(listening)
    server.start()


def _configuration(notebook: Path, port: int, cull_after: int, debug: bool):
    import zmq
    from traitlets.config import Config

    config = Config()
    config.Voila.notebook_path = str(notebook)
    config.Voila.ip = HOST
    config.Voila.port = port
    config.Voila.port_retries = 0
    # Our own opens the address itself; Voila's goes through a temporary file.
    config.Voila.open_browser = False
    # A voila.json in the current folder is somebody else's.
    config.Voila.config_file_paths = []
    config.Voila.log_level = "DEBUG" if debug else "ERROR"
    # Pages of other sites must not reach the kernel under a host name that points here. The time after which a
    # silent page counts as gone must be longer than that between two pings (30 s), or every connection is cut
    # after the first; tornado complains about Jupyter's three pings, and knows no better.
    config.Voila.tornado_settings = {
        "allow_remote_access": False,
        # An upload is one message, and tornado cuts the connection at 10 MB without a word to the visitor.
        "websocket_max_message_size": MAX_MESSAGE,
    }
    if not debug:
        logging.getLogger("tornado.general").setLevel(logging.ERROR)
    if zmq.has("curve"):
        config.KernelManager.transport_encryption = "auto"
    config.VoilaConfiguration.template = TEMPLATE
    config.VoilaConfiguration.extension_allowlist = list(EXTENSIONS)
    config.VoilaConfiguration.show_tracebacks = debug
    config.VoilaExecutor.iopub_timeout = WAIT_FOR_OUTPUT
    config.MappingKernelManager.cull_idle_timeout = cull_after
    config.MappingKernelManager.cull_interval = max(1, min(60, cull_after // 3))
    # Training runs in a thread, during which the kernel counts as idle: an open page is a reason to stay.
    config.MappingKernelManager.cull_connected = False
    return config
