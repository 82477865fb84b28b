"""Sets of images by generator, in the three layouts that they are published in.

- ForenSynths (Wang et al. 2020, https://github.com/PeterWang512/CNNDetection): ``<generator>/{0_real,1_fake}``, also
  with a level of classes, ``progan/<class>/{0_real,1_fake}``.
- GenImage (Zhu et al. 2023, https://github.com/GenImage-Dataset/GenImage): ``<generator>/{train,val}/{ai,nature}``.
- ``{real,fake}/<generator>``, as collections of FFHQ, MS-COCO, DiffusionDB, ProGAN or StyleGAN are kept.

The first folder whose name is one of these labels tells real from fake; a folder ``train``, ``val`` or ``test`` is the
official split; the generator is the first other folder above the label, else below it. Nobody is known: each image is
an identity of its own. Notes beside the folders (files in the root that are no images) are not of the set.
"""

from collections.abc import Iterator
from pathlib import Path

from fakefocus.sources.layout import Layout, files_below, folders_below, peek
from fakefocus.sources.rows import Row, flat_name, media_row, set_aside

_LABELS = {"0_real": 0, "1_fake": 1, "nature": 0, "ai": 1, "real": 0, "fake": 1}
_SIDES = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
_DEPTH = 4
"""Folders down to the label: a split, a generator, a class."""


def _recognises(root: Path) -> bool:
    return any(any(p.suffix.lower() in _SUFFIXES for p in peek(folder)) for folder in _label_folders(root))


def _label_folders(root: Path) -> Iterator[Path]:
    return (f for f in folders_below(root, _DEPTH) if f != root and f.name in _LABELS)


def _read(root: Path, dataset: str) -> Iterator[Row]:
    for path in files_below(root):
        if path.parent != root or path.suffix.lower() in _SUFFIXES:
            yield _row(path, path.relative_to(root), dataset)


def _row(path: Path, inner: Path, dataset: str) -> Row:
    folders = inner.parts[:-1]
    place = next((i for i, folder in enumerate(folders) if folder in _LABELS), None)
    if place is None:
        return set_aside(dataset, path, f"no folder of its path tells real from fake: {', '.join(_LABELS)}")
    label = _LABELS[folders[place]]
    named = [folder for folder in (*folders[:place], *folders[place + 1 :]) if folder not in _SIDES]
    return media_row(
        dataset,
        path,
        flat_name(inner),
        label=label,
        method=(named[0] if named else "unknown") if label else "",
        target_identity=inner.as_posix(),
        official_split=next((_SIDES[folder] for folder in folders if folder in _SIDES), ""),
    )


def _missing(root: Path) -> list[str]:
    labels = {_LABELS[folder.name] for folder in _label_folders(root)}
    return [f"no {name} images" for name, label in (("real", 0), ("fake", 1)) if label not in labels]


LAYOUT = Layout(
    name="images",
    expected="images in <generator>/{0_real,1_fake}, <generator>/{train,val}/{ai,nature} or {real,fake}/<generator>",
    recognises=_recognises,
    read=_read,
    missing=_missing,
)
