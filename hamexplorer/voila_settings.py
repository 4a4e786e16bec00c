"""What Voila is told: its configuration, as one object, for oneself or for visitors."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hamexplorer.visitors.settings import Public

if TYPE_CHECKING:
    from traitlets.config import Config

#: Bytes of one message of a page: twice what the dashboard takes as upload, so that larger ones still get a sentence.
MAX_MESSAGE = 110_000_000
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


def own_formulas(page_config: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A page's configuration in which formulas are drawn by what Voila brings.

    As part of a Jupyter server Voila would fetch MathJax from a CDN.
    """
    return {**page_config, "fullMathjaxUrl": None, "mathjaxConfig": None}


def configuration(notebook: Path, port: int, cull_after: int, debug: bool) -> Config:
    """Everything for one person on this machine.

    Args:
        notebook: what is served.
        port: at 127.0.0.1.
        cull_after: seconds without a page after which a kernel ends.
        debug: log everything, and show tracebacks in the page.
    """
    import zmq
    from traitlets.config import Config

    config = Config()
    config.Voila.notebook_path = str(notebook)
    config.Voila.ip = "127.0.0.1"
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
    config.MappingKernelManager.allow_tracebacks = debug
    # ?template=… and ?theme=… would look for files whose names come from the address, and the pictures beside the
    # notebook would be anybody's.
    config.VoilaConfiguration.allow_template_override = "NO"
    config.VoilaConfiguration.allow_theme_override = "NO"
    config.VoilaConfiguration.file_allowlist = []
    config.VoilaConfiguration.page_config_hook = own_formulas
    config.VoilaExecutor.iopub_timeout = WAIT_FOR_OUTPUT
    config.MappingKernelManager.cull_idle_timeout = cull_after
    config.MappingKernelManager.cull_interval = max(1, min(60, cull_after // 3))
    # Training runs in a thread, during which the kernel counts as idle: an open page is a reason to stay.
    config.MappingKernelManager.cull_connected = False
    return config


def for_visitors(config: Config, public: Public) -> None:
    """Change what is for one person so that it is for strangers."""
    config.Voila.ip = public.address
    # Under other names than this one, pages of other sites could reach the kernels.
    config.Voila.tornado_settings = {
        **config.Voila.tornado_settings,
        "local_hostnames": ["localhost", public.name],
    }
    config.VoilaConfiguration.show_tracebacks = False
    config.MappingKernelManager.allow_tracebacks = False
    config.VoilaExecutor.cell_error_instruction = (
        "Reload the page; if it stays so, tell whoever runs this server."
    )
    config.VoilaConfiguration.multi_kernel_manager_class = "hamexplorer.visitors.kernels.VisitorKernels"
    config.MappingKernelManager.kernel_manager_class = "hamexplorer.visitors.kernels.VisitorKernel"
    config.VisitorKernel.memory = public.memory
    config.VisitorKernel.threads = public.threads
    config.MappingKernelManager.cull_idle_timeout = public.gone_after
    config.MappingKernelManager.cull_interval = max(1, min(60, public.gone_after // 3))
    # A kernel that has died would be started again, empty, and keep its place.
    config.KernelRestarter.restart_limit = 0
    config.VoilaConfiguration.preheat_kernel = public.ready > 0
    config.VoilaConfiguration.default_pool_size = public.ready
