"""Parameters of what comes after training."""

from typing import Annotated, Literal

from pydantic import Field

from fakefocus.parameters.common import Group, Positive, Share

Device = Literal["auto", "cpu", "cuda", "mps"]


class Evaluation(Group):
    """Scores and intervals: ``threshold``, faces a batch, device, and the confidence of intervals.

    ``threshold`` validation: that of equal errors on validation videos, kept with the detector; or one in [0, 1].
    ``device`` auto: a CUDA device where there is one. ``seen`` refuse: test videos or people that a detector was
    trained or validated on stop the evaluation; allow: they are judged, and the report says how many they are.

    ``aggregation``: how a person's faces make a score; a video is as fake as its most fake person. ``missing``: what
    stands for a video of the test side that has no score: nothing, or the probability .5, 0 or 1. ``min_coverage``:
    the share of them that must have one; below it the report says so first, and the run fails when all is written.
    """

    threshold: Share | Literal["validation"]
    batch_size: Positive
    device: Device = "auto"
    seen: Literal["refuse", "allow"] = "refuse"
    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    aggregation: Literal["mean", "max", "top_k_mean", "median"] = "mean"
    missing: Literal["exclude", "as_chance", "as_real", "as_fake"] = "exclude"
    min_coverage: Share = 0.99


class Reporting(Group):
    """Words of the report: its title, what the data are and which recipe was trained."""

    title: str
    data_note: str
    recipe_note: str
    sample_videos: Positive
