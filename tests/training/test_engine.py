import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from striped import CUT, NETWORK, RECIPE, Stripes, build, corpus, train
from torch import Tensor, nn

from examples import make_contract
from fakefocus.errors import InputError
from fakefocus.imaging.gradient_ratio import gradient_ratio
from fakefocus.inference import Scorer, stored_crops
from fakefocus.metrics.scores import auc
from fakefocus.models.build import build_loss, build_network
from fakefocus.parameters import Training
from fakefocus.training import batched_maps
from fakefocus.training.data import FaceData, Faces
from fakefocus.training.engine import Fitted, fit, make_trainer
from fakefocus.training.module import DetectorModule
from fakefocus.training.sampling import Draw

INPUT = {"channels": ("red", "green", "blue"), "img_size": 64}


def _recipe(**changes: Any) -> Training:
    return Training.model_validate(RECIPE.model_dump() | changes)


def _assert_same(one: Fitted, other: Fitted, tolerance: float = 1e-6) -> None:
    pd.testing.assert_frame_equal(one.history, other.history, rtol=0, atol=tolerance)
    for name, value in one.weights.items():
        assert torch.allclose(value, other.weights[name], rtol=0, atol=tolerance), name


def _score(fitted: Fitted, faces: Faces) -> np.ndarray:
    contract = make_contract("multistream", NETWORK, training=RECIPE.model_dump(), input=INPUT)
    scorer = Scorer(contract, fitted.weights, batch_size=8)
    return scorer(stored_crops(faces.table, faces.crops, None, 0))


@pytest.fixture(scope="module")
def trained() -> Fitted:
    return train()


def test_training_learns_what_separates_the_classes_and_repeats_with_the_seed(trained: Fitted) -> None:
    assert trained.history["epoch"].tolist() == [0, 1, 2, 3]
    assert trained.history["val.video_auc"].max() == 1.0
    test = corpus().on_side("test")
    scores = _score(trained, test)
    assert scores[test.table["label"] == 1].min() > scores[test.table["label"] == 0].max()
    again = train()
    assert all(torch.equal(value, again.weights[name]) for name, value in trained.weights.items())
    pd.testing.assert_frame_equal(trained.history, again.history)


