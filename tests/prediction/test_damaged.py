"""Whatever is wrong with a file, it is answered: a verdict or a reason, and soon."""

from pathlib import Path

import cv2
import pytest
import skimage.data

from examples import damaged_copies
from fakefocus.prediction import Options, find_detector
from fakefocus.prediction.isolated import Isolated

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def damaged(face_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return clips and portraits with flipped bytes, cut off or with a hole, and some under another kind's name."""
    folder = tmp_path_factory.mktemp("damaged")
    portrait = cv2.imencode(".jpg", cv2.resize(skimage.data.astronaut()[..., ::-1], (256, 256)))[1].tobytes()
    contents = {".mp4": (face_clip.read_bytes(), 36), ".jpg": (portrait, 24)}
    files = []
    for suffix, (content, count) in contents.items():
        for number, data in enumerate(damaged_copies(content, count, seed=5)):
            files.append(folder / f"{number}{suffix}")
            files[-1].write_bytes(data)
    for name, data in (("picture.mp4", portrait), ("clip.jpg", face_clip.read_bytes()), ("text.mov", b"no media")):
        files.append(folder / name)
        files[-1].write_bytes(data)
    return files


def test_every_damaged_file_has_a_verdict_or_a_reason(damaged: list[Path]) -> None:
    options = Options(every=4)
    with Isolated(find_detector("scade_net")) as answers:
        answers.prepare(options)
        results = list(answers(damaged, options))
    assert {one.file for one in results} == set(map(str, damaged))
    assert all((one.status == "scored") == (one.score is not None) for one in results)
    assert all(one.reason for one in results if one.status != "scored")
    assert not [one.reason for one in results if "process down" in one.reason or "not finished" in one.reason]
    assert {one.status for one in results} >= {"scored", "failed"}, "both kinds were met"
    by_name = {Path(one.file).name: one for one in results}
    assert (by_name["picture.mp4"].media.kind, by_name["clip.jpg"].media.kind) == ("image", "video"), (
        "told by their bytes"
    )
    assert max(one.seconds for one in results) < 30
