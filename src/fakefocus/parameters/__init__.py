"""Every parameter group of ``conf/*/parameters*.yml``, checked before the first node runs."""

from typing import Annotated, Literal

from pydantic import Field

from fakefocus.parameters.common import Group, Positive, Share
from fakefocus.parameters.data import (
    Defocus,
    Detection,
    FeatureSplit,
    HubImages,
    Ingestion,
    LayoutName,
    Preprocessing,
    Sampling,
)
from fakefocus.parameters.families import (
    FAMILY_GROUPS,
    BackboneFamily,
    Family,
    MesoFamily,
    MultistreamFamily,
    ScadeFamily,
)
from fakefocus.parameters.training import Augmentation, Damage, Training

__all__ = [
    "FAMILY_GROUPS",
    "Augmentation",
    "Damage",
    "Defocus",
    "Detection",
    "Evaluation",
    "Family",
    "FeatureSplit",
    "HubImages",
    "Ingestion",
    "LayoutName",
    "MultistreamFamily",
    "Parameters",
    "Preprocessing",
    "Reporting",
    "Sampling",
    "ScadeFamily",
    "Training",
]


class Evaluation(Group):
    """Scores and intervals: ``threshold``, faces a batch, bootstrap draws, confidence and seed.

    ``threshold`` validation: that of equal errors on validation videos, kept with the detector; or one in [0, 1].
    """

    threshold: Share | Literal["validation"]
    batch_size: Positive
    draws: Annotated[int, Field(ge=100)]
    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    seed: int


class Reporting(Group):
    """Words of the report: its title, what the data are and which recipe was trained."""

    title: str
    data_note: str
    recipe_note: str
    sample_videos: Positive


class Parameters(Group):
    """All of ``parameters*.yml``, and what may come with ``--params`` alone."""

    ingestion: Ingestion
    preprocessing: Preprocessing
    defocus: Defocus
    feature_split: FeatureSplit
    control_seed: int
    scade_net: ScadeFamily
    multistream: MultistreamFamily
    meso4: MesoFamily
    meso_inception4: MesoFamily
    xception: BackboneFamily
    efficientnet_b4: BackboneFamily
    cnndetect: BackboneFamily
    univfd: BackboneFamily
    f3net: BackboneFamily
    evaluation: Evaluation
    reporting: Reporting
    hf: HubImages = HubImages()
    data_root: str | None = None
    dataset: str | None = None
    splits: str | None = None
    face_weights: str | None = None
    trained_on: str | None = None
    mlflow_run_id: str | None = None
