"""Every parameter group of ``conf/*/parameters*.yml``, checked before the first node runs."""

from typing import Any

from pydantic import model_validator

from fakefocus.parameters.ablation import Retraining
from fakefocus.parameters.adversarial import Adversarial
from fakefocus.parameters.common import FolderName, Group
from fakefocus.parameters.cross_dataset import Suite, Tested, Trained
from fakefocus.parameters.data import (
    CropSpec,
    Defocus,
    Detection,
    FeatureSplit,
    HubImages,
    Ingestion,
    LayoutName,
    MapSpec,
    Preprocessing,
    Sampling,
)
from fakefocus.parameters.efficiency import Efficiency
from fakefocus.parameters.explanation import Explanation
from fakefocus.parameters.judge import Columns, Judge
from fakefocus.parameters.leave_one_out import LeaveOneOut
from fakefocus.parameters.release import Release
from fakefocus.parameters.reproduce import Data, PublishedResult, PublishedTable, Reproduce, Source
from fakefocus.parameters.results import Device, Evaluation, Reporting
from fakefocus.parameters.robustness import Robustness
from fakefocus.parameters.training import Augmentation, Damage, PseudoFakes, Training
from fakefocus.parameters.tta import Tta

__all__ = [
    "Adversarial",
    "Augmentation",
    "Columns",
    "CropSpec",
    "Damage",
    "Data",
    "Defocus",
    "Detection",
    "Device",
    "Efficiency",
    "Evaluation",
    "Explanation",
    "FeatureSplit",
    "Group",
    "HubImages",
    "Ingestion",
    "Judge",
    "LayoutName",
    "LeaveOneOut",
    "MapSpec",
    "Parameters",
    "Preprocessing",
    "PseudoFakes",
    "PublishedResult",
    "PublishedTable",
    "Release",
    "Reporting",
    "Reproduce",
    "Retraining",
    "Robustness",
    "Sampling",
    "Source",
    "Suite",
    "Tested",
    "Trained",
    "Training",
    "Tta",
]


class Parameters(Group):
    """What is common to all detectors; each registered family adds a group of its own name.

    The last ones come with ``--params`` or from ``fakefocus.config`` alone.
    """

    ingestion: Ingestion
    preprocessing: Preprocessing
    defocus: Defocus
    feature_split: FeatureSplit
    control_seed: int
    seeds: dict[str, int]
    evaluation: Evaluation
    adversarial: Adversarial
    tta: Tta
    reporting: Reporting
    robustness: Robustness
    release: Release = Release()
    judge: Judge = Judge()
    leave_one_out: LeaveOneOut
    efficiency: Efficiency
    explanation: Explanation
    reproduce: Reproduce
    ablation: Retraining
    hf: HubImages = HubImages()
    ablations: dict[str, dict[str, dict[str, Any]]] = {}
    data_root: str | None = None
    dataset: FolderName
    experiment: FolderName
    trained_on: FolderName
    recipe: str
    suite: str
    suite_plan: Suite
    splits: str | None = None
    scores: str | None = None
    attributes: str | None = None
    face_weights: str | None = None
    mlflow_run_id: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _names_are_text(cls, values: Any) -> Any:  # noqa: ANN401 (checked right after)
        """Take names that the command line has made numbers of."""
        names = ("dataset", "experiment", "trained_on", "recipe", "suite", "scores")
        texts = {name: str(values[name]) for name in names if isinstance(values.get(name), int | float)}
        return {**values, **texts}

    @model_validator(mode="after")
    def _seeds_are_named_by_their_value(self) -> "Parameters":
        wrong = {name: seed for name, seed in self.seeds.items() if name != f"seed_{seed}"}
        if wrong:
            msg = f"seeds: each is named by its value, as seed_3: 3, got {wrong}"
            raise ValueError(msg)
        return self
