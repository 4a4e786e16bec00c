"""How errors fall with the number of structures that are learned from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from hamexplorer.plots import theme
from hamexplorer.train.paper_summary import Line

LABEL = "Learning curve"
HELP = (
    "Per-atom errors of the same test molecules against the number of structures that were learned from, both axes "
    "logarithmic; means over the seeds, bars of one standard deviation."
)


def learning_curve(lines: Sequence[Line]) -> go.Figure:
    """A panel a learned property; energies in eV.

    Args:
        lines: of a study with runs of fewer structures; each tested set becomes a curve.
    """
    fewer = [line for line in lines if line.experiment.train_at_most]
    curves = {line.experiment._replace(train_at_most=0) for line in fewer}
    shown = [line for line in lines if line.experiment._replace(train_at_most=0) in curves]
    shown = [line for line in shown if line.target in line.experiment.targets]
    panels = list(dict.fromkeys((line.target, f"{line.label} ({line.unit})") for line in shown))
    colours = theme.LIGHT
    palette = (colours.learned, *colours.series)
    if not panels:
        return theme.sentence(colours, "No run with fewer structures is finished.")
    figure = make_subplots(1, len(panels), subplot_titles=[title for _, title in panels])
    for column, (target, _) in enumerate(panels, 1):
        for place, tested_on in enumerate(dict.fromkeys(line.tested_on for line in shown)):
            points = sorted(
                (line for line in shown if line.target == target and line.tested_on == tested_on),
                key=lambda line: line.n_train,
            )
            figures = [line.figures["rmse_per_atom"] for line in points]
            curve = go.Scatter(
                x=[line.n_train for line in points],
                y=[each.mean for each in figures],
                error_y={"array": np.nan_to_num([each.spread for each in figures])},
                name=theme.plain(tested_on),
                legendgroup=tested_on,
                showlegend=column == 1,
                mode="lines+markers",
                marker={"color": palette[place % len(palette)]},
            )
            figure.add_trace(curve, 1, column)
    figure.update_xaxes(type="log", title="structures learned from")
    figure.update_yaxes(type="log")
    # The legend stands above the panels' titles.
    room = {"margin": {"l": 8, "r": 12, "t": 80, "b": 8}, "legend": theme.LEGEND | {"y": 1.18}}
    return figure.update_layout(theme.frame(colours, height=380, **room))