@pytest.mark.parametrize(
    "chosen",
    [
        "pass",
        "torch.set_float32_matmul_precision('high')",
        "torch.backends.fp32_precision = 'tf32'",
        "torch.backends.cuda.matmul.fp32_precision = 'tf32'",
    ],
)
def test_float32_is_not_rounded_whatever_was_chosen_before(chosen: str) -> None:
    script = f"""
import torch
from fakefocus.models.torch_settings import set_up_torch
{chosen}
set_up_torch()
set_up_torch()
print(torch.backends.cudnn.conv.fp32_precision, torch.backends.cuda.matmul.fp32_precision)
print(torch.get_float32_matmul_precision())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["ieee", "ieee", "highest"], done.stderr


def test_training_and_scoring_set_torch_up(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr("fakefocus.training.module.set_up_torch", lambda: calls.append("training"))
    monkeypatch.setattr("fakefocus.inference.set_up_torch", lambda: calls.append("scoring"))
    _score(train(_recipe(epochs=1)), corpus().on_side("test"))
    assert calls == ["training", "scoring"]


def test_workers_change_nothing(trained: Fitted) -> None:
    _assert_same(train(_recipe(num_workers=2)), trained, tolerance=0)


def test_training_never_reads_the_test_side() -> None:
    faces, read = corpus(), set()

    class Watched(dict):
        def __getitem__(self, folder: str) -> Stripes:
            read.add(folder)
            return super().__getitem__(folder)

    fit(build, replace(faces, crops=Watched(faces.crops)), _recipe(epochs=1))
    assert read == set(faces.table.loc[faces.table["split"] != "test", "folder"])


def test_each_epoch_draws_anew() -> None:
    faces, read = corpus(), []

    class Watched(dict):
        def __getitem__(self, folder: str) -> Stripes:
            read.append(folder)
            return super().__getitem__(folder)

    train_rows = faces.table[faces.table["split"] == "train"]["folder"]
    fit(_build_plain, replace(faces, crops=Watched(faces.crops)), _recipe(epochs=2, balanced="none"))
    # the first one is read to see how large crops are
    drawn = [folder for folder in read[1:] if folder in set(train_rows)]
    first, second = drawn[: len(train_rows)], drawn[len(train_rows) :]
    assert sorted(first) == sorted(second) == sorted(train_rows)
    assert first != second


@pytest.mark.parametrize("changes", [{}, {"ema_decay": 0.9}], ids=["", "averaged"])
def test_killed_training_goes_on_to_the_same_result(tmp_path: Path, changes: dict) -> None:
    folder, recipe = tmp_path / "checkpoints", _recipe(**changes)
    command = [sys.executable, str(Path(__file__).with_name("striped.py")), str(folder), recipe.model_dump_json()]
    # sums over other numbers of threads differ in their last digits, and training makes much of that
    process = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())})
    _wait_for_epochs(folder / "last.ckpt", 2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = len(torch.load(folder / "last.ckpt", weights_only=True)["callbacks"]["_History"]["rows"])
    assert 2 <= done < 4
    continued = train(recipe, folder)
    assert sorted(file.name for file in folder.iterdir()) == ["about.json", "best.ckpt", "last.ckpt"]
    _assert_same(continued, train(recipe))


def _wait_for_epochs(checkpoint: Path, count: int, limit: float = 90.0) -> None:
    seen: set[int] = set()
    start = time.monotonic()
    while len(seen) < count:
        assert time.monotonic() - start < limit, "no checkpoint was written"
        if checkpoint.is_file():
            seen.add(checkpoint.stat().st_mtime_ns)
        time.sleep(0.002)


def test_complete_training_whose_detector_was_not_saved_is_not_repeated(tmp_path: Path, trained: Fitted) -> None:
    folder = tmp_path / "checkpoints"
    train(RECIPE, folder)
    written = (folder / "last.ckpt").stat().st_mtime_ns
    _assert_same(train(RECIPE, folder), trained)
    assert (folder / "last.ckpt").stat().st_mtime_ns == written


def test_what_is_kept_is_what_was_validated(trained: Fitted) -> None:
    faces = corpus().on_side("val")
    # an average of .9 once turned ring 3 of the spectral mask, an integer, into ring 2
    for fitted in (trained, train(_recipe(ema_decay=0.9))):
        scores = _score(fitted, faces)
        by_video = faces.table.assign(score=scores).groupby("video_id")[["label", "score"]].mean()
        assert auc(by_video["label"], by_video["score"]) == pytest.approx(fitted.best["val.video_auc"])
        truth = np.where(faces.table["label"] == 1, scores, 1 - scores)
        assert -np.log(truth).mean() == pytest.approx(fitted.best["val.bce"], abs=1e-4)


def test_checkpoint_of_another_training_is_not_continued(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    (folder / "last.ckpt").write_bytes(b"of another training")
    (folder / "about.json").write_text('"another"')
    assert len(train(_recipe(epochs=1), folder).history) == 1


class Plain(nn.Module):
    """A network whose samples do not see each other in training either: no batch norm, no dropout."""

    in_chans, img_size = 3, 64

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 5, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten())
        self.head = nn.Linear(32, 1)

    def forward_features(self, x: Tensor) -> Tensor:
        return self.features(x)

    def forward_head(self, features: Tensor) -> Tensor:
        return self.head(features).squeeze(1)


def _build_plain() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    return Plain(), build_loss("meso4", {})


def _fit_plain(**changes: Any) -> Fitted:
    return fit(_build_plain, corpus(), _recipe(epochs=2, accelerator="cpu", **changes))


def test_two_processes_do_what_one_does_on_the_same_batches() -> None:
    _assert_same(_fit_plain(devices=2), _fit_plain(), tolerance=1e-5)


def test_accumulated_steps_are_one_update_of_the_larger_batch() -> None:
    small, large = _fit_plain(batch_size=4, accumulate=2, balanced="none"), _fit_plain(batch_size=8, balanced="none")
    for name, value in small.weights.items():
        assert torch.allclose(value, large.weights[name], atol=1e-5), name


def test_moving_average_is_what_is_kept() -> None:
    fast, slow = train(_recipe(epochs=1)).weights, train(_recipe(epochs=1, ema_decay=0.999)).weights
    name = "fusion.classifier.4.weight"
    start = _start()[name]
    # it begins at the first update, at 5 % of the rate, and keeps .999 of what it was at each of the others
    assert (slow[name] - start).abs().max() < 0.05 * (fast[name] - start).abs().max()


def _start() -> dict[str, Tensor]:
    import pytorch_lightning as pl

    pl.seed_everything(RECIPE.seed, verbose=False)
    return build()[0].state_dict()


@pytest.mark.parametrize("changes", [{"paired": True}, {"schedule": "step", "step_every": 3}], ids=["pairs", "steps"])
def test_other_recipes_learn_too(changes: dict) -> None:
    assert train(_recipe(**changes)).history["val.video_auc"].max() == 1.0


def test_self_blended_training_needs_no_fakes_and_is_validated_on_blends() -> None:
    faces = corpus()
    reals = replace(faces, table=faces.table[faces.table["method"] == ""])
    fitted = fit(build, reals, _recipe(fakes="self_blended", epochs=1))
    assert np.isfinite(fitted.best["val.video_auc"])


def test_network_learns_where_something_was_blended_in_and_keeps_nothing_of_it() -> None:
    def build_scade() -> tuple[nn.Module, nn.Module]:
        return build_network("scade_net", {"in_chans": 3, "drop_rate": 0.0}), build_loss("scade_net", {})

    faces = corpus()
    reals = replace(faces, table=faces.table[faces.table["method"] == ""])
    fitted = fit(build_scade, reals, _recipe(fakes="self_blended", mask_weight=1.0, epochs=4, lr=1e-2))
    assert fitted.history["train.mask"].iloc[-1] < 0.8 * fitted.history["train.mask"].iloc[0]
    assert fitted.weights.keys() == build_scade()[0].state_dict().keys()


def test_network_without_a_map_of_features_cannot_be_asked_where() -> None:
    faces = corpus()
    reals = replace(faces, table=faces.table[faces.table["method"] == ""])
    with pytest.raises(InputError, match=r"training\.mask_weight: \w+ has no map of features to tell by, set it to 0"):
        fit(build, reals, _recipe(fakes="self_blended", mask_weight=1.0))


def test_labelled_fakes_have_no_mask_to_ask_for() -> None:
    with pytest.raises(ValueError, match=r"mask_weight: only pseudo-fakes have a mask"):
        _recipe(mask_weight=1.0)


@pytest.mark.parametrize("in_chans", [4, 5])
def test_maps_are_made_from_the_changed_picture(in_chans: int) -> None:
    network = {"in_chans": in_chans, "constraint": "A", "drop_rate": 0.0}
    loss = {"scl_weight": 0.1, "scl_form": "hinge", "margin": 0.5}

    def build_scade() -> tuple[nn.Module, nn.Module]:
        return build_network("scade_net", network), build_loss("scade_net", loss)

    cut = CUT.model_dump() | {"crop": 80, "recompute_map": True, "damage": {"jpeg": 1.0}}
    recipe, faces = _recipe(epochs=1, augmentation=cut), replace(corpus(), channels=in_chans - 3)
    assert len(fit(build_scade, faces, recipe).history) == 1
    batch = faces.changed(recipe, maps_on_device=False)[[Draw(0, 5)]]
    pixels = np.ascontiguousarray(batch.images[0].permute(1, 2, 0))
    assert np.array_equal(batch.maps[0, 0], gradient_ratio(pixels, 5.0))


def test_mistake_in_another_process_is_told_as_in_this_one() -> None:
    with pytest.raises(InputError, match=r"^training diverged in epoch 1: lower training\.lr"):
        _fit_plain(devices=2, lr=1e30, gradient_clip=1e30, weight_decay=0.5)


def test_crop_larger_than_what_is_stored_is_refused_at_once() -> None:
    with pytest.raises(InputError, match=r"augmentation\.crop: must be at most the stored crop's 80 pixels, got 96"):
        train(_recipe(augmentation=CUT.model_dump() | {"crop": 96}))


def test_number_of_launched_processes_must_be_that_of_the_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "a")
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(InputError, match="must be the 4 launched processes, got 1"):
        train()


def test_maps_left_to_the_device_give_the_loss_of_maps_made_while_loading() -> None:
    cut = CUT.model_dump() | {"crop": 80, "recompute_map": True}
    recipe, faces = _recipe(epochs=1, augmentation=cut, accelerator="cpu"), replace(corpus(), channels=1)
    losses = []
    for make in (None, partial(batched_maps.gradient_ratio, sigma_max=5.0)):
        torch.manual_seed(0)
        network = build_network("scade_net", {"in_chans": 4, "constraint": "A", "drop_rate": 0.0})
        data = FaceData(faces, recipe, maps_on_device=make is not None)
        module = DetectorModule(network, build_loss("meso4", {}), recipe, data.validation.outcomes, make)
        trainer = make_trainer(recipe, [], None)
        trainer.limit_val_batches = 0
        trainer.fit(module, data)
        losses.append(float(trainer.callback_metrics["train.loss"]))
    assert losses[0] == pytest.approx(losses[1], abs=1e-3)


def test_side_of_one_class_is_refused() -> None:
    faces = corpus()
    table = faces.table[(faces.table["split"] != "val") | (faces.table["label"] == 0)]
    with pytest.raises(ValueError, match=r"side val needs real and fake faces, got \{0: .*fakes: self_blended"):
        fit(build, replace(faces, table=table), RECIPE)


def test_diverged_training_says_so_instead_of_choosing_an_epoch() -> None:
    with pytest.raises(ValueError, match=r"training diverged in epoch \d: lower training\.lr \(now 1000000000000\.0\)"):
        train(_recipe(lr=1e12, gradient_clip=1e12))


def test_training_that_had_stopped_early_does_not_go_on_at_its_restart(tmp_path: Path) -> None:
    recipe, folder = _recipe(epochs=9, patience=1), tmp_path / "checkpoints"
    stopped = train(recipe, folder)
    assert len(stopped.history) < 9
    # its detector could not be saved: the same command once more
    again = train(recipe, folder)
    assert again.history["epoch"].tolist() == stopped.history["epoch"].tolist()
    _assert_same(again, stopped)
