"""A plot: prediction less reference, over the reference."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from hamexplorer.plots import theme
from hamexplorer.plots.plot import PLOTS, Plot, PlotContext, scale_of


@PLOTS.register("residuals")
class Residuals(Plot):
    """Shows whether errors grow with the value, which a parity plot hides on its long diagonal."""

    label = "Residuals"
    help = "Prediction less reference of the chosen target, over the reference: a good model has no slope."

    def unavailable(self, context: PlotContext) -> str:
        if context.results is None:
            return "Press Train: residuals appear with the first epoch."
        return ""

    def figure(self, context: PlotContext) -> go.Figure:
        assert context.results is not None
        name = context.target or next(iter(context.results.targets))
        result, scale = context.results.targets[name], scale_of(name, context)
        inside = np.isin(result.structure, context.results.indices(context.part))
        residual = scale.factor * (result.predicted - result.reference)[inside]
        points = go.Scatter(
            x=scale.factor * result.reference[inside],
            y=residual,
            customdata=result.structure[inside],  # a click on a point picks its structure
            mode="markers",
            marker={"color": context.palette.learned, "size": 5},
            name="learned",
        )
        layout = theme.frame(
            context.palette,
            height=320,
            xaxis={"title": {"text": f"reference {scale.label.lower()}{scale.suffix}"}},
            yaxis={"title": {"text": f"prediction − reference{scale.suffix}"}},
        )
        return go.Figure([points], layout)
