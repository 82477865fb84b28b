"""The real clip that a fake was made from."""

import pandas as pd

from fakefocus.sources.provenance import originals


def _videos(*rows: tuple[str, int, str, str], **columns: str) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["video_id", "label", "target_identity", "source_video"])
    return table.assign(**({"dataset": "x", "compression": "c23"} | columns))


def test_original_shows_the_same_source_video() -> None:
    videos = _videos(("r0", 0, "ann", "tape 1"), ("r1", 0, "bob", "tape 2"), ("f0", 1, "bob", "tape 2"))
    assert originals(videos).to_dict() == {"f0": "r1"}


def test_original_is_of_the_same_data_set_and_compression() -> None:
    reals = _videos(("r0", 0, "ann", "tape"))
    fakes = _videos(("f0", 1, "ann", "tape"), ("f1", 1, "ann", "tape"), ("f2", 1, "ann", "tape"))
    fakes["compression"] = ["c23", "c40", "c23"]
    fakes["dataset"] = ["x", "x", "y"]
    assert originals(pd.concat([reals, fakes])).to_dict() == {"f0": "r0"}


def test_of_several_originals_that_of_the_same_person_is_taken_and_else_the_first_by_name() -> None:
    # two people are shown on one tape, and each is a real video
    videos = _videos(
        ("r1", 0, "bob", "tape"),
        ("r0", 0, "ann", "tape"),
        ("f0", 1, "bob", "tape"),
        ("f1", 1, "ann", "tape"),
        ("f2", 1, "eve", "tape"),
    )
    assert originals(videos).to_dict() == {"f0": "r1", "f1": "r0", "f2": "r0"}


def test_unnamed_source_video_joins_nothing() -> None:
    assert originals(_videos(("r0", 0, "ann", ""), ("f0", 1, "ann", ""))).empty
    assert originals(_videos(("r0", 0, "ann", "tape"))).empty
