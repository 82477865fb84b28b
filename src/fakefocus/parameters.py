"""Every parameter group of ``conf/*/parameters*.yml``, checked before the first node runs."""

from difflib import get_close_matches
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]


class Group(BaseModel):
    """A group of parameters: unknown names are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


LayoutName = Literal["ffpp", "dfd", "celebdf", "dfdc", "dfdcp", "images", "folder"]


class Ingestion(Group):
    """How media are listed. ``layout``: a reader of ``fakefocus.sources``."""

    layout: LayoutName

    @field_validator("layout", mode="before")
    @classmethod
    def _is_known(cls, value: object) -> object:
        known = get_args(LayoutName)
        if value not in known:
            near = get_close_matches(str(value), known, n=1)
            msg = f"must be one of {', '.join(known)}" + (f", did you mean {near[0]!r}?" if near else "")
            raise ValueError(msg)
        return value


class HubImages(Group):
    """How shards of images are unpacked (``--env hf``).

    ``split`` None takes all; ``image``, ``label`` and ``generator`` are columns, ``generator`` None where there is
    none; ``labels`` maps what the label column holds (names of a ClassLabel, else the values) to real or fake,
    whatever the case; ``limit`` is a number of images.
    """

    split: str | None = None
    image: str = "image"
    label: str = "label"
    generator: str | None = None
    labels: dict[str, Literal["real", "fake"]] = {
        "real": "real",
        "fake": "fake",
        "full_synthetic": "fake",
        "tampered": "fake",
    }
    limit: Positive | None = None

    @field_validator("labels", mode="before")
    @classmethod
    def _ignores_case(cls, value: Any) -> Any:  # noqa: ANN401 (checked right after)
        return {str(key).lower(): label for key, label in value.items()} if isinstance(value, dict) else value


class Sampling(Group):
    """Which frames of a clip are looked at; see ``fakefocus.imaging.sampling``.

    ``method`` every: each ``every``-th frame, at most ``max_frames`` (None: all), spread over the clip. evenly:
    ``frames`` of them. A clip of which fewer than ``min_frames`` decode is set aside.
    """

    method: Literal["every", "evenly"]
    every: Positive
    frames: Positive
    min_frames: Positive
    max_frames: Positive | None


class Detection(Group):
    """Who finds faces: MTCNN, or OpenCV's Haar cascade, which knows no landmarks and no thresholds.

    ``min_face_size`` in pixels; ``thresholds`` of MTCNN's three networks in [0, 1]. ``precision`` bf16 is faster
    on processors that compute in it; f32 gives the same boxes to a hundredth of a pixel on all of them.
    """

    detector: Literal["mtcnn", "haar"]
    precision: Literal["bf16", "f32"]
    min_face_size: Annotated[int, Field(ge=12)]
    thresholds: tuple[Share, Share, Share]


class Preprocessing(Group):
    """Crops of ``size`` pixels: of faces with ``margin`` around them, or the middle of whole images.

    ``faces_per_video`` people are kept, those whom a clip shows most, or all. ``alignment`` landmarks turns and
    scales a face to its place in the crop; crop cuts its box out.
    """

    region: Literal["face", "whole_image"]
    sampling: Sampling
    detection: Detection
    faces_per_video: Positive | Literal["all"]
    alignment: Literal["landmarks", "crop"]
    size: Annotated[int, Field(ge=32)]
    margin: Annotated[float, Field(ge=0, le=2)]

    @model_validator(mode="after")
    def _has_landmarks(self) -> "Preprocessing":
        if self.region == "face" and self.detection.detector == "haar" and self.alignment == "landmarks":
            msg = "alignment: detector haar finds no landmarks, set preprocessing.alignment to crop"
            raise ValueError(msg)
        return self


class Defocus(Group):
    """Blur maps. ``method``: a name of ``fakefocus.imaging.defocus.METHODS``.

    ``sigma_max`` is the blur that a value of 1 stands for, in pixels of the stored crop; edge_variance has no unit.
    ``store``: how maps lie on disk, none if training makes them from crops.
    """

    method: Literal["gradient_ratio", "edge_variance"]
    sigma_max: Annotated[float, Field(ge=1, le=10)]
    store: Literal["float16", "png16", "float32", "none"]


class FeatureSplit(Group):
    """How videos come to their sides, and what the audit looks for; see README.

    ``train``, ``val``, ``test`` are shares of the videos; with ``folds`` they are not read: ``fold`` of them is the
    test side, the next one val. ``held_out_methods`` are kept out of training and validation. ``strict`` stops a run
    whose audit found a leak. ``near_duplicate_distance`` in bits of 256, None to compare no pictures;
    ``near_duplicate_crops`` of each video are compared. ``same_person_similarity``: cosine of two embeddings from which
    on two faces are one person's, where weights of a face-recognition network are given.
    """

    strategy: Literal["identity", "source_video", "official", "method", "video", "imported"] = "identity"
    train: Share
    val: Share
    test: Share
    held_out_methods: tuple[str, ...]
    seed: int
    folds: Annotated[int, Field(ge=3)] | None = None
    fold: Annotated[int, Field(ge=0)] = 0
    strict: bool = False
    near_duplicate_distance: Annotated[int, Field(ge=0, le=256)] | None = 12
    near_duplicate_crops: Positive = 4
    same_person_similarity: Annotated[float, Field(ge=-1, le=1)] = 0.7

    @model_validator(mode="after")
    def _adds_up(self) -> "FeatureSplit":
        total = self.train + self.val + self.test
        if abs(total - 1) > 1e-6 or min(self.train, self.val, self.test) <= 0:
            msg = f"train + val + test must add up to 1 and each be above 0, got {self.train}, {self.val}, {self.test}"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _fits_together(self) -> "FeatureSplit":
        if self.folds is not None and self.strategy in ("official", "method", "imported"):
            msg = f"folds: strategy {self.strategy} has its own test side, set feature_split.folds to null"
            raise ValueError(msg)
        if self.folds is not None and self.fold >= self.folds:
            msg = f"fold: must be below folds ({self.folds}), got {self.fold}"
            raise ValueError(msg)
        if self.strategy == "method" and not self.held_out_methods:
            msg = "held_out_methods: strategy method needs the name of at least one method"
            raise ValueError(msg)
        return self


class ScadeNetwork(Group):
    """SCADE-Net. ``in_chans`` 4 (RGB and map) or 3; ``constraint`` A or B of the first convolution."""

    in_chans: Literal[3, 4]
    constraint: Literal["A", "B"]
    drop_rate: Share


class MultistreamNetwork(Group):
    """Three streams: timm names of their backbones, and the side of the input in pixels."""

    spatial: str
    spectral: str
    semantic: str
    img_size: Annotated[int, Field(ge=32)]
    pretrained: bool
    stream_drop_rate: Annotated[float, Field(ge=0, lt=1)]
    drop_rate: Share


class ScadeLoss(Group):
    """BCE and ``scl_weight`` times the single-center loss of the named form with its ``margin``."""

    scl_weight: Annotated[float, Field(ge=0)]
    scl_form: Literal["hinge", "paper"]
    margin: Annotated[float, Field(ge=0)]


class MultistreamLoss(Group):
    """BCE and ``orthogonality_weight`` times the mean absolute cosine between streams."""

    orthogonality_weight: Annotated[float, Field(ge=0)]


class Augmentation(Group):
    """Random changes of training samples: ``crop`` and ``img_size`` in pixels, angles in degrees, shares in [0, 1].

    A square of ``crop`` pixels is cut from the middle of the stored crop and resized to ``img_size``.
    ``shift`` moves it by up to that share of its side: with rotation or zoom by the same warp, else by
    cutting elsewhere, as far as the stored crop reaches.
    """

    crop: Annotated[int, Field(ge=32)]
    img_size: Annotated[int, Field(ge=32)]
    flip: Share
    rotation: Annotated[float, Field(ge=0, le=180)]
    shift: Annotated[float, Field(ge=0, le=0.5)]
    zoom: Annotated[float, Field(ge=0, lt=1)]
    brightness: Annotated[float, Field(ge=0, le=1)]
    contrast: Annotated[float, Field(ge=0, le=1)]
    hue: Annotated[float, Field(ge=0, le=0.5)]


class Training(Group):
    """One recipe: optimiser, schedule and Lightning's Trainer."""

    epochs: Positive
    batch_size: Positive
    lr: Annotated[float, Field(gt=0)]
    min_lr: Annotated[float, Field(ge=0)]
    warmup_share: Share
    weight_decay: Annotated[float, Field(ge=0)]
    gradient_clip: Annotated[float, Field(gt=0)]
    patience: Positive
    precision: Literal["32-true", "bf16-mixed", "16-mixed"]
    balanced: bool
    num_workers: Annotated[int, Field(ge=0)]
    seed: int
    augmentation: Augmentation


class ScadeFamily(Group):
    """All of SCADE-Net's parameters."""

    network: ScadeNetwork
    loss: ScadeLoss
    training: Training


class MultistreamFamily(Group):
    """All of the three-stream detector's parameters."""

    network: MultistreamNetwork
    loss: MultistreamLoss
    training: Training


class Evaluation(Group):
    """Scores and intervals: ``threshold`` in [0, 1], faces a batch, bootstrap draws, confidence and seed."""

    threshold: Share
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
    evaluation: Evaluation
    reporting: Reporting
    hf: HubImages = HubImages()
    data_root: str | None = None
    dataset: str | None = None
    splits: str | None = None
    face_weights: str | None = None
    trained_on: str | None = None
    mlflow_run_id: str | None = None
