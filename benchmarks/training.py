"""How fast detectors are trained: from disk against tensors in memory, and against a plain loop.

``python -m benchmarks.training [--device cuda]`` prints images a second for both families. Each figure is taken in a
process of its own, since what the allocator is told holds for a whole process; the processes take turns.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytorch_lightning as pl
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.transforms import v2

from benchmarks import defocus
from benchmarks.results import Result
from fakefocus.config import ProjectConfig
from fakefocus.datasets.stored_video import FrameWriter, VideoFolder
from fakefocus.imaging.defocus import estimate_map
from fakefocus.imaging.maps import to_levels
from fakefocus.models import DetectorOptions
from fakefocus.models.build import build_loss, build_network
from fakefocus.models.torch_settings import set_up_torch
from fakefocus.parameters import Defocus
from fakefocus.settings import CONFIG_LOADER_ARGS
from fakefocus.training.data import FaceData, Faces
from fakefocus.training.engine import make_trainer, map_channels
from fakefocus.training.module import DetectorModule
from fakefocus.training.samples import Batch, MapSource

WAYS = ("plain", "memory", "disk")
DEFOCUS = Defocus(method="gradient_ratio", sigma_max=5.0, store="uint16")
CONF = Path(__file__).resolve().parents[1] / "conf"
FACES = 768
STEPS = {"scade_net": (4, 16), "multistream": (1, 3)}
"""Updates before the clock starts, and while it runs."""
BATCH = {"scade_net": 64, "multistream": 16}
ROUNDS = 3
_LOADED = 0.85
_FASTER = {"scade_net": 3.0, "multistream": 1.5}


def measure(device: str = "cpu") -> Iterator[Result]:
    """Yield for both families how much of the step's speed remains from disk, and how much faster than plain it is."""
    with tempfile.TemporaryDirectory() as folder:
        write_faces(Path(folder))
        for family in STEPS:
            speeds = dict.fromkeys(WAYS, 0.0)
            for _ in range(ROUNDS):
                for way in WAYS:
                    speeds[way] = max(speeds[way], _in_a_process(family, way, Path(folder), device))
            disk, memory, plain = speeds["disk"], speeds["memory"], speeds["plain"]
            share, times, goal = disk / memory, disk / plain, _FASTER[family]
            unit = f"images/s, batches of {BATCH[family]}, {device}"
            yield Result(f"loader_{family}", disk, memory, share, unit, f"≥ {_LOADED}", share >= _LOADED)
            yield Result(f"training_{family}", disk, plain, times, unit, f"≥ {goal:g}", times >= goal)


