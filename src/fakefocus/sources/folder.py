"""A folder of the user's: ``real/`` and ``fake/``, with clips or images, nested or not.

``fake/<method>/…`` names the method. A folder below that, or below ``real/``, names a person (or the clip
that frames were cut from): ``real/<person>/<file>``, ``fake/<method>/<person>/<file>``; the same name is
the same person. Where there is no such folder nothing is known of who is shown, and each file counts as
an identity of its own.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fakefocus.schemas import InputError

_LABELS = {"real": 0, "fake": 1}


def read_layout(root: Path, dataset: str) -> Iterator[dict[str, Any]]:
    """Yield one row a file below ``real/`` and ``fake/``; hidden files are left alone.

    Raises:
        InputError: If neither folder exists.
    """
    present = [name for name in _LABELS if (root / name).is_dir()]
    if not present:
        found = sorted(p.name for p in root.iterdir())[:8]
        msg = f"raw_media: {root} needs a folder real/ or fake/ (or both), found {found or 'nothing'}"
        raise InputError(msg)
    for name in present:
        for path in sorted((root / name).rglob("*")):
            inner = path.relative_to(root / name)
            if path.is_file() and not any(part.startswith(".") for part in inner.parts):
                yield _row(path, inner, name, dataset)


def _row(path: Path, inner: Path, name: str, dataset: str) -> dict[str, Any]:
    fake = name == "fake"
    folders = inner.parts[:-1]
    method, people = (folders[:1], folders[1:]) if fake else ((), folders)
    flat = "-".join(inner.with_suffix("").parts).replace(" ", "_")
    return {
        "video_id": f"{dataset}-{name}-{flat}{path.suffix.lower().replace('.', '-')}",
        "path": path.as_posix(),
        "dataset": dataset,
        "label": _LABELS[name],
        "method": "".join(method) or "unknown" if fake else "",
        "compression": "",
        "target_identity": "/".join(people) or f"{name}/{flat}",
        "source_identity": "",
        "official_split": "",
        "mask_path": "",
    }
