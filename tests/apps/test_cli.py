"""The command: answers, exit codes, messages."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
import skimage.data

from fakefocus.prediction.detectors import find_detector

ROOT = Path(__file__).resolve().parents[2]
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def fakefocus(tmp_path_factory: pytest.TempPathFactory) -> Command:
    folder = tmp_path_factory.mktemp("elsewhere")
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "COLUMNS": "100"}

    def run(*arguments: str | Path, asked: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from fakefocus.apps.cli import main; main()", *map(str, arguments)]
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False, input=asked
        )

    return run


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory, face_clip: Path) -> Path:
    folder = tmp_path_factory.mktemp("media")
    shutil.copy(face_clip, folder / "clip.mp4")
    cv2.imwrite(str(folder / "portrait.png"), skimage.data.astronaut()[..., ::-1])
    (folder / "text.mp4").write_text("not a video")
    return folder


def test_one_file_is_answered_in_sentences(fakefocus: Command, media: Path) -> None:
    done = fakefocus("predict", media / "portrait.png", "--model", "scade_net")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(media / "portrait.png"))
    assert "fake from" in done.stdout
    assert "person 0:" in done.stdout
    assert "no C2PA manifest, which says nothing" in done.stdout
    assert done.stderr == ""


def test_a_folder_with_a_bad_file_answers_the_others_and_says_so(
    fakefocus: Command, media: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results.json"
    done = fakefocus("predict", media, "--model", "scade_net", "--output", results, "--every", 4)
    assert done.returncode == 1
    answers = {Path(one["file"]).name: one for one in json.loads(results.read_text())}
    assert {name: one["status"] for name, one in answers.items()} == {
        "clip.mp4": "scored",
        "portrait.png": "scored",
        "text.mp4": "failed",
    }
    again = fakefocus("predict", media, "--model", "scade_net", "--output", results, "--every", 4)
    assert again.returncode == 2
    assert "go on with it by --resume" in again.stderr
    resumed = fakefocus("predict", media, "--model", "scade_net", "--output", results, "--every", 4, "--resume")
    assert "2 of 3 files were answered before" in resumed.stderr
    assert len(json.loads(results.read_text())) == 3


def test_a_question_that_cannot_be_asked_costs_no_earlier_answer(
    fakefocus: Command, media: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results.ndjson"
    fakefocus("predict", media / "clip.mp4", "--model", "scade_net", "--output", results, "--every", 4)
    before = results.read_text()
    broken = tmp_path / "broken"
    shutil.copytree(ROOT / "src/fakefocus/weights/scade_net", broken)
    (broken / "weights.safetensors").write_bytes(b"no weights")
    done = fakefocus("predict", media / "clip.mp4", "--model", broken, "--output", results, "--resume")
    assert done.returncode == 2
    assert "no safetensors file" in done.stderr
    assert results.read_text() == before


def test_a_list_comes_in_and_lines_of_json_go_out(fakefocus: Command, media: Path) -> None:
    done = fakefocus(
        "predict", "-", "--model", "scade_net", "--output", "-", asked=f"{media}/portrait.png\r\n\n{media}/clip.mp4\n"
    )
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert {Path(one["file"]).name for one in answers} == {"portrait.png", "clip.mp4"}


def test_dry_run_asks_nothing(fakefocus: Command, media: Path) -> None:
    done = fakefocus("predict", media, "--dry-run", "--workers", 8)
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 files" in done.stdout
    assert "3 at a time, by lite" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("predict", "nothere.mp4"), "nothere.mp4: no such file or folder"),
        (("predit", "clip.mp4"), "no command 'predit', did you mean 'predict'?"),
        (("predict", ".", "--model", "scade"), "nothing is called 'scade', did you mean 'scade_net'?"),
        (("predict",), "Missing argument 'PATH...'"),
        (("predict", "x.mp4", "--resume"), "--resume goes on with a file"),
    ],
)
def test_a_wrong_command_is_one_message(
    fakefocus: Command, arguments: tuple[str, ...], message: str, media: Path
) -> None:
    done = fakefocus(*(media if part == "." else part for part in arguments))
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_models_lists_what_comes_with_the_package_and_shows_a_card(fakefocus: Command) -> None:
    listed = fakefocus("models")
    assert {line.split()[0] for line in listed.stdout.splitlines()[1:]} == {"lite", "scade_net"}
    assert "(recommended)" in listed.stdout
    # with an interval, of the videos of the test side at c23
    assert re.search(r"lite .* 0\.\d{3} \[0\.\d{3}, 0\.\d{3}\]", listed.stdout)
    assert fakefocus("models", "scade_net").stdout.startswith("# SCADE-Net, trained on portraits")


def test_doctor_finds_the_weights_whole(fakefocus: Command) -> None:
    done = fakefocus("doctor")
    # ports and room are this computer's; nothing else may be amiss
    amiss = [line for line in done.stdout.splitlines() if line.startswith("FIX")]
    assert [line for line in amiss if "port" not in line and "disk" not in line] == []
    assert done.returncode == (1 if amiss else 0)
    well = [line for line in done.stdout.splitlines() if line.startswith("ok") and "weights" in line]
    assert len(well) == 2
    assert "h264 (decodes)" in done.stdout


@pytest.mark.parametrize("command", ["predict", "app", "models", "export", "serve", "doctor"])
def test_help_has_an_example_on_a_line_of_its_own(fakefocus: Command, command: str) -> None:
    done = fakefocus(command, "--help")
    assert any(line.startswith(f"    fakefocus {command}") for line in done.stdout.splitlines())
    assert "\\b" not in done.stdout


@pytest.mark.parametrize(
    ("words", "expected"), [("fakefocus pre", "plain,predict"), ("fakefocus predict --model sc", "plain,scade_net")]
)
def test_a_shell_completes_commands_and_names(words: str, expected: str) -> None:
    environment = os.environ | {
        "PYTHONPATH": str(ROOT / "src"),
        "_FAKEFOCUS_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    command = [sys.executable, "-c", "from fakefocus.apps.cli import main; main()"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert expected in done.stdout.splitlines()


def test_a_folder_that_is_called_like_a_shipped_detector_is_shown_by_its_path(
    fakefocus: Command, tmp_path: Path
) -> None:
    own = Path(shutil.copytree(find_detector("scade_net").folder, tmp_path / "lite"))
    (own / "card.md").write_text("# My own")
    assert fakefocus("models", "./lite", "--project", tmp_path).stdout.strip() == "# My own"
    assert fakefocus("models", own).stdout.strip() == "# My own"
    assert fakefocus("models", "lite", "--project", tmp_path).stdout.startswith("# EfficientNet-Lite0")
