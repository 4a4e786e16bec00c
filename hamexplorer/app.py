"""The dashboard: all panels on one page."""

from __future__ import annotations

import ipywidgets as widgets

from hamexplorer.panels import Panels
from hamexplorer.panels.one_by_one import STEPS
from hamexplorer.panels.parts import styled
from hamexplorer.session import Session


def build(dataset: str = "ethane", *, session: Session | None = None) -> widgets.Widget:
    """The dashboard as one widget, with a dataset open.

    Args:
        dataset: a shipped name or a file; empty for none.
        session: an existing session, for scripts that go on using it.
    """
    panels = Panels(dataset, session=session)
    side = styled(widgets.VBox([panels[name] for name in STEPS]), "hx-side")
    main = styled(widgets.Box([side, panels.results]), "hx-main")
    return styled(widgets.VBox([panels.page, main]), "hx-app")
