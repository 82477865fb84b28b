"""The explanation of detectors: altered places are where they were altered, and every number is of its faces."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

from fakefocus.extraction import cut_face
from fakefocus.imaging.frames import read_frames
from fakefocus.parameters import Preprocessing
from fakefocus.pipelines.explanation.choosing import middle_faces, spread_faces, surest_videos, worst_videos
from fakefocus.pipelines.explanation.figures import embedding_sheet, mistake_sheet
from fakefocus.pipelines.explanation.interactive import embeddings
from fakefocus.pipelines.explanation.truth import BLENDS, as_seen, blends_of, masks_in_crops

SMALL = {"faces": 6, "gallery": 1, "deletion_faces": 4, "steps": 2, "embedded_faces": 24, "perplexity": 5}


@pytest.fixture(scope="module")
def project(tiny_project: Path, tmp_path_factory: pytest.TempPathFactory, run_kedro: Callable[..., Any]) -> Path:
    """Return a copy of the project whose detectors were explained, and its report written anew."""
    folder = tmp_path_factory.mktemp("explained") / "project"
    shutil.copytree(tiny_project, folder, symlinks=True, ignore=shutil.ignore_patterns("mlflow.db"))
    run_kedro(folder, "explanation", explanation=SMALL)
    run_kedro(folder, "report")
    return folder


def _result(project: Path, family: str) -> dict[str, Any]:
    return json.loads((project / f"data/07_model_output/tiny/{family}/explanation.json").read_text())


def test_masks_lie_where_a_fake_differs_from_its_original(project: Path) -> None:
    data = project / "data"
    samples = pd.read_parquet(data / "05_model_input/tiny/samples.parquet").drop(columns="landmarks")
    faces = pd.read_parquet(data / "03_primary/tiny/faces.parquet").drop(columns="crop")
    rows = samples.merge(faces, on=["video_id", "frame", "track"]).set_index("crop")
    paths = pd.read_parquet(data / "02_intermediate/tiny/videos.parquet").set_index("video_id")["path"]
    options = _options(data)
    with np.load(data / "05_model_input/tiny/altered_masks.npz") as stored:
        masks = dict(zip(stored["crops"], stored["masks"].astype(bool), strict=True))
    assert len(masks) == SMALL["faces"]
    for crop, mask in masks.items():
        row = rows.loc[crop]
        assert (row["split"], row["label"]) == ("test", 1)
        box = row[["x1", "y1", "x2", "y2"]].to_numpy(float)
        marks = np.array(json.loads(row["landmarks"]))
        # the same place of the same frame of both clips
        fake, real = (
            cut_face(_frame(paths[video], row["frame"]), box, marks, options)[0].astype(float)
            for video in (row["video_id"], row["original"])
        )
        change = np.abs(fake - real).mean(2)
        assert 0.05 < mask.mean() < 0.6
        assert change[mask].mean() > 4 * change[~mask].mean(), crop


def _frame(path: str, number: int) -> np.ndarray:
    return next(read_frames(Path(path), lambda _: [number])).image


def _options(data: Path) -> Preprocessing:
    about = json.loads(next((data / "03_primary/tiny/face_crops").rglob("about.json")).read_text())
    return Preprocessing(**about["made_with"]["preprocessing"])


def test_heat_maps_are_measured_by_part_method_and_kind_of_truth(project: Path) -> None:
    scade, streams = _result(project, "scade_net"), _result(project, "multistream")
    assert set(scade["localised"]) == {"masked", "self_blended", "regional"}
    assert [row["method"] for row in scade["localised"]["masked"]] == [
        "centre",
        "grad_cam",
        "grad_cam_plus_plus",
        "hires_cam",
    ]
    parts = {(row["part"], row["method"]) for row in streams["localised"]["regional"]}
    assert {("spatial", "hires_cam"), ("spectral", "grad_cam"), ("semantic", "rollout")} <= parts
    assert ("spatial", "rollout") not in parts
    for row in scade["localised"]["regional"]:
        assert row["faces"] == 4, "one of each real test video"
        assert 0 <= row["hit"]["value"] <= 1
    assert scade["map_use"]["changed"][0]["maps"] == "map of another person"
    assert streams["map_use"] is None
    assert {row["faces"] for row in scade["faithful"]} == {SMALL["deletion_faces"]}
    assert scade["tracked"]["masked.centre.hit"] == scade["localised"]["masked"][0]["hit"]["value"]


def test_report_shows_every_picture_and_no_longer_asks_for_the_command(project: Path) -> None:
    page = (project / "data/08_reporting/tiny/report.html").read_text()
    assert "--pipelines=explanation</code>" not in page
    assert "--pipelines=robustness</code>" in page
    assert '<h2 id="explanation">What the detectors look at</h2>' in page
    for family in ("scade_net", "multistream"):
        for name in ("heat", "inside", "embeddings", "mistakes", "over_time"):
            assert (project / f"data/08_reporting/tiny/figures/{family}.{name}.png").is_file()
        assert f'id="figure-{family}.embeddings"' in page
    for title in ("SCADE-Net: its worst mistakes", "Multi-stream: where it looks", "What the defocus map is worth"):
        assert title in page


def test_inside_shows_the_parts_that_a_network_has(project: Path) -> None:
    with np.load(project / "data/07_model_output/tiny/scade_net/inside.npz") as scade:
        assert {"kernels", "responses", "distance", "tsne"} <= set(scade.files)
        assert "streams" not in scade.files
        assert len(scade["crop"]) == len(set(scade["crop"])) <= SMALL["embedded_faces"]
    with np.load(project / "data/07_model_output/tiny/multistream/inside.npz") as streams:
        assert {"factors", "bands", "spectra", "attention", "shares"} <= set(streams.files)
        np.testing.assert_allclose(streams["attention"].sum(2), 1, atol=1e-5)
        np.testing.assert_allclose(streams["shares"].sum(1), 1, atol=1e-5)


def _faces(videos: int, frames: int) -> pd.DataFrame:
    rows = [
        {"video_id": f"v{v}", "track": 0, "frame": f, "crop": f"v{v}/{f}", "method": ("", "A", "B")[v % 3]}
        for v in range(videos)
        for f in range(frames)
    ]
    return pd.DataFrame(rows)


def test_one_middle_face_a_video_of_each_method_in_turn() -> None:
    chosen = middle_faces(_faces(9, 5), 3)
    assert chosen["frame"].tolist() == [2, 2, 2]
    assert middle_faces(_faces(9, 5), 99)["method"].tolist() == ["", "A", "B"] * 3


def test_faces_are_spread_over_videos_and_over_their_frames() -> None:
    chosen = spread_faces(_faces(3, 10), 7)
    assert chosen.groupby("video_id").size().tolist() == [2, 2, 2]
    assert chosen.loc[chosen["video_id"] == "v0", "frame"].tolist() == [4, 9]


def test_worst_and_surest_are_on_their_sides_of_the_threshold() -> None:
    videos = pd.DataFrame({"video_id": list("abcd"), "label": [0, 0, 1, 1], "score": [0.9, 0.2, 0.1, None]})
    assert worst_videos(videos, 0.5, 0, 5)["video_id"].tolist() == ["a"]
    assert surest_videos(videos, 0.5, 0, 5)["video_id"].tolist() == ["b"]
    assert worst_videos(videos, 0.5, 1, 5)["video_id"].tolist() == ["c"]
    assert surest_videos(videos, 0.5, 1, 5).empty


def test_a_mask_of_another_size_is_left_out_and_said(
    project: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = project / "data"
    videos = pd.read_parquet(data / "02_intermediate/tiny/videos.parquet")
    fake = videos[videos["mask_path"] != ""].iloc[0]
    row = {"crop": "c", "frame": 0, "mask_path": fake["mask_path"], "width": 17, "height": 9, "landmarks": ""}
    row |= {"x1": 1.0, "y1": 1.0, "x2": 5.0, "y2": 5.0}
    options = _options(data)
    assert masks_in_crops(pd.DataFrame([row]), options) == {}
    assert "no frame 0 of the size of its video" in caplog.text
    broken = tmp_path / "mask.mp4"
    broken.write_bytes(b"no film")
    assert masks_in_crops(pd.DataFrame([row | {"mask_path": str(broken)}]), options) == {}
    assert "its fake is not compared with heat maps" in caplog.text


@pytest.mark.parametrize("kind", BLENDS)
def test_blends_differ_from_their_face_inside_their_mask_alone(kind: str) -> None:
    rng = np.random.default_rng(3)
    face = cv2.resize(rng.integers(0, 255, (40, 40, 3), dtype=np.uint8), (256, 256))
    marks = json.dumps([[93, 118], [161, 118], [127, 156], [96, 186], [159, 186]])
    *blends, none = blends_of([face] * 13, [marks] * 12 + [""], kind, seed=3)
    assert none is None
    for blend in blends:
        change = np.abs(blend.picture.astype(float) - face).mean(2)
        far = cv2.dilate(blend.mask.astype(np.uint8), np.ones((61, 61))) == 0
        assert change[far].max() == 0, "around the mask nothing is altered"
        assert change[blend.mask].mean() > 1


def test_any_number_of_methods_and_any_name_can_be_drawn(tmp_path: Path) -> None:
    count = 100
    methods = np.array([f"m{n} $5 and $x_" for n in range(count)])
    inside = {
        "method": methods,
        "group": methods,
        "crop": methods,
        "score": np.linspace(0, 1, count),
        "label": np.ones(count, int),
        "pca": np.random.default_rng(0).random((count, 2)),
        "tsne": np.random.default_rng(1).random((count, 2)),
        "explained": np.array([0.5, 0.2]),
    }
    embedding_sheet(inside, 0.5).savefig(tmp_path / "a.png")
    assert sum(len(trace.x) for trace in embeddings(inside).data) == count
    video = {"video_id": "price_$5_and_$6", "label": 0, "score": 0.9, "method": "$"}
    picture = np.zeros((8, 8, 3), np.uint8)
    mistake_sheet([(video, 0.9, 3, picture)], {0: (1, 1), 1: (0, 0)}, 0.5).savefig(tmp_path / "b.png")


@pytest.mark.parametrize("only", [0, 1])
def test_a_test_side_of_one_label_is_explained(
    project: Path, tmp_path: Path, run_kedro: Callable[..., Any], only: int
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(project, folder, symlinks=True, ignore=shutil.ignore_patterns("mlflow.db"))
    file = folder / "data/05_model_input/tiny/samples.parquet"
    samples = pd.read_parquet(file)
    samples[(samples["split"] != "test") | (samples["label"] == only)].to_parquet(file)
    videos = folder / "data/02_intermediate/tiny/videos.parquet"
    pd.read_parquet(videos).assign(mask_path="").to_parquet(videos)
    nodes = [f"scade_net.{name}" for name in ("explain_faces", "draw_heat", "look_inside", "draw_inside")]
    run_kedro(folder, "explanation", node_names=["locate_alterations", *nodes], explanation=SMALL)
    result = _result(folder, "scade_net")
    assert set(result["localised"]) == (set() if only else set(BLENDS))
    assert result["asked"] == ("fake" if only else "self_blended")
    assert result["map_use"]["auc"] is None
    assert "NaN" not in (folder / "data/07_model_output/tiny/scade_net/explanation.json").read_text()


def test_a_mask_is_seen_as_the_network_sees_its_face() -> None:
    mask = np.zeros((8, 8), bool)
    mask[2:4, 2:4] = True
    # the middle 4 x 4 at twice its size
    assert np.argwhere(as_seen(mask, 4, 8)).tolist() == [[r, c] for r in range(4) for c in range(4)]
