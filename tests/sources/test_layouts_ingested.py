"""Each layout through the nodes of the ingestion pipeline, on files that decode."""

import logging
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from examples import as_nobody, ingest
from fakefocus import schemas
from fakefocus.parameters import Ingestion

Plant = Callable[..., Path]
LAYOUTS = ["ffpp", "dfd", "celebdf", "celebdf_videos", "dfdc", "dfdcp", "images", "folder"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_gives_the_same_table_of_usable_videos(layout: str, request: pytest.FixtureRequest) -> None:
    root = request.getfixturevalue(f"{layout}_root")
    options = Ingestion(layout=layout.removesuffix("_videos"))
    videos, rejected = ingest(root, options, "x")
    schemas.videos(videos)
    schemas.rejected_media(rejected)
    assert tuple(videos.columns) == schemas.VIDEO_COLUMNS
    assert set(videos["label"]) == {0, 1}
    assert rejected.empty
    assert (videos["target_identity"] != "").all()
    assert videos.loc[videos["kind"] == "video", "frames"].eq(8).all()  # as the clip that was copied


def test_files_that_cannot_be_placed_or_opened_are_rejected_with_their_reason(
    ffpp_root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clips = ffpp_root / "manipulated_sequences/Deepfakes/c23/videos"
    (clips / "100_101.mp4").symlink_to(clips / "gone.mp4")
    (clips / "notes.txt").write_text("a note")
    shutil.copy(clips / "012_026.mp4", clips / "012_026 (1).mp4")
    (clips / "102_103.mp4").mkdir()
    (clips / "102_103.mp4/inner.mp4").write_bytes(b"0")
    with caplog.at_level(logging.WARNING):
        videos, rejected = ingest(ffpp_root, Ingestion(layout="ffpp"), "x")
    reasons = {Path(row.path).name: row.reason for row in rejected.itertuples()}
    assert set(reasons) == {"100_101.mp4", "notes.txt", "012_026 (1).mp4", "inner.mp4"}
    assert reasons["100_101.mp4"].startswith("dangling link: it points to ")
    assert "the name is not <target>_<source>" in reasons["012_026 (1).mp4"]
    assert len(videos) == 9
    assert rejected["stage"].eq("ingestion").all()


def test_file_that_may_not_be_read_is_rejected_with_its_reason(plant: Plant) -> None:
    # folders of the tests are their user's alone
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        root = Path(shutil.copytree(plant("real/a.png", "real/b.png"), Path(folder) / "media"))
        for place in (Path(folder), root, root / "real"):
            place.chmod(0o755)
        (root / "real/b.png").chmod(0)
        with as_nobody():
            videos, rejected = ingest(root, Ingestion(layout="folder"), "x")
    assert videos["path"].map(lambda path: Path(path).name).tolist() == ["a.png"]
    assert rejected["reason"].tolist() == ["no permission to read it"]


@pytest.mark.parametrize(("typed", "near"), [("fpp", "ffpp"), ("celeb-df", "celebdf"), ("folders", "folder")])
def test_mistyped_layout_is_refused_with_the_near_one(typed: str, near: str) -> None:
    with pytest.raises(ValueError, match=f"must be one of ffpp, dfd, .* did you mean '{near}'\\?"):
        Ingestion(layout=typed)
