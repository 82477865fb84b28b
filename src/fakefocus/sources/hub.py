"""Parquet shards with image bytes, as hubs of data sets publish them, unpacked to the layout ``images``.

Made for So-Fake-Set and So-Fake-OOD (Huang et al. 2025, https://arxiv.org/abs/2505.18660) and FakeCOCO, from a folder
of shards or by hub id (``owner/name``). Bytes are written as they are, nothing is encoded again:
``{real,fake}/<generator>/<shard>-<row>.<suffix>``. Where no column tells the generator, the label's own word stands for
it: So-Fake-OOD tells ``full_synthetic`` from ``tampered``.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from fakefocus.errors import InputError
from fakefocus.parameters import HubImages
from fakefocus.sources import looks_like
from fakefocus.sources.layout import files_below
from fakefocus.sources.rows import safe_name

Sample = dict[str, Any]
_BATCH = 64
"""Rows that are decoded at a time: without a number, the library gathered a whole shard of 430 MB in 1.3 GB."""
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_MAGIC = {
    b"\xff\xd8\xff": ".jpg",
    b"\x89PNG\r\n\x1a\n": ".png",
    b"BM": ".bmp",
    b"II*\0": ".tif",
    b"MM\0*": ".tif",
    b"GIF8": ".gif",
}
_NAME_ONE = "--params=data_root=<folder of .parquet files, or owner/name on the hub>"


def unpack_images(source: str | None, options: dict[str, Any]) -> dict[str, Callable[[Path], None]]:
    """Plan the unpacking: a name and a function that writes the images below a root, for each local shard.

    Args:
        source: Folder of ``.parquet`` files, one such file, or a hub id ``owner/name``.
        options: Values of ``HubImages``.

    Raises:
        InputError: If the source is none of these, or has no shard of the split.
    """
    chosen = HubImages.model_validate(options)
    if source is None:
        msg = f"raw_media: no shards given; name them with {_NAME_ONE}"
        raise InputError(msg)
    place = Path(source).expanduser()
    if place.exists():
        return _plan_shards(place, chosen)
    if not _HUB_ID.fullmatch(source):
        msg = f"raw_media: no such folder or file: {source}; name one with {_NAME_ONE}"
        raise InputError(msg)
    return {"hub": partial(_unpack_hub, source=source, options=chosen)}


def _plan_shards(place: Path, options: HubImages) -> dict[str, Callable[[Path], None]]:
    shards = [p for p in ([place] if place.is_file() else files_below(place)) if p.suffix == ".parquet"]
    base = place.parent if place.is_file() else place
    wanted = [shard for shard in shards if options.split is None or _is_of(shard.relative_to(base), options.split)]
    if not wanted:
        rule = "*.parquet" if options.split is None else f"*.parquet of the split {options.split!r} (hf.split)"
        present = [shard.name for shard in shards[:8]] or f"none{looks_like(place)}"
        msg = f"raw_media: {place} must hold {rule}, found {present}"
        raise InputError(msg)
    jobs: dict[str, Callable[[Path], None]] = {}
    left = options.limit
    for shard in wanted:
        name = safe_name(*shard.relative_to(base).with_suffix("").parts)
        jobs[shard.as_posix()] = partial(_unpack_shard, shard=shard, name=name, options=options, limit=left)
        if left is not None and (left := left - _count(shard)) <= 0:
            break
    return jobs


def _is_of(inner: Path, split: str) -> bool:
    """Return whether a shard is of a split: ``<split>-00000-of-00009.parquet``, or below ``<split>/``."""
    return split in inner.parts[:-1] or inner.stem == split or inner.stem.startswith(f"{split}-")


def _count(shard: Path) -> int:
    try:
        return int(pq.read_metadata(shard).num_rows)
    except (OSError, ValueError) as error:
        msg = f"raw_media: {shard} is not a Parquet file ({error}): download it again"
        raise InputError(msg) from error


def _unpack_shard(root: Path, *, shard: Path, name: str, options: HubImages, limit: int | None) -> None:
    """Write a local shard's images."""
    import datasets

    _count(shard)
    stream = datasets.load_dataset(
        "parquet", data_files=[shard.as_posix()], split="train", streaming=True, batch_size=_BATCH
    )
    _write(root, name, stream, options, limit)


