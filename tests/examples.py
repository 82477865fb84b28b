"""What several tests need: a contract to start from, and files that are probed as a run does it."""

from pathlib import Path
from typing import Any

import pandas as pd

from fakefocus.models.contract import Contract
from fakefocus.pipelines.ingestion.nodes import list_media, plan_probes, sort_media

AUGMENTATION = {
    "crop": 256,
    "flip": 0.5,
    "rotation": 0,
    "shift": 0,
    "zoom": 0,
    "brightness": 0,
    "contrast": 0,
    "hue": 0,
}
TRAINING = {
    "epochs": 1,
    "batch_size": 2,
    "lr": 1e-3,
    "min_lr": 1e-4,
    "warmup_share": 0.1,
    "weight_decay": 0,
    "gradient_clip": 1,
    "patience": 1,
    "precision": "32-true",
    "balanced": "none",
    "seed": 3,
    "augmentation": AUGMENTATION,
}
CROPS = {"region": "face", "size": 256, "alignment": "landmarks", "margin": 0.3, "detector": "mtcnn"}
NOBODY: dict[str, Any] = {"videos": (), "sha256": (), "people": ()}


def make_contract(family: str = "scade_net", network: dict[str, Any] | None = None, **changes: Any) -> Contract:
    """Return the contract of a detector that sees RGB, and a map if ``maps`` is among the changes."""
    channels = ("red", "green", "blue") + (("blur",) if changes.get("maps") else ())
    content = {
        "family": family,
        "title": "A family",
        "labels": "true",
        "network": network or {},
        "loss": {},
        "training": TRAINING,
        "input": {"channels": channels, "img_size": 256},
        "crops": CROPS,
        "maps": None,
        "dataset": "demo",
        "experiment": "demo",
        "recipe": "demo",
        "split": {"strategy": "identity", "seed": 3, "hash": "0"},
        "methods": ("swap",),
        "train": NOBODY,
        "val": NOBODY,
        "best_epoch": 0,
        "val_video_auc": 0.9,
        "threshold": {"value": 0.5, "source": "equal errors on validation videos"},
        "starting_weights": (),
        "versions": {},
        "commit": "0",
    }
    return Contract.model_validate(content | changes)


def ingest(root: Path, options: Any, dataset: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return ``videos`` and ``unreadable_media`` of a folder, probed here instead of in other processes."""
    listed = list_media(root, options, dataset)
    plans = plan_probes(listed, pd.DataFrame())
    return sort_media(listed, pd.DataFrame([plan if isinstance(plan, dict) else plan() for plan in plans.values()]))
