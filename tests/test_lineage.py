"""The whole lineage, run once for real on twelve synthetic people: what a user finds afterwards."""

import base64
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient

from fakefocus.datasets.video_folders import VideoFolders
from fakefocus.hooks.plain_errors import RefusedInputError

FAMILIES = ("scade_net", "multistream")
METRICS = {"auc", "ap", "eer", "accuracy", "f1"}


def _metrics(project: Path, detector: str) -> dict:
    return _summary(project, detector)["metrics"]


def _summary(project: Path, detector: str) -> dict:
    return json.loads((project / f"data/07_model_output/tiny/{detector}/summary.json").read_text())


@pytest.fixture(scope="module")
def tracked(tiny_project: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{tiny_project}/mlflow.db")


def _children(client: MlflowClient) -> dict[str, mlflow.entities.Run]:
    runs = client.search_runs([client.get_experiment_by_name("fakefocus").experiment_id])
    return {run.data.tags["family"]: run for run in runs if "family" in run.data.tags}


@pytest.mark.parametrize("detector", [*FAMILIES, "scade_net.control", "multistream.control"])
def test_metrics_hold_value_and_interval_or_the_reason_for_none_for_videos_faces_and_methods(
    tiny_project: Path, detector: str
) -> None:
    metrics = _metrics(tiny_project, detector)
    assert {"video", "face", "by_method", "held_out"} <= set(metrics)
    assert set(metrics["by_method"]) == {"AutoencoderSwap", "GraphicsSwap", "PoissonSwap"}
    for judged in (metrics["video"], metrics["face"], metrics["held_out"], *metrics["by_method"].values()):
        assert set(judged) >= METRICS
        assert 0 <= judged["auc"]["value"] <= 1
        # twelve people are six groups, of which two are tested
        assert judged["auc"]["low"] is None
        assert judged["no_interval"] == "too few groups for an interval (2; at least 5 of each class)"


def test_reals_of_the_test_side_are_counted_once_per_comparison(tiny_project: Path) -> None:
    splits = pd.read_parquet(tiny_project / "data/05_model_input/tiny/splits.parquet")
    test = splits[splits["split"] == "test"]
    metrics = _metrics(tiny_project, "scade_net")
    assert metrics["video"]["real"] == (test["label"] == 0).sum()
    assert metrics["video"]["fake"] == test["method"].isin(["GraphicsSwap", "AutoencoderSwap"]).sum()
    assert metrics["held_out"]["fake"] == (test["method"] == "PoissonSwap").sum()


def test_held_out_method_is_in_no_training_or_validation_row(tiny_project: Path) -> None:
    samples = pd.read_parquet(tiny_project / "data/05_model_input/tiny/samples.parquet")
    assert set(samples.loc[samples["method"] == "PoissonSwap", "split"]) == {"test"}


def test_the_demo_leaks_nothing_and_its_files_give_no_label_away(tiny_project: Path) -> None:
    report = json.loads((tiny_project / "data/05_model_input/tiny/leakage_report.json").read_text())
    assert report["leaks"] == []
    assert [c["check"] for c in report["checks"]][-1] == "near-duplicate faces"
    assert not any(c["findings"] for c in report["checks"])
    assert report["shortcut"]["auc"]["low"] <= 0.5
    page = (tiny_project / "data/08_reporting/tiny/report.html").read_text()
    assert "Leakage audit" in page
    assert "not above chance" in page


def test_every_video_is_on_a_side_or_in_quarantine_with_its_reason(tiny_project: Path) -> None:
    videos = pd.read_parquet(tiny_project / "data/02_intermediate/tiny/videos.parquet")
    told = json.loads((tiny_project / "data/05_model_input/tiny/splits.json").read_text())
    listed = [*told["train"], *told["val"], *told["test"], *told["quarantine"]]
    assert sorted(listed) == sorted(("fake/" if r.label else "real/") + r.video_id for r in videos.itertuples())
    assert set(told["quarantine"].values()) == {"method held out of training and validation"}
    assert told["strategy"] == "identity"


def test_control_labels_say_nothing_of_the_true_ones(tiny_project: Path) -> None:
    folder = tiny_project / "data/05_model_input/tiny"
    true, shuffled = (pd.read_parquet(folder / f"{n}.parquet") for n in ("samples", "scade_net.control_samples"))
    learned = true["split"] != "test"
    assert (true.loc[~learned, "label"] == shuffled.loc[~learned, "label"]).all()
    assert shuffled.groupby("video_id")["label"].nunique().max() == 1
    shares = shuffled[learned].groupby(true.loc[learned, "label"])["label"].mean()
    # as large a share of the reals as of the fakes is called fake, up to one video a stratum
    assert abs(shares[0] - shares[1]) < 0.15


def test_crops_and_maps_lie_in_the_published_layout(tiny_project: Path) -> None:
    crops = VideoFolders(filepath=str(tiny_project / "data/03_primary/tiny/face_crops"), suffix=".jpg").load()
    maps = VideoFolders(filepath=str(tiny_project / "data/04_feature/tiny/defocus_maps"), suffix=".npy").load()
    assert len(crops) == 12 * 4
    assert set(crops) == set(maps)
    key = "fake/tiny-GraphicsSwap-c23-" + next(k for k in crops if "GraphicsSwap" in k).rsplit("-", 1)[1]
    assert crops[key].names == maps[key].names == ["frame_000000", "frame_000004", "frame_000008"]
    assert crops[key].read("frame_000004").shape == (256, 256, 3)
    assert maps[key].read("frame_000004").shape == (256, 256)


def test_report_is_one_file_that_shows_what_metrics_say(tiny_project: Path) -> None:
    page = (tiny_project / "data/08_reporting/tiny/report.html").read_text()
    without_plotly = re.sub("<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.findall(r'(?:src|href)="(?!data:|#)', without_plotly)
    for family in FAMILIES:
        judged = _metrics(tiny_project, family)["video"]
        assert f"{judged['auc']['value']:.3f}<br><small>{judged['no_interval']}</small>" in page
    for text in ("says nothing about real deepfakes", "Negative control", "PoissonSwap (not trained on)"):
        assert text in page
    assert page.count("data:image/webp;base64,") == 8


def test_each_detector_has_a_child_run_with_parameters_metrics_and_tags(
    tiny_project: Path, tracked: MlflowClient
) -> None:
    children = _children(tracked)
    controls = {f"{family}.{kind}" for family in FAMILIES for kind in ("control", "untrained")}
    assert set(children) == {*FAMILIES, *controls}
    assert {run.data.tags["mlflow.parentRunId"] for run in children.values()} == {
        children["scade_net"].data.tags["mlflow.parentRunId"]
    }
    for family in FAMILIES:
        run = children[family]
        assert run.info.status == "FINISHED"
        assert run.data.params[f"{family}.training.epochs"] == "2"
        assert re.fullmatch(r"[0-9a-f]{40}(\+changes)?|unknown.*", run.data.tags["git_commit"])
        assert len(run.data.tags["data_fingerprint"]) == len(run.data.tags["split_hash"]) == 16
        judged = _metrics(tiny_project, family)["video"]
        assert run.data.metrics["test.video.auc"] == judged["auc"]["value"]
        assert "test.video.auc_low" not in run.data.metrics  # of too few groups
        assert run.data.metrics["test.video.f1"] == judged["f1"]["value"]
        epochs = tracked.get_metric_history(run.info.run_id, "val.video_auc")
        assert [m.step for m in epochs] == [0, 1]
    assert children["scade_net"].data.tags["split_hash"] == children["multistream"].data.tags["split_hash"]


def test_tracked_model_gives_the_scores_of_the_evaluation(tiny_project: Path, tracked: MlflowClient) -> None:
    run = _children(tracked)["scade_net"]
    mlflow.set_tracking_uri(f"sqlite:///{tiny_project}/mlflow.db")
    (logged,) = tracked.search_logged_models(
        [run.info.experiment_id], filter_string=f"source_run_id='{run.info.run_id}'"
    )
    model = mlflow.pyfunc.load_model(logged.model_uri)
    scores = pd.read_parquet(tiny_project / "data/07_model_output/tiny/scade_net/video_scores.parquet").head(3)
    paths = pd.read_parquet(tiny_project / "data/02_intermediate/tiny/videos.parquet").set_index("video_id")["path"]
    clips = [(tiny_project / paths[video]).read_bytes() for video in scores["video_id"]]
    answers = model.predict(pd.DataFrame({"content": [base64.b64encode(clip).decode() for clip in clips]}))
    model.unwrap_python_model().close()
    assert answers["score"].astype(float).to_numpy() == pytest.approx(scores["score"].to_numpy(), abs=1e-4)


def test_figures_are_with_the_run(tracked: MlflowClient) -> None:
    for name, run in _children(tracked).items():
        own = [Path(f.path).name for f in tracked.list_artifacts(run.info.run_id, "figures")]
        # one that was not trained has no curves to show
        assert own == ([] if name.endswith(".untrained") else [f"{name}.overview_figure.png"])
    parent = _children(tracked)["scade_net"].data.tags["mlflow.parentRunId"]
    names = {Path(f.path).name for f in tracked.list_artifacts(parent, "figures")}
    assert {"roc_figure.png", "curves_figure.png", "samples_figure.png"} <= names


def test_runs_are_found_by_what_they_are_of(tiny_project: Path, tracked: MlflowClient) -> None:
    children = _children(tracked)
    assert {run.info.run_name for run in children.values()} == {f"tiny: {name}" for name in children}
    parent = tracked.get_run(children["scade_net"].data.tags["mlflow.parentRunId"])
    assert (parent.info.run_name, parent.info.status) == ("tiny: all stages", "FINISHED")
    aucs = {family: _metrics(tiny_project, family)["video"]["auc"]["value"] for family in FAMILIES}
    assert parent.data.metrics["best.test.video.auc"] == max(aucs.values())
    assert aucs[parent.data.tags["best_detector"]] == max(aucs.values())
    assert {entry.dataset.name for entry in parent.inputs.dataset_inputs} == {"tiny"}
    artifacts = {file.path for folder in ("", "tables") for file in tracked.list_artifacts(parent.info.run_id, folder)}
    assert {"report.html", "tables/results.csv", "tables/results.tex"} <= artifacts


def test_runs_name_their_data_by_side(tracked: MlflowClient) -> None:
    seen = {}
    for name, run in _children(tracked).items():
        sides = {entry.tags[0].value: entry.dataset for entry in run.inputs.dataset_inputs}
        assert {side: data.name for side, data in sides.items()} == dict.fromkeys(("test", "train", "val"), "tiny")
        seen[name] = {side: data.digest for side, data in sides.items()}
    assert seen["scade_net"] == seen["multistream"]
    assert len(set(seen["scade_net"].values())) == 3


def test_a_second_run_reuses_finished_videos_and_repeats_the_numbers(
    tiny_project: Path, make_project: Callable[[str], Path], run_kedro: Callable[..., dict]
) -> None:
    # the same seed in another folder, from nothing: same corpus, crops, splits and metrics
    other = make_project("again")
    run_kedro(other, "ingestion", "preprocessing", "defocus", "feature_split")
    crops = sorted((tiny_project / "data/03_primary/tiny/face_crops").rglob("*.jpg"))
    assert crops
    for crop in crops:
        assert crop.read_bytes() == (other / crop.relative_to(tiny_project)).read_bytes()
    read = [(p / "data/05_model_input/tiny/splits.json").read_text() for p in (tiny_project, other)]
    assert read[0] == read[1]
    made = {p: p.stat().st_mtime_ns for p in (other / "data").rglob("about.json")}
    run_kedro(other, "preprocessing", "defocus")
    assert made == {p: p.stat().st_mtime_ns for p in (other / "data").rglob("about.json")}
    run_kedro(other, "training", "evaluation")
    for detector in FAMILIES:
        assert _metrics(other, detector) == _metrics(tiny_project, detector)


def test_detectors_of_one_data_set_are_judged_on_another_with_all_that_it_names(
    tiny_project: Path, tmp_path: Path, run_kedro: Callable[..., dict], faceless_clip: Path
) -> None:
    # others look at what this would change
    tiny_project = Path(shutil.copytree(tiny_project, tmp_path / "project", symlinks=True))
    kept = {p: p.stat().st_mtime_ns for p in (tiny_project / "data/06_models").rglob("*") if p.is_file()}
    stages = ("ingestion", "preprocessing", "defocus", "feature_split")
    options = {"dataset": "other", "feature_split": {"strategy": "test_only"}, "experiment": "other"}
    shutil.copytree(tiny_project / "data/01_raw/tiny", tiny_project / "data/01_raw/other")
    clips = tiny_project / "data/01_raw/other/original_sequences/youtube/c23/videos"
    shutil.copy(faceless_clip, clips / "900.mp4")
    (clips / "901.mp4").write_bytes((clips / "000.mp4").read_bytes()[:2000])
    run_kedro(tiny_project, *stages, **options)
    # the same twelve people under other names: their files are known
    with pytest.raises(RefusedInputError, match=r"\d+ of 48 test videos were trained on"):
        run_kedro(tiny_project, "evaluation", "reporting", trained_on="tiny", **options)
    # a clip without a face and one that is cut off belong to the test side: all is written, and the run fails
    with pytest.raises(
        RefusedInputError, match=r"evaluation\.min_coverage: .*48 of 50 test videos have a score \(96\.0%"
    ):
        run_kedro(tiny_project, "evaluation", "reporting", trained_on="tiny", evaluation={"seen": "allow"}, **options)
    for family in FAMILIES:
        folder = tiny_project / f"data/07_model_output/tiny-on-other/{family}"
        summary = json.loads((folder / "summary.json").read_text())
        assert summary["metrics"]["video"]["real"] > 0
        assert (summary["coverage"]["named"], summary["coverage"]["no_face"], summary["coverage"]["error"]) == (
            50,
            1,
            1,
        )
        # its validation videos are those of its own experiment
        assert summary["calibration"]["own"] is False
        scores = pd.read_parquet(folder / "video_scores.parquet")
        assert scores.loc[scores["status"] == "error", "reason"].str.contains("truncated").all()
    page = (tiny_project / "data/08_reporting/tiny-on-other/report.html").read_text()
    assert "Data set <code>other</code>" in page
    assert "SCADE-Net scored 48 of 50 test videos" in page
    assert ">tiny, AutoencoderSwap, GraphicsSwap</td>" in page
    assert kept == {p: p.stat().st_mtime_ns for p in (tiny_project / "data/06_models").rglob("*") if p.is_file()}
    client = MlflowClient(f"sqlite:///{tiny_project}/mlflow.db")
    newest, refused, *_ = [
        run
        for run in client.search_runs([client.get_experiment_by_name("fakefocus").experiment_id])
        if run.info.run_name == "other: evaluation, reporting"
    ]
    # what was judged too little of was written whole; what was refused was not
    assert (newest.info.status, refused.info.status) == ("FINISHED", "FAILED")
