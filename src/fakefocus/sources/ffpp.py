"""FaceForensics++ as it lies on disk (Rössler et al. 2019, https://github.com/ondyari/FaceForensics).

``original_sequences/<youtube|actors>/<compression>/videos/NNN.mp4``,
``manipulated_sequences/<method>/<compression>/videos/<target>_<source>.mp4``,
``manipulated_sequences/<method>/masks/videos/…`` and ``train.json``, ``val.json``, ``test.json`` with pairs.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fakefocus.schemas import InputError

_SIDES = ("train", "val", "test")


def read_layout(root: Path, dataset: str) -> Iterator[dict[str, Any]]:
    """Yield one row a clip; a partial download is normal.

    Raises:
        InputError: If neither ``original_sequences`` nor ``manipulated_sequences`` is below ``root``.
    """
    if not any((root / part).is_dir() for part in ("original_sequences", "manipulated_sequences")):
        found = sorted(p.name for p in root.iterdir())[:8]
        msg = (
            f"raw_media: {root} is not in the FaceForensics++ layout: expected original_sequences/ and "
            f"manipulated_sequences/, found {found or 'nothing'}; for real/ and fake/ folders use --env folder"
        )
        raise InputError(msg)
    official = _official_splits(root)
    for path in sorted(root.glob("original_sequences/*/*/videos/*")):
        yield _row(root, path, dataset, official)
    for path in sorted(root.glob("manipulated_sequences/*/*/videos/*")):
        if path.parts[-3] != "masks":
            yield _row(root, path, dataset, official)


def _row(root: Path, path: Path, dataset: str, official: dict[str, str]) -> dict[str, Any]:
    kind, collection, compression = path.relative_to(root).parts[:3]
    fake = kind == "manipulated_sequences"
    target, _, source = path.stem.partition("_")
    mask = root / kind / collection / "masks/videos" / path.name
    return {
        "video_id": f"{dataset}-{collection}-{compression}-{path.stem}",
        "path": path.as_posix(),
        "dataset": dataset,
        "label": int(fake),
        "method": collection if fake else "",
        "compression": compression,
        "target_identity": target,
        "source_identity": source if fake else "",
        "official_split": official.get(target, ""),
        "mask_path": mask.as_posix() if fake and mask.is_file() else "",
    }


def _official_splits(root: Path) -> dict[str, str]:
    """Map each sequence to its published side; both orders of a pair belong to the pair's side."""
    sides = {}
    for side in _SIDES:
        listed = next((p for p in (root / f"{side}.json", root / "splits" / f"{side}.json") if p.is_file()), None)
        if listed is not None:
            for pair in json.loads(listed.read_text(encoding="utf-8")):
                sides.update(dict.fromkeys(pair, side))
    return sides
