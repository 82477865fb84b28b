"""A corpus whose fakes carry fine stripes, and a training on it that can be started as a process of its own."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from fakefocus.models.build import build_loss, build_network
from fakefocus.parameters import Augmentation, Defocus, Training
from fakefocus.training.data import Faces
from fakefocus.training.engine import Fitted, fit
from fakefocus.training.samples import MapSource

CUT = Augmentation(crop=64, flip=0.5, rotation=0, shift=0.1, zoom=0, brightness=0.1, contrast=0.1, hue=0)
RECIPE = Training(
    epochs=4, batch_size=8, lr=3e-3, min_lr=1e-4, warmup_share=0.1, weight_decay=0, gradient_clip=1, patience=9,
    precision="32-true", balanced="identity", num_workers=0, seed=3, augmentation=CUT,
)  # fmt: skip
MAPS = MapSource(Defocus(method="gradient_ratio", sigma_max=5.0, store="none"), {})
NETWORK = {
    "spatial": "test_efficientnet", "spectral": "test_resnet", "semantic": "test_vit", "weights": "none",
    "img_size": 64, "stream_drop_rate": 0.1, "drop_rate": 0.2,
}  # fmt: skip
POINTS = "[[28, 32], [52, 32], [40, 44], [30, 56], [50, 56]]"


class Stripes:
    """Frames whose fakes carry fine stripes: something that a detector must learn at once."""

    def __init__(self, label: int, seed: int) -> None:
        self.label, self.seed = label, seed

    def read(self, name: str) -> np.ndarray:
        rng = np.random.default_rng([self.seed, int(name.rsplit("_", 1)[1])])
        picture = rng.integers(60, 180, (80, 80, 3)) + 50 * self.label * (np.arange(80) % 2)[None, :, None]
        return np.clip(picture, 0, 255).astype(np.uint8)


def corpus() -> Faces:
    """Return 24 clips of 4 frames: of each of 12 people a real one and the fake that was made from it."""
    rows, crops = [], {}
    for video in range(24):
        label, side = video % 2, ("train", "train", "val", "test")[video // 2 % 4]
        crops[f"v{video}"] = Stripes(label, video)
        person, original = f"p{video // 2}", f"v{video - 1}" if label else ""
        rows += [
            (f"v{video}", f"v{video}", f"v{video}/frame_{frame:06d}", frame, label, "m" * label, side, person, original)
            for frame in range(4)
        ]
    columns = ["video_id", "folder", "crop", "frame", "label", "method", "split", "identity", "original"]
    return Faces(pd.DataFrame(rows, columns=columns).assign(landmarks=POINTS, track=0), crops, MAPS)


def build() -> tuple[torch.nn.Module, torch.nn.Module]:
    """Build a small three-stream detector."""
    return build_network("multistream", NETWORK), build_loss("multistream", {"orthogonality_weight": 0.01})


def train(recipe: Training = RECIPE, checkpoints: Path | None = None) -> Fitted:
    """Train on the corpus."""
    return fit(build, corpus(), recipe, None, checkpoints, "stripes")


if __name__ == "__main__":
    train(Training.model_validate_json(sys.argv[2]), Path(sys.argv[1]))
