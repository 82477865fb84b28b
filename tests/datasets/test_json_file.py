"""What JSON cannot hold, and what another version of the project wrote."""

import json
from pathlib import Path

import numpy as np
import pytest

from fakefocus.datasets.experiments import StoredExperiments
from fakefocus.datasets.json_file import JsonFile
from fakefocus.errors import InputError
from fakefocus.schemas import SUMMARY_KEYS, SUMMARY_VERSION


def test_what_is_undefined_is_null_and_not_a_word_that_json_lacks(tmp_path: Path) -> None:
    file = JsonFile(filepath=str(tmp_path / "a.json"))
    file.save({"auc": float("nan"), "rows": [{"score": np.float64("nan")}, (1.0, float("nan"))]})
    assert json.loads((tmp_path / "a.json").read_text(), parse_constant=pytest.fail) == {
        "auc": None,
        "rows": [{"score": None}, [1.0, None]],
    }


def test_summary_of_another_version_is_not_compared(tmp_path: Path) -> None:
    folder = tmp_path / "07_model_output/here/scade_net"
    folder.mkdir(parents=True)
    stored = StoredExperiments(tmp_path)
    for version in (SUMMARY_VERSION, SUMMARY_VERSION - 1):
        (folder / "summary.json").write_text(json.dumps(dict.fromkeys(SUMMARY_KEYS, 0) | {"version": version}))
        if version == SUMMARY_VERSION:
            assert stored.summary("here", "here", "scade_net")["version"] == version
    with pytest.raises(InputError, match=f"is of version {SUMMARY_VERSION - 1}, not {SUMMARY_VERSION}: judge"):
        stored.summary("here", "here", "scade_net")
