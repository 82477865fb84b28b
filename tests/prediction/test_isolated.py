"""Files are answered in processes of their own: one that kills or keeps a process costs its own answer."""

import os
import signal
import time
from pathlib import Path

import pytest

from fakefocus.prediction import Options, Prediction, find_detector, isolated
from fakefocus.prediction.isolated import Isolated, seconds_for
from fakefocus.prediction.notes import note_of, unanswered


def ask(path: Path) -> Prediction:
    """Answer a file in another process, as its name says."""
    if path.stem == "kills":
        os.kill(os.getpid(), signal.SIGSEGV)
    if path.stem == "keeps":
        time.sleep(60)
    if path.stem == "swells":
        bytearray(7 * 2**30)
    detector, options = find_detector("scade_net"), Options()
    return unanswered(path, note_of(detector, options), options, "answered")


def test_a_file_that_kills_or_keeps_a_process_has_failed_and_the_others_are_answered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(isolated, "LEAST_SECONDS", 3.0)
    files = [tmp_path / f"{name}.mp4" for name in ("one", "kills", "two", "keeps", "swells", "three")]
    with Isolated(find_detector("scade_net"), Options(), ask=ask) as answers:
        reasons = {Path(one.file).stem: one.reason for one in answers(files)}
    assert {name for name, reason in reasons.items() if reason == "answered"} == {"one", "two", "three"}
    assert "brought the process down" in reasons["kills"]
    assert "not finished after 3 s" in reasons["keeps"]
    assert reasons["swells"] == "it takes more memory than any honest file needs"


def test_large_files_may_take_longer(tmp_path: Path) -> None:
    large = tmp_path / "large.mp4"
    with large.open("wb") as file:
        file.truncate(100 * 2**20)
    assert seconds_for(tmp_path / "missing.mp4") == 25
    assert seconds_for(large) == 225
