"""Attacks on the detectors of a lineage: which crops, what is counted, and what stops a run."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from fakefocus.errors import InputError
from fakefocus.parameters import Adversarial
from fakefocus.pipelines.adversarial.budget import choose_images, plan_attacks
from fakefocus.pipelines.adversarial.judging import ALONE, STRONGEST, judge_attack, judge_transfer, sanity_of, tracked
from fakefocus.pipelines.adversarial.reporting import adversarial_curves, adversarial_section

OPTIONS = {"threshold": 0.5, "confidence": 0.95}
SMALL = {
    "images": 4,
    "epsilons": [8],
    "pgd_steps": [2],
    "auto_pgd_steps": 2,
    "carlini_steps": 2,
    "carlini_searches": 1,
    "unbounded_steps": 10,
    "batch_size": 4,
    "seed": 3,
}


def _faces(videos: dict[str, tuple[int, str]], faces: int) -> pd.DataFrame:
    rows = [
        {"video_id": video, "crop": f"{video}/{number}", "label": label, "method": method, "group": video}
        for video, (label, method) in videos.items()
        for number in range(faces)
    ]
    return pd.DataFrame(rows)


def test_half_of_the_images_are_real_and_videos_and_methods_take_turns() -> None:
    videos = {"r1": (0, ""), "r2": (0, ""), "a1": (1, "A"), "a2": (1, "A"), "a3": (1, "A"), "b1": (1, "B")}
    for seed in range(5):
        chosen = choose_images(_faces(videos, 3), 6, seed)
        assert chosen["label"].tolist().count(0) == 3
        # three of two real videos: two of one of them; three of the fakes: two methods, three videos
        assert sorted(chosen.loc[chosen["label"] == 0, "video_id"].value_counts()) == [1, 2]
        assert chosen.loc[chosen["label"] == 1, "video_id"].is_unique
        assert set(chosen.loc[chosen["label"] == 1, "method"]) == {"A", "B"}


def test_same_seed_chooses_the_same_images() -> None:
    table = _faces({f"{kind}{n}": (label, kind) for kind, label in (("r", 0), ("f", 1)) for n in range(9)}, 4)
    assert choose_images(table, 6, 3).equals(choose_images(table, 6, 3))
    assert not choose_images(table, 6, 3).equals(choose_images(table, 6, 4))
    assert list(choose_images(table, 6, 3)) == list(table)


def test_test_side_without_reals_is_refused() -> None:
    with pytest.raises(InputError, match="the test side has no real face"):
        choose_images(_faces({"a": (1, "A")}, 3), 2, 3)


def test_every_attack_is_planned_with_every_epsilon() -> None:
    options = Adversarial(**SMALL | {"epsilons": (1, 2, 4, 8), "pgd_steps": (10, 20, 40)})
    planned = plan_attacks(options)
    names = [(attack.name, attack.epsilon) for attack in planned]
    bounded = ["FGSM", "PGD-10", "PGD-20", "PGD-40", "AutoPGD"]
    assert names[:-2] == [(name, size) for name in bounded for size in (1, 2, 4, 8)]
    assert names[-2:] == [("C&W-L2", None), ("unbounded PGD", 255)]


def test_epsilons_that_do_not_ascend_are_refused() -> None:
    with pytest.raises(ValueError, match=r"must ascend, each once, got \[4, 2\]"):
        Adversarial(**SMALL | {"epsilons": (4, 2)})


def _four_rows() -> pd.DataFrame:
    return pd.DataFrame({"label": [0, 0, 1, 1], "group": list("abcd"), "crop": list("abcd")})


def test_success_is_counted_among_what_was_right_and_accuracy_among_all() -> None:
    # the last fake was wrong before and is not attacked; one real of two and the other fake are turned around
    attacked = np.array([True, True, True, False])
    scores = {"rounded": np.array([0.1, 0.9, 0.2, 0.3]), "exact": np.array([0.6, 0.9, 0.2, 0.3])}
    change = np.zeros((4, 3, 2, 2), np.float32)
    change[:3, 0, 0, 0] = [1 / 255, 2 / 255, -3 / 255]
    judged = judge_attack(_four_rows(), scores, attacked, change, OPTIONS)
    assert judged["accuracy"]["value"] == 0.25
    assert (judged["real"], judged["fake"]) == (0.5, 0.0)
    assert judged["attacked"] == 3
    assert judged["success"] == pytest.approx(2 / 3)
    assert (judged["success_real"], judged["success_fake"]) == (0.5, 1.0)
    assert judged["accuracy_exact"] == 0.0
    assert judged["success_exact"] == 1.0
    # means over the three that were attacked; each changes one value, so that both norms are its size
    assert judged["linf"] == pytest.approx(2, abs=1e-4)
    assert judged["linf_largest"] == pytest.approx(3, abs=1e-4)
    assert judged["l2"] == pytest.approx(2 / 255, rel=1e-4)
    assert judged["no_interval"].startswith("too few groups")


def test_nothing_to_attack_is_undefined_and_not_zero() -> None:
    nobody, scores = np.zeros(4, dtype=bool), np.array([0.9, 0.9, 0.1, 0.1])
    judged = judge_attack(_four_rows(), {"rounded": scores, "exact": scores}, nobody, np.zeros((4, 3, 2, 2)), OPTIONS)
    assert judged["accuracy"]["value"] == 0.0
    assert {judged[name] for name in ("success", "success_real", "success_fake", "linf", "l2")} == {None}


def test_transfer_is_judged_on_what_was_attacked_and_its_success_on_what_both_detectors_had_right() -> None:
    # the source had the first three right and attacked them; the target had all but the third right, and has none of
    # the three right now: the last one, which nobody changed, is no merit
    attacked, right = np.array([True, True, True, False]), np.array([True, True, False, True])
    clean, scores = np.array([0.1, 0.1, 0.1, 0.9]), np.array([0.9, 0.9, 0.1, 0.9])
    shown = judge_transfer(_four_rows(), clean, scores, attacked, right, OPTIONS)
    assert shown["accuracy"]["value"] == 0
    assert shown["clean"]["accuracy"]["value"] == pytest.approx(2 / 3)
    assert (shown["attacked"], shown["both_right"], shown["success"]) == (3, 2, 1)
    nobody = judge_transfer(_four_rows(), clean, scores, np.zeros(4, dtype=bool), right, OPTIONS)
    assert (nobody["accuracy"]["value"], nobody["clean"]["accuracy"]["value"], nobody["success"]) == (None, None, None)


def test_section_and_figure_show_transferred_crops_with_their_own_clean_accuracy() -> None:
    def accuracy(value: float | None) -> dict[str, Any]:
        return {"accuracy": {"value": value, "low": None, "high": None}}

    about = {"attack": "fgsm", "name": "FGSM", "epsilon": 8, "linf": None, "l2": None}
    about |= dict.fromkeys(("success", "success_real", "success_fake", "success_exact"), 1.0)
    shown = {"source": "meso4", "run": "none", "attack": "fgsm", "epsilon": 8, "attacked": 3, "both_right": 2}
    results = [
        {
            "detector": name,
            "family": family,
            "split_hash": "h",
            "training": {f"{family} of demo on demo": "0123"},
            "confidence": 0.95,
            "images": {"count": 4, "real": 2, "fake": 2, "videos": 4, "groups": 4},
            "parameters": {"epsilons": [8], "seed": 3},
            "clean": [{"maps": "none"} | accuracy(0.75)],
            "rows": [{"maps": "none"} | about | accuracy(0.25)],
            "speed": [{"run": "none", "name": "FGSM", "epsilon": 8, "images_per_second": 1.0}],
            "sanity": [],
            "transferred": transferred,
        }
        for name, family, transferred in (
            ("Xception", "xception", [shown | {"success": 1.0, "clean": accuracy(2 / 3)} | accuracy(0.0)]),
            ("Meso-4", "meso4", [shown | {"source": "xception", "attacked": 0, "both_right": 0, "success": None}]),
        )
    ]
    results[1]["transferred"][0] |= {"clean": accuracy(None)} | accuracy(None)
    section = adversarial_section(results)
    assert list(section["trainings"]) == ["xception of demo on demo", "meso4 of demo on demo"]
    table = section["tables"][2]
    assert [row[3:] for row in table["rows"]] == [
        ["3", "67 %", "0 %", "100 % of 2"],
        ["0", "undefined", "undefined", "undefined of 0"],
    ]
    assert all(len(row) == len(table["columns"]) for row in table["rows"])
    panel = adversarial_curves(results, {}).axes[1]
    assert "shown crops of Meso-4" in panel.get_title()
    assert panel.lines[0].get_ydata().tolist() == pytest.approx([2 / 3, 0])
    assert "from_meso4.none.fgsm.eps_8.accuracy" in tracked(results[0])
    assert not [name for name in tracked(results[1]) if name.startswith("from_")]


def _result(curve: list[float], left: float, largest: float = 8.0) -> dict[str, Any]:
    about = {"maps": "none", "attack": "pgd_2", "name": "PGD-2"}
    rows = [
        about | {"epsilon": size, "accuracy": {"value": value}, "accuracy_exact": value, "linf_largest": largest}
        for size, value in zip((8, 16), curve, strict=True)
    ]
    at_will = {"attack": "unbounded", "name": "unbounded PGD", "epsilon": 255, "linf_largest": 255.0}
    rows.append(about | at_will | {"accuracy": {"value": left}, "accuracy_exact": left})
    return {"rows": rows, "clean": [{"maps": "none", "accuracy": {"value": 0.9}}]}


@pytest.mark.parametrize(
    ("result", "failing"),
    [
        (_result([0.5, 0.5], 0.0), []),
        (_result([0.5, 0.51], 0.0), [STRONGEST, ALONE]),
        (_result([0.95, 0.5], 0.0), [STRONGEST, ALONE]),
        (_result([0.5, 0.4], 0.06), ["unbounded PGD leaves at most 5 %"]),
        (_result([0.5, 0.4], 0.0, largest=8.01), ["no change is larger than ε"]),
    ],
)
def test_numbers_that_cannot_be_right_are_reported(result: dict[str, Any], failing: list[str]) -> None:
    checks = sanity_of(result)
    assert len(checks) == 4
    assert [check["rule"] for check in checks if not check["holds"]] == failing


def test_an_attack_that_passes_over_what_a_stronger_one_reaches_breaks_its_own_rule_alone() -> None:
    result = _result([0.5, 0.51], 0.0)
    result["rows"] += [row | {"name": "AutoPGD", "accuracy": {"value": 0.1}} for row in result["rows"][:2]]
    assert [check["rule"] for check in sanity_of(result) if not check["holds"]] == [ALONE]


@pytest.fixture(scope="module")
def project(tiny_project: Path, tmp_path_factory: pytest.TempPathFactory, run_kedro: Callable[..., Any]) -> Path:
    """Return a copy of the tiny project in which the protocol has run."""
    folder = tmp_path_factory.mktemp("attacked") / "project"
    shutil.copytree(tiny_project, folder, symlinks=True, ignore=shutil.ignore_patterns("mlflow.db"))
    run_kedro(folder, "adversarial", adversarial=SMALL)
    return folder


def _stored(project: Path, family: str) -> dict[str, Any]:
    return json.loads((project / f"data/07_model_output/tiny/{family}/adversarial.json").read_text())


def test_detectors_are_attacked_and_shown_each_others_crops(project: Path) -> None:
    scade_net, multistream = (_stored(project, family) for family in ("scade_net", "multistream"))
    assert {row["maps"] for row in scade_net["rows"]} == {"kept", "remade", "attacked"}
    assert {row["maps"] for row in multistream["rows"]} == {"none"}
    assert scade_net["images"] == multistream["images"]
    assert (scade_net["images"]["real"], scade_net["images"]["fake"]) == (2, 2)
    assert {(row["source"], row["run"]) for row in multistream["transferred"]} == {
        ("scade_net", "constant"),
        ("scade_net", "differentiable"),
    }
    assert {(row["source"], row["run"]) for row in scade_net["transferred"]} == {("multistream", "none")}
    for result, source in ((scade_net, multistream), (multistream, scade_net)):
        assert {row["attacked"] for row in result["transferred"]} == {row["attacked"] for row in source["rows"]}
        largest = [row["linf_largest"] for row in result["rows"] if row["epsilon"] == 8 and row["attacked"]]
        assert all(size <= 8.001 for size in largest)
        clean = {row["maps"]: row["accuracy"]["value"] for row in result["clean"]}
        assert all(
            row["attacked"] == round(4 * clean[row["maps"]]) for row in result["rows"] if row["maps"] != "remade"
        )


def test_clean_accuracy_is_that_of_the_scores_of_the_evaluation(project: Path) -> None:
    result, family = _stored(project, "scade_net"), "scade_net"
    scores = pd.read_parquet(project / f"data/07_model_output/tiny/{family}/face_scores.parquet").set_index("crop")
    with np.load(project / f"data/07_model_output/tiny/{family}/attacked.npz") as stored:
        rows = scores.loc[list(stored["crops"])]
        assert stored["constant/fgsm/8"].shape == (4, 256, 256, 3)
        assert np.abs(stored["constant/fgsm/8"]).max() <= 8
        # what was wrong before is left alone
        assert not stored["constant/fgsm/8"][~stored["right"]].any()
    right = (rows["score"] >= result["threshold"]) == (rows["label"] == 1)
    kept = next(row for row in result["clean"] if row["maps"] == "kept")
    assert kept["accuracy"]["value"] == right.mean()


def test_report_and_tracking_have_the_attacks(project: Path) -> None:
    section = json.loads((project / "data/08_reporting/tiny/sections/adversarial.json").read_text())
    assert len(section["tables"]) == 4
    assert all(len(row) == len(table["columns"]) for table in section["tables"] for row in table["rows"])
    assert (project / "data/08_reporting/tiny/figures/adversarial.png").stat().st_size > 10_000
    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    runs = client.search_runs([client.get_experiment_by_name("fakefocus").experiment_id])
    metrics = {run.data.tags["family"]: run.data.metrics for run in runs if "family" in run.data.tags}
    assert "adversarial.kept.pgd_2.eps_8.accuracy" in metrics["scade_net"]
    assert "adversarial.from_scade_net.constant.fgsm.eps_8.accuracy" in metrics["multistream"]


def test_scores_of_another_detector_stop_the_protocol(project: Path, run_kedro: Callable[..., Any]) -> None:
    file = project / "data/07_model_output/tiny/multistream/face_scores.parquet"
    scores = pd.read_parquet(file)
    scores.assign(score=(scores["score"] + 0.5) % 1).to_parquet(file)
    other = {**SMALL, "seed": 4}
    try:
        with pytest.raises(Exception, match=r"scores the test faces otherwise now.*kedro run --pipelines=evaluate"):
            run_kedro(project, "adversarial", namespaces=["multistream"], adversarial=SMALL)
        scores.head(3).to_parquet(file)
        with pytest.raises(Exception, match=r"has not scored 4 of 4 test faces.*kedro run --pipelines=evaluate"):
            run_kedro(project, "adversarial", namespaces=["multistream"], adversarial=SMALL)
        # one detector on other crops, and the other one's results of before
        scores.to_parquet(file)
        with pytest.raises(Exception, match=r"scade_net was attacked on other crops than multistream: run the whole"):
            run_kedro(project, "adversarial", namespaces=["multistream"], adversarial=other)
    finally:
        scores.to_parquet(file)
