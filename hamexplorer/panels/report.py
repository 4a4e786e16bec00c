"""Everything that the page shows, as one file that opens without a server and without the internet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from hamexplorer import __version__
from hamexplorer.plots import theme
from hamexplorer.session.runs import Run

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1000px; margin: 32px auto; padding: 0 16px; color: #212121; }
h1 { margin-bottom: 0; } h2 { margin: 36px 0 4px; } small, .muted { color: #616161; }
table { border-collapse: collapse; }
:is(th, td) { text-align: left; padding: 5px 14px 5px 0; border-bottom: 1px solid #ddd; }
td small, th small { display: block; } em { color: #616161; font-style: normal; margin-left: 6px; }
"""


def report_html(
    title: str,
    figures: Sequence[tuple[str, str, go.Figure]],
    errors: str,
    signs: Sequence[str],
    run: Run | None,
) -> str:
    """A page with plots that still move.

    Args:
        title: of the page.
        figures: heading, explanation and figure each.
        errors: table of errors, HTML.
        signs: sentences about how far to trust the model.
        run: that is shown, with its settings.
    """
    made = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
    parts = [f"<h1>{escape(title)}</h1><p class='muted'>hamexplorer {__version__}, {made}</p>"]
    if run is not None:
        values = run.settings.to_dict()
        targets = ", ".join(f"{name} ({weight:g})" for name, weight in values.pop("targets").items())
        rows = {
            "dataset": run.dataset,
            "structures": run.n_structures,
            "targets": targets,
            "epochs done": run.epochs,
        }
        lines = "".join(
            f"<tr><th scope='row'>{escape(str(k))}</th><td>{escape(str(v))}</td></tr>"
            for k, v in {**rows, **values}.items()
        )
        parts.append(f"<h2>Run</h2><table>{lines}</table>")
    if errors:
        parts.append(f"<h2>Errors</h2>{errors}")
    if signs:
        parts.append(
            f"<h2>How far to trust it</h2><ul>{''.join(f'<li>{escape(s)}</li>' for s in signs)}</ul>"
        )
    for heading, help, figure in figures:
        drawn = figure.to_html(full_html=False, include_plotlyjs=False, config=theme.CONFIG)
        parts.append(f"<h2>{escape(heading)}</h2><p class='muted'>{escape(help)}</p>{drawn}")
    return (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{escape(title)}</title>"
        f"<meta name='viewport' content='width=device-width'><style>{_STYLE}</style>"
        f"<script>{get_plotlyjs()}</script><body>{''.join(parts)}</body></html>"
    )
