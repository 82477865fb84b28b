"""Parts of the page, as HTML: every text that is not ours is escaped."""

from collections.abc import Sequence

import cv2
import numpy as np
from jinja2 import Environment
from PIL import Image

from fakefocus.plotting import FAKE, HELD_OUT, REAL
from fakefocus.prediction.answer_page import Shown, as_image
from fakefocus.prediction.explaining import ExplainedFace, coloured, overlaid

_ENVIRONMENT = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
STYLE = f"""<style>
.ff-chip {{ display: inline-block; color: #fff; padding: .1rem .8rem; border-radius: 1rem; font-weight: 600; }}
.ff-real {{ background: {REAL}; }} .ff-uncertain {{ background: {HELD_OUT}; }} .ff-fake {{ background: {FAKE}; }}
.ff-none {{ background: #5b6675; }}
.ff-scale {{ display: flex; height: .8rem; border-radius: .4rem; overflow: hidden; margin: .8rem 0 0; }}
.ff-mark {{ position: relative; height: 1.5rem; font-size: .85rem; }}
.ff-mark b {{ position: absolute; transform: translateX(-50%); white-space: nowrap; }}
.ff-ends {{ display: flex; justify-content: space-between; font-size: .8rem; opacity: .75; }}
.ff-faces {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(var(--ff-wide), 1fr)); gap: .6rem 1rem; }}
.ff-face {{ display: flex; gap: .3rem; }} .ff-face figure {{ margin: 0; flex: 1; }}
.ff-face img, .ff-scene img {{ width: 100%; border-radius: .3rem; display: block; }}
.ff-face figcaption, .ff-scene figcaption {{ font-size: .8rem; opacity: .8; }}
[data-testid="stMainBlockContainer"] {{ padding-top: 3rem; }}
.ff-scene {{ margin: 0; }} .ff-title {{ font-size: 1.15rem; font-weight: 600; margin: 0 0 .3rem; }}
.ff-file {{ overflow-wrap: anywhere; }}
</style>"""
_VERDICT = """
<p class="ff-title">{{ answer.model.title }}</p>
<span class="ff-chip ff-{{ answer.verdict if answer.score is not none else "none" }}">
{{ (answer.verdict or "no answer")|replace("_", " ") }}</span>
{% if answer.score is not none %}
{% set limits = answer.model.limits %}
<div class="ff-scale" role="img" aria-label="Score {{ "%.3f"|format(answer.score) }}; real below
 {{ "%.3f"|format(limits.real_below) }}, fake from {{ "%.3f"|format(limits.fake_from) }}">
<span class="ff-real" style="width: {{ 100 * limits.real_below }}%"></span>
<span class="ff-uncertain" style="width: {{ 100 * (limits.fake_from - limits.real_below) }}%"></span>
<span class="ff-fake" style="width: {{ 100 * (1 - limits.fake_from) }}%"></span></div>
<div class="ff-mark" aria-hidden="true"><b style="left: {{ [[100 * answer.score, 5]|max, 95]|min }}%">▲
 {{ "%.3f"|format(answer.score) }}</b></div>
<div class="ff-ends"><span>real below {{ "%.3f"|format(limits.real_below) }}</span>
<span>fake from {{ "%.3f"|format(limits.fake_from) }}</span></div>
{% endif %}
<p>{{ answer.says }}</p>
"""
_FACES = """
<div class="ff-faces" style="--ff-wide: {{ 220 if faces[0].defocus is none else 300 }}px">
{% for face in faces %}
<div class="ff-face">
<figure><img src="{{ as_image(face.picture) }}" alt="The face at {{ "%.1f"|format(face.time) }} seconds">
<figcaption>{{ "%.1f"|format(face.time) }} s: {{ "%.2f"|format(face.score) }}</figcaption></figure>
{% if face.defocus is not none %}
<figure><img src="{{ as_image(coloured(face.defocus)) }}" alt="Its defocus map: dark is sharp">
<figcaption>defocus map</figcaption></figure>
{% endif %}
{% if face.heat is not none %}
<figure><img src="{{ as_image(overlaid(face.picture, face.heat, opacity)) }}" alt="Its heat map">
<figcaption>heat map</figcaption></figure>
{% endif %}
</div>
{% endfor %}
</div>
"""
_SCENE = """
<figure class="ff-scene"><img src="{{ as_image(scene) }}" alt="A frame, with a box around each face">
<figcaption>Who is seen. People in grey boxes do not decide.</figcaption></figure>
"""


def verdict(shown: Shown) -> str:
    """Return what a detector says, with the place of its score between its limits."""
    return _ENVIRONMENT.from_string(_VERDICT).render(answer=shown.answer)


def faces(explained: Sequence[ExplainedFace], opacity: float) -> str:
    """Return faces of a person, their maps, and heat of an opacity in [0, 1]."""
    functions = {"as_image": as_image, "coloured": coloured, "overlaid": overlaid}
    return _ENVIRONMENT.from_string(_FACES).render(faces=explained, opacity=opacity, **functions)


def scene(shown: Shown) -> str:
    """Return the frame in which most people are seen; nothing if nobody is."""
    if shown.explanation is None:
        return ""
    return _ENVIRONMENT.from_string(_SCENE).render(scene=shown.explanation.scene, as_image=as_image)


def icon() -> Image.Image:
    """Return the picture of the page's tab: a dot that is sharp, in a ring that is not."""
    picture = np.full((64, 64, 3), 255, np.uint8)
    cv2.circle(picture, (32, 32), 24, (11, 110, 153), 5, cv2.LINE_AA)
    blurred = np.asarray(cv2.GaussianBlur(picture, (0, 0), 3), dtype=np.uint8)
    cv2.circle(blurred, (32, 32), 10, (31, 41, 55), -1, cv2.LINE_AA)
    return Image.fromarray(blurred)


def file_name(name: str) -> str:
    """Return the heading of a file."""
    return str(_ENVIRONMENT.from_string('<h2 class="ff-file">{{ name }}</h2>').render(name=name))
