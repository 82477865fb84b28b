import unicodedata
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakefocus import schemas
from fakefocus.sources.layout import inside
from fakefocus.sources.rows import media_row, safe_name, unique_names

ANY = st.characters(exclude_categories=[])
"""Unpaired surrogates among them: that is how the names of files come that are not UTF-8."""
NAMES = st.lists(st.text(ANY, max_size=80), min_size=1, max_size=4)


@given(NAMES)
def test_any_parts_make_the_name_of_a_folder_right_below_another(parts: list[str]) -> None:
    name = safe_name(*parts)
    assert name not in {"", ".", ".."}
    assert not set(name) & set("/\\\0\n\r\t ")
    assert name[0] not in ".-"
    assert len(name.encode()) <= 150
    assert unicodedata.is_normalized("NFC", name)
    assert schemas.is_safe_id(name)
    assert Path("data", name).parent == Path("data")


@given(st.lists(st.text(ANY, max_size=60), min_size=2, max_size=6, unique=True))
def test_distinct_files_never_share_an_id(names: list[str]) -> None:
    rows = [media_row("x", Path(name) / "file", name, label=0) for name in names if "\0" not in name]
    # «» and «.» are one file
    files = list({row["path"]: row for row in rows}.values())
    ids = [row["video_id"].casefold() for row in unique_names(files)]
    assert len(set(ids)) == len(files)


def test_names_that_meet_after_cleaning_each_get_a_hash_and_others_stay() -> None:
    rows = [media_row("x", Path(name), name, label=0) for name in ("a b", "a_b", "A_b", "c")]
    ids = [row["video_id"] for row in unique_names(rows)]
    assert ids[3] == "x-c"
    assert len(set(ids)) == 4
    assert all(name.casefold().startswith("x-a_b-") for name in ids[:3])


def test_a_name_that_looks_like_the_hash_of_another_still_gets_its_own() -> None:
    first = [media_row("x", Path(name), name, label=0) for name in ("a b", "a_b")]
    taken = unique_names(first)[0]["video_id"].removeprefix("x-")
    ids = [row["video_id"] for row in unique_names([*first, media_row("x", Path(taken), taken, label=0)])]
    assert len(set(ids)) == 3


def test_long_name_is_cut_and_told_apart_by_its_hash() -> None:
    one, two = safe_name("x", "顔" * 100 + "a"), safe_name("x", "顔" * 100 + "b")
    assert one != two
    assert one.startswith("x-顔顔")
    assert len(one.encode()) <= 150


def test_letters_are_composed_so_that_one_name_is_one_id() -> None:
    assert safe_name("x", "u\u0308") == safe_name("x", "\u00fc") == "x-ü"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "-x", ".x", "a b", "a\nb", "ä" * 76])
def test_table_of_videos_with_an_id_that_is_no_safe_folder_is_refused(name: str) -> None:
    columns = dict.fromkeys(schemas.VIDEO_COLUMNS, "") | {"video_id": name, "label": 0}
    with pytest.raises(ValueError, match="videos: video_id can name a folder, in at most 150 bytes; got"):
        schemas.videos(pd.DataFrame([columns]))


@given(st.text(ANY, max_size=40))
def test_a_listed_name_never_leads_out_of_its_folder(name: str) -> None:
    path = inside(Path("/data/set"), name)
    assert path is None or (path.is_relative_to("/data/set") and ".." not in path.parts)
