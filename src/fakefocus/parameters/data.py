"""Parameters of the stages before training."""

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, field_validator, model_validator

from fakefocus.errors import did_you_mean
from fakefocus.extensions import LAYOUTS, names
from fakefocus.parameters.common import Group, Positive, Share

LayoutName = Literal["ffpp", "dfd", "celebdf", "dfdc", "dfdcp", "deepfakebench", "images", "folder"]


class Ingestion(Group):
    """How media are listed. ``layout``: a reader of ``fakefocus.sources``, or of a package that adds one.

    ``dataset_json`` names the list that is read where a layout has several (deepfakebench): ``FaceForensics++``.
    """

    layout: str
    dataset_json: str | None = None

    @field_validator("layout", mode="before")
    @classmethod
    def _is_known(cls, value: object) -> object:
        layouts = (*get_args(LayoutName), *names(LAYOUTS))
        if value not in layouts:
            msg = f"must be one of {', '.join(layouts)}{did_you_mean(value, layouts)}"
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
    store: Literal["uint16", "png16", "float32", "none"]


class CropSpec(Group):
    """What decides how a crop looks to a detector; None where it has no say.

    ``detector`` is that of faces; see `Preprocessing` for the others.
    """

    region: Literal["face", "whole_image"]
    size: int
    alignment: Literal["landmarks", "crop"] | None = None
    margin: float | None = None
    detector: Literal["mtcnn", "haar"] | None = None

    @classmethod
    def of(cls, preprocessing: Preprocessing) -> "CropSpec":
        """Return what of ``preprocessing`` is seen in a crop; which frames are taken is not."""
        if preprocessing.region == "whole_image":
            return cls(region="whole_image", size=preprocessing.size)
        return cls(
            region="face",
            size=preprocessing.size,
            alignment=preprocessing.alignment,
            margin=preprocessing.margin,
            detector=preprocessing.detection.detector,
        )


class MapSpec(Group):
    """What decides how a map looks to a detector; see `Defocus`."""

    method: Literal["gradient_ratio", "edge_variance"]
    sigma_max: float

    @classmethod
    def of(cls, defocus: Defocus) -> "MapSpec":
        """Return what of ``defocus`` is seen in a map; how it is stored is not."""
        return cls(method=defocus.method, sigma_max=defocus.sigma_max)


class FeatureSplit(Group):
    """How videos come to their sides, and what the audit looks for; see docs/guide/splits.md.

    ``strategy`` test_only puts everything on the test side: a data set that detectors of another one are judged on.
    ``train``, ``val``, ``test`` are shares of the videos; with ``folds`` they are not read: ``fold`` of them is the
    test side, the next one val. ``held_out_methods`` are kept out of training and validation. ``strict`` stops a run
    whose audit found a leak. ``near_duplicate_distance`` in bits of 256, None to compare no pictures;
    ``near_duplicate_crops`` of each video are compared. ``same_person_similarity``: cosine of two embeddings from which
    on two faces are one person's, where weights of a face-recognition network are given.
    """

    strategy: Literal["identity", "source_video", "official", "method", "video", "imported", "test_only"] = "identity"
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
        if self.folds is not None and self.strategy in ("official", "method", "imported", "test_only"):
            msg = f"folds: strategy {self.strategy} has its own test side, set feature_split.folds to null"
            raise ValueError(msg)
        if self.folds is not None and self.fold >= self.folds:
            msg = f"fold: must be below folds ({self.folds}), got {self.fold}"
            raise ValueError(msg)
        if self.strategy == "method" and not self.held_out_methods:
            msg = "held_out_methods: strategy method needs the name of at least one method"
            raise ValueError(msg)
        return self
