"""Shards of images with labels, made here as the hub's writers make them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import datasets
from examples import ingest
from fakefocus import schemas
from fakefocus.datasets.media_folder import MediaFolder
from fakefocus.parameters import Ingestion
from fakefocus.sources import read_layout
from fakefocus.sources.hub import unpack_images

NAMES = ["full_synthetic", "real", "tampered"]
"""Of So-Fake-OOD's label column, in its order: 0 is fake there."""


def _picture(value: int, suffix: str = ".jpg") -> bytes:
    return cv2.imencode(suffix, np.full((40, 40, 3), value, np.uint8))[1].tobytes()


def _shard(path: Path, rows: list[dict[str, Any]], label: Any = None) -> None:
    columns = {"image": datasets.Image(), "label": label or datasets.ClassLabel(names=NAMES)}
    texts = {name: datasets.Value("string") for name in rows[0] if name not in columns}
    path.parent.mkdir(parents=True, exist_ok=True)
    datasets.Dataset.from_list(rows, features=datasets.Features(columns | texts)).to_parquet(path)


def _row(value: int, label: Any, suffix: str = ".jpg", **more: str) -> dict[str, Any]:
    return {"image": {"bytes": _picture(value, suffix), "path": None}, "label": label, **more}


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    root = tmp_path / "shards"
    _shard(root / "data/test-00000-of-00002.parquet", [_row(10, 0), _row(20, 1, ".png"), _row(30, 2, ".webp")])
    _shard(root / "data/test-00001-of-00002.parquet", [_row(40, 1), _row(50, 2)])
    return root


def _unpack(root: Path, source: Any, **options: Any) -> list[str]:
    for job in unpack_images(str(source), options).values():
        job(root)
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())