def write_faces(folder: Path) -> None:
    """Write crops and maps of `FACES` faces in 12 videos, and their table, as the pipelines lay them out."""
    rows = []
    for video in range(12):
        label = video % 2
        for room, suffix in (("crops", ".jpg"), ("maps", ".npy")):
            (folder / room / f"v{video}").mkdir(parents=True)
            write = FrameWriter(folder / room / f"v{video}", suffix)
            for frame, crop in enumerate(defocus.faces(FACES // 12)):
                blur = to_levels(estimate_map(crop, DEFOCUS.method, DEFOCUS.sigma_max))
                write(f"frame_{frame:06d}", crop if room == "crops" else blur)
        side = "val" if video >= 10 else "train"
        names = [f"v{video}/frame_{frame:06d}" for frame in range(FACES // 12)]
        rows += [(f"v{video}", f"v{video}", name, frame, label, side, f"p{video}") for frame, name in enumerate(names)]
    columns = ["video_id", "folder", "crop", "frame", "label", "split", "identity"]
    pd.DataFrame(rows, columns=columns).assign(track=0).to_parquet(folder / "table.parquet")


def read_faces(folder: Path) -> Faces:
    """Return what `write_faces` wrote."""
    table = pd.read_parquet(folder / "table.parquet")
    folders = {
        room: {name: VideoFolder(folder / room / name, suffix, "") for name in table["folder"].unique()}
        for room, suffix in (("crops", ".jpg"), ("maps", ".npy"))
    }
    return Faces(table, folders["crops"], MapSource(DEFOCUS, folders["maps"]))


def options_of(family: str) -> DetectorOptions:
    """Return the published recipe of a family, from random weights, without an end."""
    values = ProjectConfig(CONF, env="base", runtime_params={"recipe": "published"}, **CONFIG_LOADER_ARGS)["parameters"]
    options = values[family]
    network = options.get("network", {}) | {"weights": "none"}
    training = options["training"] | {"batch_size": BATCH[family], "epochs": 1000}
    return DetectorOptions.model_validate(options | {"network": network, "training": training})


def images_a_second(family: str, way: str, folder: Path, device: str) -> float:
    """Return how many images a second are trained on in one of `WAYS`."""
    options, faces = options_of(family), read_faces(folder)
    torch.manual_seed(0)
    network = build_network(family, options.network.model_dump())
    loss = build_loss(family, options.loss.model_dump())
    faces = replace(faces, channels=map_channels(network))
    clock = _Clock(*STEPS[family])
    if way == "plain":
        return _plain(network, loss, folder, options, clock, device)
    return _ours(network, loss, faces, options, clock, device, way)


class _Clock(pl.Callback):
    """Takes the time of ``timed`` updates after ``before`` others."""

    def __init__(self, before: int, timed: int) -> None:
        self.before, self.timed, self.steps, self.start, self.seconds = before, timed, 0, 0.0, 0.0

    def tick(self) -> bool:
        """Count an update; say whether it was the last."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.steps += 1
        if self.steps == self.before:
            self.start = time.perf_counter()
        self.seconds = time.perf_counter() - self.start
        return self.steps == self.before + self.timed

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:  # noqa: ANN401
        """Stop after the last update."""
        trainer.should_stop = self.tick()


class _PlainFaces(torch.utils.data.Dataset[tuple[torch.Tensor, float]]):
    """Faces and maps as one reads and changes them first: float32 tensors and torchvision's own transforms."""

    def __init__(self, folder: Path, options: DetectorOptions, *, with_map: bool) -> None:
        table = pd.read_parquet(folder / "table.parquet")
        self._rows = table[table["split"] == "train"][["crop", "label"]].to_numpy().tolist()
        self._folder, self._with_map = folder, with_map
        augmentation = options.training.augmentation
        self._colour = v2.ColorJitter(augmentation.brightness, augmentation.contrast, hue=augmentation.hue)
        self._geometry = v2.Compose(
            [
                v2.RandomHorizontalFlip(augmentation.flip),
                v2.RandomAffine(
                    augmentation.rotation,
                    (augmentation.shift, augmentation.shift),
                    (1 - augmentation.zoom, 1 + augmentation.zoom),
                ),
            ]
        )

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, float]:
        name, label = self._rows[row]
        pixels = cv2.cvtColor(cv2.imread(str(self._folder / "crops" / f"{name}.jpg")), cv2.COLOR_BGR2RGB)
        sample = self._colour(torch.from_numpy(pixels).permute(2, 0, 1).float() / 255)
        if self._with_map:
            blur = torch.from_numpy(np.load(self._folder / "maps" / f"{name}.npy").astype(np.float32))
            sample = torch.cat([sample, blur[None]])
        return self._geometry(sample), float(label)


def _plain(
    network: nn.Module, loss: nn.Module, folder: Path, options: DetectorOptions, clock: _Clock, device: str
) -> float:
    """Train as one writes it first: eager, float32, contiguous, the default allocator, no workers."""
    data = _PlainFaces(folder, options, with_map=map_channels(network) > 0)
    network, loss = network.to(device).train(), loss.to(device)
    optimizer = torch.optim.AdamW([*network.parameters(), *loss.parameters()], lr=options.training.lr)
    target: Any = network
    for x, labels in _forever(lambda: DataLoader(data, options.training.batch_size, shuffle=True, drop_last=True)):
        features = target.forward_features(x.to(device))
        optimizer.zero_grad()
        loss(features, target.forward_head(features), labels.to(device))["loss"].backward()
        nn.utils.clip_grad_norm_(network.parameters(), options.training.gradient_clip)
        optimizer.step()
        if clock.tick():
            break
    return options.training.batch_size * clock.timed / clock.seconds


def _ours(
    network: nn.Module, loss: nn.Module, faces: Faces, options: DetectorOptions, clock: _Clock, device: str, way: str
) -> float:
    """Train with the engine, from disk or on batches that are in memory already."""
    set_up_torch()
    on_gpu = device == "cuda"
    training = options.training.model_copy(update={"compile": on_gpu, "accelerator": "gpu" if on_gpu else "cpu"})
    data = FaceData(faces, training, maps_on_device=False)
    module = DetectorModule(network.to(memory_format=torch.channels_last), loss, training, data.validation.outcomes)
    trainer = make_trainer(training, [clock], None)
    trainer.limit_val_batches = 0
    if way == "disk":
        trainer.fit(module, data)
    else:
        samples = faces.on_side("train").changed(training, maps_on_device=False)
        batches = list(_loader(samples, faces, options, 0))
        trainer.fit(module, DataLoader(_Held(batches), batch_size=None))
    return training.batch_size * clock.timed / clock.seconds


class _Held(torch.utils.data.Dataset[Batch]):
    def __init__(self, batches: list[Batch]) -> None:
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, number: int) -> Batch:
        return self._batches[number]


def _loader(samples: Any, faces: Faces, options: DetectorOptions, num_workers: int) -> Any:  # noqa: ANN401
    from fakefocus.training.data import loader
    from fakefocus.training.sampling import Batches

    return loader(samples, Batches(faces.on_side("train").table, options.training), num_workers)


def _forever(make: Callable[[], Any]) -> Iterator[Any]:
    while True:
        yield from make()


def _in_a_process(family: str, way: str, folder: Path, device: str) -> float:
    command = [sys.executable, "-m", "benchmarks.training", "--one", family, way, str(folder), "--device", device]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Measure one way, or all and print them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__)
    parser.add_argument("--one", nargs=3, metavar=("FAMILY", "WAY", "FOLDER"), help="print images a second")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(images_a_second(arguments.one[0], arguments.one[1], Path(arguments.one[2]), arguments.device)))
        return
    for result in measure(arguments.device):
        print(f"{result.name}: {result.ours:.1f} against {result.reference:.1f} {result.unit}: {result.ratio:.2f}")


if __name__ == "__main__":
    main()
