"""Two runs at once on one data set: one makes it, the other waits, and both end well."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path


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
    crops = list((project / "data/03_primary/tiny/face_crops").glob("*/*/about.json"))
    assert len(crops) == 4 * 4
    assert not list((project / "data").rglob("*.part"))
    assert not list((project / "data").rglob("*.holder"))
