"""What several tests need: a contract to start from, and files that are probed as a run does it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
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


def damaged_copies(content: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Yield copies with flipped bytes, cut off, or with a hole."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        data = bytearray(content)
        kind = number % 3
        if kind == 0:
            # half of them where headers and metadata are
            reach = len(data) if number % 2 else min(len(data), 600)
            ends = rng.random() < 0.5
            for _ in range(int(rng.integers(1, 40))):
                at = int(rng.integers(0, reach))
                data[len(data) - 1 - at if ends else at] = int(rng.integers(0, 256))
        elif kind == 1:
            data = data[: int(rng.integers(0, len(data)))]
        else:
            start = int(rng.integers(0, len(data)))
            del data[start : start + int(rng.integers(1, 400))]
        yield bytes(data)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Be a user who may read what others may: root, as in a container, may read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
