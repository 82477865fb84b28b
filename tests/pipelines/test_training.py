import numpy as np
import pandas as pd
import pytest
import torch

from fakefocus.models.build import build_loss, build_network
from fakefocus.parameters import Augmentation, Training
from fakefocus.training.engine import fit, score

CUT = Augmentation(crop=64, img_size=64, flip=0.5, rotation=0, shift=0.1, zoom=0, brightness=0.1, contrast=0.1, hue=0)
RECIPE = Training(
    epochs=4, batch_size=8, lr=3e-3, min_lr=1e-4, warmup_share=0.1, weight_decay=0, gradient_clip=1, patience=9,
    precision="32-true", balanced=True, num_workers=0, seed=3, augmentation=CUT,
)  # fmt: skip
NETWORK = {
    "spatial": "test_efficientnet", "spectral": "test_resnet", "semantic": "test_vit",
    "img_size": 64, "pretrained": False, "stream_drop_rate": 0.1, "drop_rate": 0.2,
}  # fmt: skip


class Stripes:
    """Frames whose fakes carry fine stripes: something that a detector must learn at once."""

    def __init__(self, label: int, seed: int) -> None:
        self.label, self.seed = label, seed

    def read(self, name: str) -> np.ndarray:
        rng = np.random.default_rng([self.seed, int(name.rsplit("_", 1)[1])])
        picture = rng.integers(60, 180, (80, 80, 3)) + 50 * self.label * (np.arange(80) % 2)[None, :, None]
        return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def striped() -> tuple[pd.DataFrame, dict[str, Stripes]]:
    rows, crops = [], {}
    for video in range(24):
        label, side = video % 2, ("train", "train", "val", "test")[video // 2 % 4]
        crops[f"v{video}"] = Stripes(label, video)
        rows += [(f"v{video}", f"v{video}", f"v{video}/frame_{frame:06d}", label, side) for frame in range(4)]
    return pd.DataFrame(rows, columns=["video_id", "folder", "crop", "label", "split"]), crops


def _fit(table: pd.DataFrame, crops: dict) -> tuple[dict, pd.DataFrame]:
    build = lambda: (build_network("multistream", NETWORK), build_loss("multistream", {"orthogonality_weight": 0.01}))  # noqa: E731
    return fit(build, table, crops, {}, RECIPE)


def test_training_learns_what_separates_the_classes_and_repeats_with_the_seed(striped: tuple) -> None:
    table, crops = striped
    weights, history = _fit(table, crops)
    assert history["epoch"].tolist() == [0, 1, 2, 3]
    assert history["val.video_auc"].max() == 1.0
    network = build_network("multistream", NETWORK)
    network.load_state_dict(weights)
    test = table[table["split"] == "test"]
    scores = score(network.eval(), test, crops, {}, CUT, batch_size=8)
    assert scores[test["label"] == 1].min() > scores[test["label"] == 0].max()
    again, repeated = _fit(table, crops)
    assert all(torch.equal(weights[k], again[k]) for k in weights)
    pd.testing.assert_frame_equal(history, repeated)


def test_training_never_reads_the_test_side(striped: tuple) -> None:
    table, crops = striped
    read: set[str] = set()

    class Watched(dict):
        def __getitem__(self, folder: str) -> Stripes:
            read.add(folder)
            return super().__getitem__(folder)

    _fit(table, Watched(crops))
    assert read == set(table.loc[table["split"] != "test", "folder"])


def test_side_of_one_class_is_refused(striped: tuple) -> None:
    table, crops = striped
    with pytest.raises(ValueError, match=r"samples: side val needs real and fake faces, got \{0: "):
        _fit(table[(table["split"] != "val") | (table["label"] == 0)], crops)


def test_diverged_training_says_so_instead_of_choosing_an_epoch(striped: tuple) -> None:
    table, crops = striped
    wild = RECIPE.model_copy(update={"lr": 1e12, "gradient_clip": 1e12})
    build = lambda: (build_network("multistream", NETWORK), build_loss("multistream", {"orthogonality_weight": 0.01}))  # noqa: E731
    with pytest.raises(ValueError, match=r"training diverged in epoch \d: lower training\.lr \(now 1000000000000\.0\)"):
        fit(build, table, crops, {}, wild)
