"""Do orthogonality and stream dropout keep the streams' tokens apart? ``python -m benchmarks.stream_cosine``.

Trains the demo's three-stream detector with neither, either and both of them, with each of three seeds, and prints the
mean absolute cosine between the 256-value tokens of different streams on validation faces, and the validation AUC of
videos. Needs what ``kedro run --pipelines=data,split`` makes of the demo corpus.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import track
from rich.table import Table

from fakefocus.config import ProjectConfig
from fakefocus.datasets.stored_video import VideoFolder
from fakefocus.models import DetectorOptions
from fakefocus.models.build import build_loss, build_network
from fakefocus.models.multistream.loss import orthogonality
from fakefocus.parameters import Defocus, Training
from fakefocus.schemas import SEEDS
from fakefocus.settings import CONFIG_LOADER_ARGS
from fakefocus.training.data import Faces, in_order, loader
from fakefocus.training.engine import MONITOR, Fitted, fit
from fakefocus.training.samples import MapSource, assemble

PROJECT = Path(__file__).resolve().parents[1]
WAYS = {
    "neither": (0.0, 0.0),
    "orthogonality .01": (0.01, 0.0),
    "orthogonality .1": (0.1, 0.0),
    "dropout .1": (0.0, 0.1),
    "both, .01 and .1": (0.01, 0.1),
}
"""Weight of the orthogonality loss and probability that a sample does without a stream."""


def measure() -> pd.DataFrame:
    """Return a row for each way and seed: ``cosine`` in [0, 1] and validation ``auc``."""
    faces, parameters = demo_faces(), demo_parameters()
    rows = []
    for way, (weight, share) in track(list(WAYS.items()), "training"):
        for seed in SEEDS:
            fitted = _train(faces, parameters, weight, share, seed)
            cosine = between_streams(fitted.network, faces, parameters)
            rows.append({"way": way, "seed": seed, "cosine": cosine, "auc": fitted.best[MONITOR]})
    return pd.DataFrame(rows)


def demo_parameters() -> dict[str, Any]:
    """Return the parameters ``multistream`` of the demo's recipe."""
    loader = ProjectConfig(PROJECT / "conf", env="base", **CONFIG_LOADER_ARGS)
    return DetectorOptions.model_validate(loader["parameters"]["multistream"]).model_dump()


def demo_faces() -> Faces:
    """Return the demo's samples, as the pipelines left them."""
    table = pd.read_parquet(PROJECT / "data/05_model_input/demo/samples.parquet")
    crops = PROJECT / "data/03_primary/demo/face_crops"
    folders = {key: VideoFolder(crops / key, ".jpg", "") for key in table["folder"].unique()}
    return Faces(table, folders, MapSource(Defocus(method="gradient_ratio", sigma_max=5.0, store="none"), {}))


def _train(faces: Faces, parameters: dict[str, Any], weight: float, share: float, seed: int) -> Fitted:
    network = parameters["network"] | {"stream_drop_rate": share}
    loss = parameters["loss"] | {"orthogonality_weight": weight}
    recipe = Training.model_validate(parameters["training"] | {"seed": seed})
    return fit(lambda: (build_network("multistream", network), build_loss("multistream", loss)), faces, recipe)


@torch.inference_mode()
def between_streams(network: Any, faces: Faces, parameters: dict[str, Any]) -> float:  # noqa: ANN401
    """Return the mean absolute cosine between tokens of different streams over validation faces."""
    recipe = Training.model_validate(parameters["training"])
    samples = faces.on_side("val").plain(recipe.augmentation)
    batches = list(loader(samples, in_order(len(samples), 64), 0))
    tokens = torch.cat([network.forward_features(assemble(batch, network.img_size)) for batch in batches])
    return float(orthogonality(tokens))


def main() -> None:
    """Measure and print: mean and deviation over seeds."""
    found = measure()
    table = Table("way", "cosine, mean ± deviation", "each seed", "validation AUC of videos", box=SIMPLE)
    for way, rows in found.groupby("way", sort=False):
        cosine, auc = rows["cosine"], rows["auc"]
        each = ", ".join(f"{value:.3f}" for value in cosine)
        told = [f"{values.mean():.3f} ± {np.std(values, ddof=1):.3f}" for values in (cosine, auc)]
        table.add_row(str(way), told[0], each, told[1])
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
