"""Figures in which one can zoom and ask a point for its name; plotly draws them in the browser."""

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from fakefocus.pipelines.reporting.figures import Judged
from fakefocus.plotting import FAKE, INK, REAL, laid_out


def video_scores(detectors: Sequence[Judged]) -> go.Figure:
    """Draw every test video of every detector, a row a method: a point tells its video and its score."""
    shown = [detector for detector in detectors if not detector.control] or list(detectors)
    methods = ["", *sorted({m for d in shown for m in d.videos["method"]} - {""})]
    figure = make_subplots(
        rows=len(shown), cols=1, shared_xaxes=True, subplot_titles=[html.escape(d.name) for d in shown]
    )
    rng = np.random.default_rng(0)
    for row, detector in enumerate(shown, start=1):
        table = detector.videos
        for place, method in enumerate(methods):
            own = table[table["method"] == method]
            points = go.Scatter(
                x=own["score"].round(4).tolist(),
                y=np.round(place + rng.uniform(-0.3, 0.3, len(own)), 3).tolist(),
                text=[html.escape(str(video)) for video in own["video_id"]],
                hovertemplate="%{text}<br>score %{x:.3f}<extra></extra>",
                mode="markers",
                marker={"size": 6, "color": FAKE if method else REAL, "opacity": 0.7},
                showlegend=False,
            )
            figure.add_trace(points, row=row, col=1)
        threshold = float(detector.summary["metrics"]["threshold"])
        figure.add_vline(x=threshold, line={"color": INK, "width": 1, "dash": "dot"}, row=row, col=1)  # type: ignore[arg-type]
        ticks = [html.escape(method) or "real" for method in methods]
        figure.update_yaxes(tickvals=list(range(len(methods))), ticktext=ticks, autorange="reversed", row=row, col=1)
    figure.update_xaxes(range=[-0.02, 1.02])
    figure.update_xaxes(title="score of a video (probability of fake)", row=len(shown), col=1)
    return laid_out(figure, 120 + len(shown) * (50 + 45 * len(methods)))


def as_json(figure: Any) -> str:  # noqa: ANN401 (plotly's)
    """Return a figure as the JSON that a page can hold: nothing in it ends a script."""
    return str(figure.to_json()).replace("<", "\\u003c")
