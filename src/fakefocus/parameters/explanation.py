"""Parameters of the explanation of detectors."""

from typing import Annotated

from pydantic import Field

from fakefocus.parameters.common import Group, Positive


class Explanation(Group):
    """How much is looked at, and the seed of what is drawn by chance.

    ``faces``: of each kind (fakes with a mask, real faces, blends of these), one a video. ``gallery``: of each kind, in
    the figure. ``deletion_faces`` from which places are taken away in so many ``steps``. ``embedded_faces`` on the map
    of embeddings, and ``perplexity`` of its t-SNE. ``mistakes``: videos of each label on the sheet of the worst ones.
    """

    faces: Positive
    gallery: Positive
    deletion_faces: Positive
    steps: Annotated[int, Field(ge=2)]
    embedded_faces: Annotated[int, Field(ge=4)]
    perplexity: Annotated[float, Field(gt=1)]
    mistakes: Positive
    seed: int