def test_bytes_are_unpacked_unchanged_below_real_and_fake(shards: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shard = "data-test-00000-of-00002"
    assert _unpack(out, shards)[:3] == [
        f"fake/full_synthetic/{shard}-000000.jpg",
        f"fake/tampered/{shard}-000002.webp",
        "fake/tampered/data-test-00001-of-00002-000001.jpg",
    ]
    assert (out / f"real/real/{shard}-000001.png").read_bytes() == _picture(20, ".png")
    assert (out / f"fake/tampered/{shard}-000002.webp").read_bytes() == _picture(30, ".webp")


def test_each_local_shard_is_a_job_of_its_own(shards: Path) -> None:
    assert len(unpack_images(str(shards), {})) == 2
    assert len(unpack_images(str(shards / "data/test-00001-of-00002.parquet"), {})) == 1


@pytest.mark.slow
def test_dataset_unpacks_at_first_load_and_ingestion_reads_it(shards: Path, tmp_path: Path) -> None:
    options = {
        "source": str(shards),
        "options": {"labels": {"real": "real", "tampered": "fake", "full_synthetic": "fake"}},
    }
    maker = "fakefocus.sources.hub.unpack_images"
    entry = MediaFolder(filepath=str(tmp_path / "raw/sofake"), maker=maker, maker_args=options, executor={"workers": 1})
    root = entry.load()
    made = (root / "made_by.json").stat().st_mtime_ns
    assert entry.load() == root
    assert (root / "made_by.json").stat().st_mtime_ns == made
    videos, rejected = ingest(root, Ingestion(layout="images"), "sofake")
    schemas.videos(videos)
    assert sorted(videos["method"]) == ["", "", "full_synthetic", "tampered", "tampered"]
    assert videos["label"].sum() == 3
    assert rejected.empty


def test_label_outside_the_map_is_an_error_that_names_shard_row_value_and_remedy(shards: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError,
        match=r"hf\.labels: data-test-00000-of-00002, row 2: unknown label 'tampered', known are "
        r"\{real: real, full_synthetic: fake\}; add it with --params=hf\.labels\.tampered=<real or fake>",
    ):
        _unpack(tmp_path / "out", shards, labels={"real": "real", "full_synthetic": "fake"})


@pytest.mark.parametrize(
    ("value", "kind", "key"),
    [
        (7, datasets.Value("int64"), "7"),
        ("AI", datasets.Value("string"), "ai"),
        (True, datasets.Value("bool"), "true"),
        (1.0, datasets.Value("float64"), "1"),
    ],
)
def test_labels_that_are_no_class_are_taken_by_their_value(value: Any, kind: Any, key: str, tmp_path: Path) -> None:
    _shard(tmp_path / "s/a.parquet", [_row(1, value)], label=kind)
    with pytest.raises(ValueError, match=f"unknown label {value!r}"):
        _unpack(tmp_path / "out", tmp_path / "s")
    assert len(_unpack(tmp_path / "out", tmp_path / "s", labels={key: "fake"})) == 1


def test_row_without_a_label_is_an_error(tmp_path: Path) -> None:
    _shard(tmp_path / "s/a.parquet", [_row(1, None)])
    with pytest.raises(ValueError, match=r"a, row 0: unknown label None"):
        _unpack(tmp_path / "out", tmp_path / "s")


def test_generator_is_a_folder_whatever_its_name_is(tmp_path: Path) -> None:
    rows = [_row(1, 0, model="DALL-E 3"), _row(2, 2, model="../../up"), _row(3, 1, model="Reddit")]
    _shard(tmp_path / "s/a.parquet", rows)
    names = _unpack(tmp_path / "out", tmp_path / "s", generator="model")
    assert names == ["fake/DALL-E_3/a-000000.jpg", "fake/_.._up/a-000001.jpg", "real/Reddit/a-000002.jpg"]
    assert {row["method"] for row in read_layout(tmp_path / "out", "images", "x")} == {"", "DALL-E_3", "_.._up"}


def test_limit_counts_images_over_all_shards(shards: Path, tmp_path: Path) -> None:
    assert len(_unpack(tmp_path / "a", shards, limit=2)) == 2
    assert len(_unpack(tmp_path / "b", shards, limit=4)) == 4
    assert len(_unpack(tmp_path / "c", shards, limit=99)) == 5


def test_folder_of_shards_is_told_from_other_layouts(shards: Path) -> None:
    with pytest.raises(ValueError, match=r"not in the layout 'images'.*use '--env hf'"):
        read_layout(shards, "images", "x")


def test_split_chooses_shards_by_name(shards: Path, tmp_path: Path) -> None:
    _shard(shards / "data/train-00000-of-00001.parquet", [_row(60, 1)])
    assert len(_unpack(tmp_path / "out", shards, split="train")) == 1
    with pytest.raises(ValueError, match=r"of the split 'val' \(hf\.split\), found \['test-00000-of-00002\.parquet'"):
        _unpack(tmp_path / "none", shards, split="val")


def test_column_that_is_not_there_is_an_error_that_names_those_that_are(shards: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"hf\.label: .* has no column 'class', it has image, label"):
        _unpack(tmp_path / "out", shards, label="class")


def test_shard_of_another_writer_may_hold_plain_bytes(tmp_path: Path) -> None:
    table = pa.table({"image": pa.array([_picture(5)], pa.binary()), "label": ["fake"]})
    pq.write_table(table, tmp_path / "plain.parquet")
    assert _unpack(tmp_path / "out", tmp_path / "plain.parquet") == ["fake/fake/plain-000000.jpg"]
    assert (tmp_path / "out/fake/fake/plain-000000.jpg").read_bytes() == _picture(5)


def test_empty_cell_and_unknown_bytes_end_among_the_rejected(tmp_path: Path) -> None:
    none = {"image": None, "label": 1}
    junk = {"image": {"bytes": b"what is this", "path": None}, "label": 1}
    _shard(tmp_path / "s/a.parquet", [none, junk, _row(1, 1)])
    _unpack(tmp_path / "out", tmp_path / "s")
    _, rejected = ingest(tmp_path / "out", Ingestion(layout="images"), "x")
    assert sorted(rejected["reason"]) == ["empty file (0 bytes)", "not a video or image: suffix '.bin'"]


def test_cell_that_holds_a_path_only_is_an_error(tmp_path: Path) -> None:
    table = pa.table({"image": [{"bytes": None, "path": "elsewhere.jpg"}], "label": ["fake"]})
    pq.write_table(table, tmp_path / "p.parquet")
    with pytest.raises(ValueError, match=r"hf\.image: p, row 0: column 'image' holds a path instead of bytes"):
        _unpack(tmp_path / "out", tmp_path / "p.parquet")


def test_source_is_named_exists_and_holds_shards(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no shards given; name them with --params=data_root=<folder of \.parquet"):
        unpack_images(None, {})
    with pytest.raises(ValueError, match=r"no such folder or file: ./not/there"):
        unpack_images("./not/there", {})
    with pytest.raises(ValueError, match=r"must hold \*\.parquet, found none"):
        unpack_images(str(tmp_path), {})
    (tmp_path / "real").mkdir()
    with pytest.raises(ValueError, match=r"found none; it looks like another layout, use '--env folder'"):
        unpack_images(str(tmp_path), {})
    (tmp_path / "torn.parquet").write_bytes(b"PAR1")
    with pytest.raises(ValueError, match=r"torn\.parquet is not a Parquet file .*: download it again"):
        _unpack(tmp_path / "out", tmp_path)


def test_environment_hf_unpacks_and_lists_and_shows_a_wrong_label_as_one_message(
    shards: Path, make_project: Callable[[str], Path], run_kedro: Callable[..., Any]
) -> None:
    project = make_project("hf")
    for name in ("a", "b"):
        _shard(shards.parent / f"odd/{name}.parquet", [_row(1, "odd")], label=datasets.Value("string"))
    with pytest.raises(ValueError, match=r"^hf\.labels: [ab], row 0: unknown label 'odd'"):
        run_kedro(project, "ingest", env="hf", data_root=str(shards.parent / "odd"), dataset="y")
    assert not (project / "data/01_raw/y").exists()
    run_kedro(project, "ingest", env="hf", data_root=str(shards), dataset="x", hf={"limit": 4})
    videos = pd.read_parquet(project / "data/02_intermediate/x/videos.parquet")
    assert sorted(videos["label"]) == [0, 0, 1, 1]


@pytest.fixture
def hub(shards: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Answer for one hub id with the local shards, through the library's own reader."""
    asked: list[dict[str, Any]] = []
    load: Callable[..., Any] = datasets.load_dataset

    def answer(name: str, **options: Any) -> Any:
        asked.append({"name": name, **options})
        if name != "someone/So-Fake-OOD":
            msg = f"couldn't reach {name!r}"
            raise ConnectionError(msg)
        return load(str(shards), **options)

    monkeypatch.setattr(datasets, "load_dataset", answer)
    return asked


@pytest.mark.parametrize("split", [None, "test"])
def test_hub_id_is_streamed(hub: list[dict[str, Any]], tmp_path: Path, split: str | None) -> None:
    names = _unpack(tmp_path / "out", "someone/So-Fake-OOD", split=split, limit=4)
    assert len(names) == 4
    assert names[0] == "fake/full_synthetic/test-000000.jpg"
    assert hub == [{"name": "someone/So-Fake-OOD", "split": split, "streaming": True, "batch_size": 64}]


def test_hub_that_cannot_be_reached_is_one_clear_error(hub: list[dict[str, Any]], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'no/body' is no folder here and cannot be opened on the hub .*no/body"):
        _unpack(tmp_path / "out", "no/body")
