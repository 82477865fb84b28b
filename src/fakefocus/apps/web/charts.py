"""The score over time, as a chart that can be looked into."""

import altair as alt
import pandas as pd

from fakefocus.plotting import FAKE, REAL
from fakefocus.prediction.result import Limits, PersonResult

_HEIGHT = 220


def over_time(person: PersonResult, limits: Limits) -> alt.LayerChart:
    """Return a person's scores, over the ranges in which a score is called real and fake."""
    rows = [{"seconds": face.time, "score": face.score, "frame": face.frame} for face in person.faces]
    ranges = pd.DataFrame({"low": [0.0, limits.fake_from], "high": [limits.real_below, 1.0], "colour": [REAL, FAKE]})
    bands = (
        alt.Chart(ranges)
        .mark_rect(opacity=0.14)
        .encode(y=alt.Y("low:Q", scale=alt.Scale(domain=[0, 1])), y2="high:Q", color=alt.Color("colour:N", scale=None))
    )
    lines = (
        alt.Chart(pd.DataFrame(rows))
        .mark_line(point=True)
        .encode(
            x=alt.X("seconds:Q", title="time, seconds"),
            y=alt.Y("score:Q", title="score, 0 real to 1 fake"),
            tooltip=[alt.Tooltip("seconds:Q", format=".1f"), "frame:Q", alt.Tooltip("score:Q", format=".3f")],
        )
    )
    return (bands + lines).properties(height=_HEIGHT)
