"""The plane of embeddings in which one can zoom and ask a point for its name."""

import html
from itertools import cycle
from typing import Any

import plotly.graph_objects as go
from numpy.typing import NDArray

from fakefocus.plotting import FORGERIES, REAL, laid_out


def embeddings(inside: dict[str, NDArray[Any]]) -> go.Figure:
    """Draw faces on the plane of t-SNE, coloured by forgery; a point tells its crop, its people and its score."""
    figure = go.Figure()
    methods = sorted(set(inside["method"].tolist()) - {""})
    colours = {"": REAL} | dict(zip(methods, cycle(FORGERIES), strict=False))
    for method, colour in colours.items():
        own = inside["method"] == method
        rows = zip(inside["crop"][own], inside["group"][own], inside["score"][own], strict=True)
        figure.add_trace(
            go.Scatter(
                x=inside["tsne"][own, 0].round(3).tolist(),
                y=inside["tsne"][own, 1].round(3).tolist(),
                name=html.escape(method) or "real",
                text=[
                    f"{html.escape(crop)}<br>people: {html.escape(group)}<br>score {score:.3f}"
                    for crop, group, score in rows
                ],
                hovertemplate="%{text}<extra></extra>",
                mode="markers",
                marker={"size": 6, "color": colour, "opacity": 0.8},
            )
        )
    figure.update_xaxes(title="t-SNE 1")
    figure.update_yaxes(title="t-SNE 2")
    return laid_out(figure, 520).update_layout(legend={"orientation": "h", "y": 1.08})
