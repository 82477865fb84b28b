"""Files are answered in processes of their own: one that kills or keeps a process costs its own answer."""

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from fakefocus.prediction import Options, Prediction, find_detector, isolated
from fakefocus.prediction.isolated import Isolated, seconds_for
from fakefocus.prediction.notes import note_of, unanswered

pytestmark = pytest.mark.slow

OPTIONS = Options()


def ask(path: Path, options: Options) -> Prediction:
    """Answer a file in another process, as its name says."""
    if path.stem == "kills":
        os.kill(os.getpid(), signal.SIGSEGV)
    if path.stem == "keeps":
        time.sleep(60)
    if path.stem == "swells":
        bytearray(7 * 2**30)
    if path.stem == "fails":
        raise OSError(28, "No space left on device")
    return unanswered(path, note_of(find_detector("scade_net"), options), options, f"answered by {os.getpid()}")


def _reasons(answers: Isolated, *names: str) -> dict[str, str]:
    files = [Path(f"/nowhere/{name}.mp4") for name in names]
    return {Path(one.file).stem: one.reason for one in answers(files, OPTIONS)}


def test_a_file_that_kills_or_keeps_a_process_has_failed_and_the_others_are_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(isolated, "LEAST_SECONDS", 3.0)
    with Isolated(find_detector("scade_net"), ask=ask) as answers:
        reasons = _reasons(answers, "one", "kills", "two", "keeps", "swells", "fails", "three")
    answered = {name for name, reason in reasons.items() if reason.startswith("answered")}
    assert answered == {"one", "two", "three"}
    assert "brought the process down" in reasons["kills"]
    assert "not finished after 3 s" in reasons["keeps"]
    assert reasons["swells"] == "it takes more memory than any honest file needs"
    assert reasons["fails"].startswith("OSError: [Errno 28] No space left on device")


def test_an_idle_process_that_is_killed_is_replaced() -> None:
    with Isolated(find_detector("scade_net"), ask=ask) as answers:
        (first,) = _reasons(answers, "one").values()
        process = psutil.Process(int(first.rpartition(" ")[2]))
        process.kill()
        psutil.wait_procs([process], timeout=10)
        time.sleep(1)
        (second,) = _reasons(answers, "two").values()
    assert second.startswith("answered")
    assert second != first


def test_large_files_and_many_frames_may_take_longer(tmp_path: Path) -> None:
    large = tmp_path / "large.mp4"
    with large.open("wb") as file:
        file.truncate(100 * 2**20)
    assert seconds_for(tmp_path / "missing.mp4", OPTIONS) == 25
    # 25, two a megabyte and one a frame
    assert seconds_for(large, OPTIONS) == 25 + 200 + 100
    small = tmp_path / "small.mp4"
    small.write_bytes(bytes(20_000))
    assert seconds_for(small, OPTIONS) < 28, "a small file that hangs is known soon"
