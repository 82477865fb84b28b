"""Two runs at once on one data set: one makes it, the other waits, and both end well."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from mlflow import MlflowClient

from fakefocus.datasets.video_folders import VideoFolders

TABLES = ("02_intermediate/tiny/videos", "03_primary/tiny/faces", "04_feature/tiny/defocus_statistics")


def test_two_runs_that_make_the_same_data_set_both_end_well(
    make_project: Callable[[str], Path], empty_store: Path
) -> None:
    project = make_project("two_runs")
    catalog = project / "conf/test/catalog.yml"
    catalog.write_text(catalog.read_text().replace("people: 12, frames: 12", "people: 4, frames: 8"))
    script = str(Path(__file__).with_name("run_project.py"))
    runs = []
    for number in range(2):
        shutil.copy(empty_store, project / f"{number}.db")
        store = {"MLFLOW_TRACKING_URI": f"sqlite:///{project}/{number}.db"}
        command = [sys.executable, script, str(project), "data", json.dumps({})]
        runs.append(subprocess.Popen(command, env=os.environ | store, stderr=subprocess.PIPE, text=True))
        time.sleep(1.0)
    texts = [run.communicate(timeout=180)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], texts
    assert "Traceback" not in "".join(texts)
    # whoever came second at a folder says whom it waits for
    waited = [f"is being made by process {runs[1 - number].pid} on" in text for number, text in enumerate(texts)]
    assert any(waited), texts
    # four people, a clip and three fakes each: whoever made them, all are there and whole
    data = project / "data"
    videos, faces, statistics = (pd.read_parquet(data / f"{name}.parquet") for name in TABLES)
    assert videos["video_id"].nunique() == len(videos) == 4 * 4
    assert set(faces["video_id"]) == set(statistics["video_id"]) == set(videos["video_id"])
    crops = VideoFolders(filepath=str(data / "03_primary/tiny/face_crops"), suffix=".jpg").load()
    maps = VideoFolders(filepath=str(data / "04_feature/tiny/defocus_maps"), suffix=".npy").load()
    assert len(crops) == 4 * 4
    assert {key: folder.names for key, folder in crops.items()} == {key: folder.names for key, folder in maps.items()}
    assert sum(len(folder.names) for folder in crops.values()) == faces["found"].sum() == len(statistics)
    for key, folder in crops.items():
        for name in folder.names:
            assert folder.read(name).shape[:2] == maps[key].read(name).shape
    assert not list(data.rglob("*.part"))
    assert not list(data.rglob("*.holder"))
    # each has a run of its own, which ended
    for number in range(2):
        client = MlflowClient(f"sqlite:///{project}/{number}.db")
        runs = client.search_runs([client.get_experiment_by_name("fakefocus").experiment_id])
        assert [(run.info.run_name, run.info.status) for run in runs] == [("tiny: data", "FINISHED")]