def _unpack_hub(root: Path, *, source: str, options: HubImages) -> None:
    """Write the images of a data set on the hub, streamed, split by split."""
    import datasets

    try:
        streams = datasets.load_dataset(source, split=options.split, streaming=True, batch_size=_BATCH)
    except (OSError, ValueError, RuntimeError) as error:
        msg = (
            f"raw_media: {source!r} is no folder here and cannot be opened on the hub ({error}): check the name, "
            f"hf.split ({options.split}) and the network, or name a folder with --params=data_root=<folder>"
        )
        raise InputError(msg) from error
    left = options.limit
    for split, stream in streams.items() if isinstance(streams, dict) else [(options.split, streams)]:
        written = _write(root, safe_name(str(split)), stream, options, left)
        if left is not None and (left := left - written) <= 0:
            break


def _write(root: Path, shard: str, stream: Any, options: HubImages, limit: int | None) -> int:  # noqa: ANN401 (no stubs)
    written = 0
    for row, sample in enumerate(islice(_samples(shard, stream, options), limit)):
        label = _label(shard, row, sample[options.label], options)
        generator = str(sample[options.generator or options.label])
        data = _image_bytes(shard, row, sample[options.image], options)
        path = root / label / safe_name(generator) / f"{safe_name(shard)}-{row:06d}{_suffix(data)}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        written += 1
    return written


def _samples(shard: str, stream: Any, options: HubImages) -> Iterator[Sample]:  # noqa: ANN401 (no stubs)
    """Yield rows with the image's bytes as they are stored, and names instead of a ClassLabel's numbers."""
    import datasets

    features = stream.features or (stream := stream._resolve_features()).features
    named = {"image": options.image, "label": options.label, "generator": options.generator}
    for option, column in named.items():
        if column is not None and column not in features:
            msg = f"hf.{option}: {shard} has no column {column!r}, it has {', '.join(features)}"
            raise InputError(msg)
    names = {c: f for c, f in features.items() if isinstance(f, datasets.ClassLabel) and c in named.values()}
    wanted = [column for column in named.values() if column is not None]
    for sample in stream.select_columns(wanted).cast_column(options.image, datasets.Image(decode=False)):
        yield sample | {c: f.int2str(sample[c]) for c, f in names.items() if _is_index(sample[c], f.num_classes)}


def _is_index(value: object, count: int) -> bool:
    return isinstance(value, int) and 0 <= value < count


def _label(shard: str, row: int, value: object, options: HubImages) -> str:
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    key = str(whole).strip().lower()
    if key not in options.labels:
        words = ", ".join(f"{k}: {v}" for k, v in options.labels.items())
        msg = f"hf.labels: {shard}, row {row}: unknown label {value!r}, known are {{{words}}}; add it with "
        raise InputError(msg + f"--params=hf.labels.{key}=<real or fake>")
    return options.labels[key]


def _image_bytes(shard: str, row: int, cell: Any, options: HubImages) -> bytes:  # noqa: ANN401 (no stubs)
    """Return the stored bytes; none for an empty cell, which ingestion then shows as an empty file."""
    if cell is None:
        return b""
    if cell.get("bytes") is None and cell.get("path"):
        msg = f"hf.image: {shard}, row {row}: column {options.image!r} holds a path instead of bytes: {cell['path']!r}"
        raise InputError(msg)
    return bytes(cell.get("bytes") or b"")


def _suffix(data: bytes) -> str:
    if not data:
        return ".png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return ".webp"
    return next((suffix for magic, suffix in _MAGIC.items() if data.startswith(magic)), ".bin")
