"""The score over time, as a chart that can be looked into."""

import altair as alt
import pandas as pd

from fakefocus.plotting import FAKE, REAL
from fakefocus.prediction.result import Prediction

_HEIGHT = 220


def over_time(answer: Prediction, people: list[int]) -> alt.LayerChart:
    """Return a line a person, over the ranges in which a score is called real and fake."""
    limits = answer.model.limits
    rows = [
        {"person": f"person {person.person}", "seconds": face.time, "score": face.score, "frame": face.frame}
        for person in answer.people
        if person.person in people
        for face in person.faces
    ]
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
            detail="person:N",
            strokeDash=alt.StrokeDash(
                "person:N", legend=alt.Legend(title=None, orient="bottom") if len(people) > 1 else None
            ),
            tooltip=["person", alt.Tooltip("seconds:Q", format=".1f"), "frame", alt.Tooltip("score:Q", format=".3f")],
        )
    )
    return (bands + lines).properties(height=_HEIGHT)
