"""The one way from crops to probabilities: evaluation, tracked models and whatever asks for a verdict take it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from fakefocus.datasets.stored_video import VideoFolder, check_made_with, check_unchanged
from fakefocus.errors import InputError
from fakefocus.imaging.maps import MapMaker
from fakefocus.models.build import load_network
from fakefocus.models.contract import Contract, read_contract
from fakefocus.models.fitting import check_fit
from fakefocus.models.torch_settings import set_up_torch
from fakefocus.parameters import CropSpec, Defocus, Device, Evaluation, MapSpec, Preprocessing
from fakefocus.training.augmentation import Augment, Plan, Sample
from fakefocus.training.samples import Batch, Item, MapSource, assemble, collate


class Crop(NamedTuple):
    """A crop ``(H, W, 3) uint8, RGB``, and its maps ``(H, W, K) float32`` in [0, 1] where they are stored."""

    image: NDArray[np.uint8]
    maps: NDArray[np.float32] | None = None


ReadCrop = Callable[[], Crop]
Perturb = Callable[[NDArray[np.uint8], int], NDArray[np.uint8]]
"""Changes a crop, ``(H, W, 3) uint8, RGB``; the number of the crop seeds what it draws."""
_MIDDLE = Plan()
_AGREE = 0.02
"""Two scorings of a face by one detector differ by less: its map is stored in 16 bits, or made."""


class Scorer:
    """A trained detector, ready to score crops that were made as its contract says.

    ``make_maps`` makes the maps of a crop, None where the network sees none.
    """

    def __init__(
        self, contract: Contract, weights: dict[str, Tensor], device: Device = "auto", batch_size: int = 64
    ) -> None:
        """Put the network together on a device.

        Raises:
            InputError: If the weights are not of this contract, or the device is not there.
        """
        self.contract = contract
        self.device = pick_device(device)
        self.network: Any = load_network(contract, weights).to(self.device)
        self._augment = Augment(contract.training.augmentation, random=False)
        self.make_maps = _map_maker(contract)
        self._batch_size = batch_size

    @torch.inference_mode()
    def __call__(
        self, crops: Sequence[ReadCrop], perturb: Perturb | None = None, view: Plan = _MIDDLE
    ) -> NDArray[np.float64]:
        """Return the probability of fake of each crop, ``(N,)`` in [0, 1], in float32 arithmetic.

        Args:
            crops: What reads them; several threads do, while the network scores the batch before.
            perturb: Changes each crop first. Maps are then made of what came out, not read.
            view: Where crops and maps are cut, and whether they are mirrored or warped; else the middle, as it is.
        """
        set_up_torch()
        scores = np.full(len(crops), np.nan)
        for batch in self._batches(crops, perturb, view):
            scores[batch.rows.numpy()] = self._score(batch)
        return scores

    @torch.inference_mode()
    def embed(self, crops: Sequence[ReadCrop]) -> Tensor:
        """Return what the network decides by, ``(N, …) float32`` on its device: embeddings, or a token a stream."""
        set_up_torch()
        batches = self._batches(crops, None, _MIDDLE)
        return torch.cat([self.network.forward_features(self._seen(batch)).float() for batch in batches])

    def inputs(self, crops: Sequence[ReadCrop]) -> Tensor:
        """Return what the network sees of crops, ``(N, in_chans, img_size, img_size) float32`` in [0, 1]."""
        return torch.cat([self._seen(batch) for batch in self._batches(crops, None, _MIDDLE)])

    def _score(self, batch: Batch) -> NDArray[np.float32]:
        logits = self.network(self._seen(batch))
        return np.asarray(torch.sigmoid(logits.float()).cpu().numpy())

    def _seen(self, batch: Batch) -> Tensor:
        """Return what the network is shown of a batch, on its device."""
        maps = None if batch.maps is None else batch.maps.to(self.device)
        moved = batch._replace(images=batch.images.to(self.device), maps=maps)
        return assemble(moved, self.contract.input.img_size)

    def _batches(self, crops: Sequence[ReadCrop], perturb: Perturb | None, view: Plan) -> Iterator[Batch]:
        starts = range(0, len(crops), self._batch_size)
        with ThreadPoolExecutor(torch.get_num_threads()) as threads:
            upcoming = None
            for start in [*starts, None]:
                ready = upcoming
                if start is not None:
                    rows = range(start, min(start + self._batch_size, len(crops)))
                    upcoming = [threads.submit(self._prepare, crops[row], row, perturb, view) for row in rows]
                if ready is not None:
                    yield collate([future.result() for future in ready])

    def _prepare(self, read: ReadCrop, row: int, perturb: Perturb | None, view: Plan) -> Item:
        image, maps = read()
        if perturb is not None:
            image, maps = perturb(image, row), None
        if self.make_maps is None:
            maps = None
        elif maps is None:
            maps = self.make_maps(np.ascontiguousarray(image))
        return Item(self._augment.move(Sample(image, maps), view), 0, row)


class Prepared(NamedTuple):
    """What a detector is shown: rows of ``samples``, what reads the crop of each, and what scores them."""

    contract: Contract
    samples: pd.DataFrame
    crops: list[ReadCrop]
    scorer: Scorer


def prepare(
    model: Mapping[str, Any],
    samples: pd.DataFrame,
    face_crops: Mapping[str, VideoFolder],
    defocus_maps: Mapping[str, VideoFolder],
    splits_json: Mapping[str, Any],
    preprocessing: Preprocessing,
    defocus: Defocus,
    evaluation: Evaluation,
) -> Prepared:
    """Check that a detector may be shown samples, and get ready to score them.

    Args:
        model: Its ``contract`` and ``weights``.
        samples: The rows to score; those of the side ``test`` are compared with whom the detector knows.
        face_crops: Crops by the column ``folder``.
        defocus_maps: Maps of the crops, read if the detector sees maps.
        splits_json: The split that it is judged on.
        preprocessing: Parameters that crops must have been made with.
        defocus: Parameters that maps must have been made with, if the detector sees maps.
        evaluation: Device, faces a batch, and what is done with people whom the detector knows.

    Raises:
        InputError: If the detector does not fit: crops or maps are of another kind than it was trained on, or it knows
            test videos or people (see ``evaluation.seen``).
    """
    contract = read_contract(model["contract"])
    asked = preprocessing.model_dump(mode="json")
    crop_options = check_made_with(face_crops, samples["folder"], "preprocessing", asked)
    crops, maps, source = CropSpec.of(Preprocessing(**crop_options)), None, None
    if contract.maps is not None:
        asked = defocus.model_dump(mode="json")
        map_options = Defocus(**check_made_with(defocus_maps, samples["folder"], "defocus", asked))
        maps, source = MapSpec.of(map_options), MapSource(map_options, defocus_maps)
    check_unchanged(
        face_crops, zip(samples["folder"], samples["crops"], strict=True), "run kedro run --pipelines=split again"
    )
    test = samples[samples["split"] == "test"]
    check_fit(contract, test, crops, maps, seen=evaluation.seen, split_hash=splits_json["hash"])
    scorer = Scorer(contract, model["weights"], evaluation.device, evaluation.batch_size)
    return Prepared(contract, samples, stored_crops(samples, face_crops, source, contract.input.maps), scorer)


def stored_crops(
    samples: pd.DataFrame, face_crops: Mapping[str, VideoFolder], maps: MapSource | None, channels: int
) -> list[ReadCrop]:
    """Return what reads the crop of each row of ``samples``, with its ``channels`` maps if a detector wants them."""
    rows = zip(samples["folder"], samples["crop"], strict=True)
    return [
        partial(_read, face_crops, maps, channels, str(folder), str(crop).rpartition("/")[2]) for folder, crop in rows
    ]


def stored_scores(rows: pd.DataFrame, face_scores: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """Return the scores that the evaluation of a detector gave each row of ``samples``, ``(N,)`` in [0, 1].

    Raises:
        InputError: If it gave none to some of them.
    """
    scores = rows["crop"].map(face_scores.set_index("crop")["score"])
    if scores.isna().any():
        msg = (
            f"face_scores: {name} has not scored {int(scores.isna().sum())} of {len(rows)} test faces, the first "
            f"{rows['crop'][scores.isna()].iloc[0]}: run kedro run --pipelines=evaluate"
        )
        raise InputError(msg)
    return np.asarray(scores.to_numpy(np.float64))


def check_same_scores(stored: NDArray[np.float64], scores: NDArray[np.float64], name: str) -> None:
    """Check that a detector scores faces as it did when it was evaluated.

    Raises:
        InputError: If it does not: it was trained again since.
    """
    worst = float(np.abs(stored - scores).max())
    if worst > _AGREE:
        msg = (
            f"face_scores: {name} scores the test faces otherwise now, by up to {worst:.3f} (at most {_AGREE}): the "
            "scores are of another detector, run kedro run --pipelines=evaluate"
        )
        raise InputError(msg)


def pick_device(device: Device) -> torch.device:
    """Return the device of a name; auto: a CUDA device where there is one, else the processor.

    Raises:
        InputError: If it is not there.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        return torch.device("cuda" if there["cuda"] else "cpu")
    if not there[device]:
        names = ", ".join(name for name, is_there in there.items() if is_there)
        msg = (
            f"device: there is no {device} here, only {names}: set evaluation.device (of fakefocus predict, --device) "
            "to one of these, or to auto"
        )
        raise InputError(msg)
    return torch.device(device)


def _read(face_crops: Mapping[str, VideoFolder], maps: MapSource | None, channels: int, folder: str, name: str) -> Crop:
    image = face_crops[folder].read(name)
    return Crop(image, maps.read(folder, name, image, channels) if maps is not None and channels else None)


def _map_maker(contract: Contract) -> MapMaker | None:
    """Return what makes the maps that a detector sees; None if it sees none."""
    if contract.maps is None:
        return None
    defocus = Defocus(**contract.maps.model_dump(), store="none")
    return MapSource(defocus, {}).maker(contract.input.maps)
