"""What is given away: which seed, which verdicts, which files, and that they are a detector again."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from fakefocus.errors import InputError
from fakefocus.imaging.benign import EDITS
from fakefocus.inference import Crop, Scorer
from fakefocus.models.contract import Verdict, read_contract
from fakefocus.parameters import Release
from fakefocus.pipelines.release import scoring
from fakefocus.pipelines.release.measuring import by_edit, by_method
from fakefocus.pipelines.release.nodes import choose_candidate
from fakefocus.pipelines.release.rounding import halve
from fakefocus.pipelines.release.scoring import choose_reals
from fakefocus.pipelines.release.verdicts import calibrate, score_videos

PROMISE = {"release": {"false_alarms": 0.5, "missed": 0.2, "faces": 1, "licence": "MIT"}}

FIVE = [[90, 110], [160, 110], [125, 150], [98, 185], [152, 185]]
"""Eyes, nose and corners of the mouth in a crop of 256 pixels."""
NO_BLENDS = pd.DataFrame(columns=["label", "compression", "score"])


def _plain(rng: np.random.Generator, reals: int = 100) -> pd.DataFrame:
    """Return validation videos: reals about .2, fakes about .7, both compressions."""
    labels = np.tile([0] * reals + [1] * reals, 2)
    scores = np.clip(rng.normal(np.where(labels, 0.7, 0.2), 0.1), 0, 1)
    compression = np.repeat(["c23", "c40"], 2 * reals)
    return pd.DataFrame({"label": labels, "method": "swap", "compression": compression, "score": scores})


def _edited(rng: np.random.Generator, reals: int = 100) -> pd.DataFrame:
    """Return the reals after edits, of which blur makes them look a little fake."""
    tables = [
        pd.DataFrame({"edit": name, "score": np.clip(rng.normal(0.4 if name == "blur" else 0.2, 0.1, reals), 0, 1)})
        for name in EDITS
    ]
    return pd.concat(tables, ignore_index=True)


def test_no_edit_alone_breaks_the_promise_on_false_alarms() -> None:
    rng = np.random.default_rng(0)
    plain, edited = _plain(rng), _edited(rng)
    verdict = calibrate(plain, edited, NO_BLENDS, Release(false_alarms=0.05, missed=0.1))
    alarms = (edited["score"] >= verdict.fake_from).groupby(edited["edit"]).mean()
    # the next of 101 is one of the five highest with a probability of .05
    assert alarms.max() == pytest.approx(0.04)
    assert alarms.idxmax() == "blur"
    hardly = plain[(plain["label"] == 1) & (plain["compression"] == "c23")]["score"]
    assert (hardly < verdict.real_below).mean() <= 0.1
    assert verdict.real_below <= verdict.fake_from


def test_promise_that_so_few_reals_cannot_keep_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match=r"at most 0\.05 on validation videos needs 19 real ones.*there are 12 real"):
        calibrate(_plain(rng, 12), _edited(rng, 12), NO_BLENDS, Release())


@pytest.mark.slow
def test_next_real_video_is_called_fake_as_rarely_as_promised() -> None:
    rng = np.random.default_rng(5)
    called = []
    for _ in range(300):
        plain = _plain(rng, 25)
        usual = plain[plain["compression"] == "c23"]
        verdict = calibrate(usual, _edited(rng, 25).query("edit == 'half'"), NO_BLENDS, Release(false_alarms=0.1))
        called.append((rng.normal(0.2, 0.1, 200) >= verdict.fake_from).mean())
    assert 0.03 < np.mean(called) < 0.1


def test_where_no_video_is_fake_pseudo_fakes_stand_in() -> None:
    rng = np.random.default_rng(0)
    plain = _plain(rng)
    reals, fakes = plain[plain["label"] == 0], plain[plain["label"] == 1]
    verdict = calibrate(reals, _edited(rng), fakes, Release())
    assert verdict.source.endswith("pseudo-fakes below real_below")
    with_videos = calibrate(plain, _edited(np.random.default_rng(0)), NO_BLENDS, Release())
    assert verdict.real_below == pytest.approx(with_videos.real_below)
    assert (fakes[fakes["compression"] == "c23"]["score"] < verdict.real_below).mean() <= 0.05
    with pytest.raises(InputError, match=r"and some fake, there are 100 real and 0 fake ones"):
        calibrate(reals, _edited(rng), NO_BLENDS, Release())


def test_verdict_has_three_answers_and_the_score_of_a_limit_is_fake() -> None:
    verdict = Verdict(temperature=1.0, real_below=0.3, fake_from=0.6, source="here")
    assert [verdict.of(score) for score in (0.0, 0.29, 0.3, 0.59, 0.6, 1.0)] == [
        *("real", "real"),
        *("uncertain", "uncertain"),
        *("fake", "fake"),
    ]


def test_tables_count_what_verdicts_do() -> None:
    verdict = Verdict(temperature=1.0, real_below=0.3, fake_from=0.6, source="here")
    videos = pd.DataFrame(
        {
            "label": [0] * 6 + [1] * 6,
            "method": [""] * 6 + ["swap"] * 6,
            "group": list("abcdef") * 2,
            "compression": "c23",
            "score": [0.1, 0.1, 0.2, 0.4, 0.5, 0.7, 0.2, 0.65, 0.8, 0.8, 0.9, 0.9],
        }
    )
    both, swap = by_method(videos, verdict, 0.95)
    assert (both["method"], swap["method"]) == ("", "swap")
    assert swap["caught"]["value"] == pytest.approx(5 / 6)
    assert swap["verdicts"] == pytest.approx({"real": 1 / 6, "uncertain": 0, "fake": 5 / 6})
    first = by_edit(videos, pd.concat([videos[:6].assign(edit=name) for name in EDITS]), verdict, 0.95)[0]
    assert first["called_fake"]["value"] == pytest.approx(1 / 6)
    assert first["called_fake"]["low"] < 1 / 6 < first["called_fake"]["high"]
    assert first["verdicts"] == pytest.approx({"real": 3 / 6, "uncertain": 2 / 6, "fake": 1 / 6})


def test_compressions_of_a_clip_are_videos_of_their_own() -> None:
    faces = pd.DataFrame({"video_id": ["a", "a", "b"], "track": 0, "label": [0, 0, 1], "score": [0.2, 0.4, 0.9]})
    faces = faces.assign(method=["", "", "swap"], group="g", compression=["c23", "c23", "c40"])
    videos = score_videos(faces, "compression", "mean")
    assert videos["score"].tolist() == pytest.approx([0.3, 0.9])
    assert videos[["compression", "method"]].to_numpy().tolist() == [["c23", ""], ["c40", "swap"]]


def test_reals_of_people_without_the_usual_compression_are_kept() -> None:
    rows = [("a.c23", "a"), ("a.raw", "a"), ("b.raw", "b")]
    samples = pd.DataFrame(rows, columns=["video_id", "identity"]).assign(
        split="val", method="", label=0, track=0, frame=0
    )
    compression = pd.Series({"a.c23": "c23", "a.raw": "raw", "b.raw": "raw"})
    assert choose_reals(samples, compression, 1)["video_id"].tolist() == ["a.c23", "b.raw"]
    assert choose_reals(samples[samples["label"] == 1], compression, 1).empty


def test_only_faces_with_landmarks_are_blended_and_the_lack_of_all_is_refused() -> None:
    good, outside = np.array(FIVE, np.float32), np.full((5, 2), -900, np.float32)
    samples = pd.DataFrame({"split": "val", "identity": ["a", "b", "c", "a"]})
    landmarks = np.stack([good, outside, good, outside])
    donors = scoring._donors(samples, landmarks, [0, 2], 3)
    assert donors == {0: 2, 2: 0}, "nobody's donor is a face that lies outside of its crop"
    without = SimpleNamespace(samples=pd.DataFrame({"landmarks": ["", "[]"]}))
    with pytest.raises(InputError, match="samples: 1 of 2 real faces have no landmarks"):
        scoring.score_blends(without, 3)


def test_without_real_videos_the_promise_is_refused_and_says_what_helps() -> None:
    nothing = pd.DataFrame(columns=["video_id", "track", "label", "method", "group", "compression", "edit", "score"])
    plain, edited = score_videos(nothing, "compression", "mean"), score_videos(nothing, "edit", "mean")
    with pytest.raises(InputError, match=r"there are 0 real and 0 fake ones: give the side of validation more videos"):
        calibrate(plain, edited, NO_BLENDS, Release())


def test_seed_is_chosen_by_validation_and_other_recipes_are_refused(project: Path) -> None:
    contract = json.loads((project / "data/06_models/tiny/scade_net/architecture.json").read_text())
    seeds = [
        contract | {"val_video_auc": auc, "training": contract["training"] | {"seed": seed}}
        for seed, auc in ((3, 0.7), (42, 0.9), (123, 0.8))
    ]
    chosen = choose_candidate({}, *({"contract": c, "weights": {}} for c in seeds))
    assert chosen["contract"]["training"]["seed"] == 42
    assert [row["chosen"] for row in chosen["candidates"]] == [False, True, False]
    longer = seeds[0] | {"training": seeds[0]["training"] | {"epochs": 99}}
    with pytest.raises(InputError, match=r"2 detectors of SCADE-Net were trained otherwise"):
        choose_candidate({}, {}, *({"contract": c, "weights": {}} for c in (longer, seeds[1])))
    with pytest.raises(InputError, match=r"no detector of this family is trained"):
        choose_candidate({}, {}, {}, {})


def test_only_what_changes_no_score_is_halved_and_large_kernels_first() -> None:
    sizes = {"small": 4, "middle": 40, "large": 400}
    weights = {name: torch.rand(size, 2) + 1 for name, size in sizes.items()} | {"norm": torch.rand(1000)}
    costs = {"large": 0.0002, "middle": 0.0005, "small": 0.002}

    def change(tensors: Mapping[str, torch.Tensor]) -> float:
        return sum(costs[name] for name, tensor in tensors.items() if tensor.dtype == torch.float16)

    rounded = halve(weights, change, change)
    assert {name for name, tensor in rounded.weights.items() if tensor.dtype == torch.float16} == {"large", "middle"}
    assert rounded.change == pytest.approx(0.0007)
    assert rounded.share == pytest.approx(880 / 1888)
    # all faces see more than a few did
    fewer = halve(weights, change, lambda tensors: 2 * change(tensors))
    assert {name for name, tensor in fewer.weights.items() if tensor.dtype == torch.float16} == {"large"}


@pytest.fixture(scope="module")
def project(tiny_project: Path, tmp_path_factory: pytest.TempPathFactory, run_kedro: Callable[..., Any]) -> Path:
    """Return a copy of the tiny project in which a detector was released."""
    folder = tmp_path_factory.mktemp("release") / "project"
    shutil.copytree(tiny_project, folder, symlinks=True, ignore=shutil.ignore_patterns("mlflow.db"))
    run_kedro(folder, "release", namespaces=["scade_net"], **PROMISE)
    return folder


def test_released_files_are_a_detector_that_scores_as_before(project: Path) -> None:
    folder = project / "data/06_models/tiny/released/scade_net"
    contract = read_contract(json.loads((folder / "architecture.json").read_text()))
    assert contract.verdict is not None
    image = np.random.default_rng(0).integers(0, 255, (contract.crops.size, contract.crops.size, 3), np.uint8)
    files = [place / "weights.safetensors" for place in (project / "data/06_models/tiny/scade_net", folder)]
    scores = [Scorer(contract, load_file(file))([lambda: Crop(image)])[0] for file in files]
    assert scores[0] == pytest.approx(scores[1], abs=1e-3)


def test_card_names_the_hash_of_each_file_and_every_table(project: Path) -> None:
    folder = project / "data/06_models/tiny/released/scade_net"
    card = (folder / "card.md").read_text()
    for name in ("weights.safetensors", "architecture.json", "results.json"):
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() in card
    for edit in EDITS.values():
        assert edit.title in card
    assert "Weights: MIT" in card


def test_validation_alone_decides_and_the_test_side_is_measured(project: Path) -> None:
    folder = project / "data/07_model_output/tiny/scade_net/release"
    edited = pd.read_parquet(folder / "edited_scores.parquet")
    assert set(edited["split"]) == {"val", "test"}
    assert set(edited["label"]) == {0}
    assert set(edited["edit"]) == set(EDITS)
    samples = pd.read_parquet(project / "data/05_model_input/tiny/samples.parquet")
    reals = samples[(samples["split"] == "test") & (samples["label"] == 0)]["video_id"].nunique()
    results = json.loads((folder / "results.json").read_text())
    assert {row["real"] for row in results["edits"]} == {reals}
    shown = samples[(samples["split"] == "test") & (samples["label"] == 0)]
    assert results["people"] == shown["identity"].nunique()
    section = json.loads((project / "data/08_reporting/tiny/sections/scade_net_release.json").read_text())
    assert all(len(row) == len(table["columns"]) for table in section["tables"] for row in table["rows"])
