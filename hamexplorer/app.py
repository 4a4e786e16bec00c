"""The dashboard: all panels on one page."""

from __future__ import annotations

import os
from pathlib import Path

import ipywidgets as widgets

from hamexplorer.panels import Panels
from hamexplorer.panels.beginning import Beginning
from hamexplorer.panels.parts import styled
from hamexplorer.panels.steps import STEPS
from hamexplorer.session import Session
from hamexplorer.session.archive import ENDING
from hamexplorer.visiting import OPENED


def build(dataset: str | None = None, *, session: Session | None = None) -> widgets.Widget:
    """The dashboard as one widget, with a dataset open.

    Args:
        dataset: a shipped name or a file; empty for none. Without it what the server was started with
            (`hamexplorer --open FILE`), or the ethanes.
        session: an existing session, for scripts that go on using it.
    """
    opened = os.environ.get(OPENED, "") if dataset is None else ""
    session = session or Session()
    if opened.endswith(ENDING):
        session.open_session(Path(opened).read_bytes(), Path(opened).name)
        session.wait()
        panels = Panels("", session=session)
    else:
        panels = Panels(opened or ("ethane" if dataset is None else dataset), session=session)
    side = styled(widgets.VBox([panels[name] for name in STEPS]), "hx-side")
    main = styled(widgets.Box([side, panels.results]), "hx-main")
    beginning = Beginning(panels, main)
    return styled(widgets.VBox([panels.page, beginning.widget, main]), "hx-app")
