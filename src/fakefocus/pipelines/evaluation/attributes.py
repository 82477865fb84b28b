"""What is known of the videos that are judged, column by column: text, never inferred from a face."""

import logging

import pandas as pd

from fakefocus.errors import InputError

_IDS = ("video_id", "path", "file")
_MOST_VALUES = 6
"""Numbers of more values than these are shown in thirds."""
_log = logging.getLogger(__name__)
_PARTS = ("lowest", "middle", "highest")


def describe_videos(
    video_scores: pd.DataFrame, videos: pd.DataFrame, faces: pd.DataFrame, attributes: pd.DataFrame
) -> pd.DataFrame:
    """Return a text column an attribute, in the order of ``video_scores``; empty where it is not known.

    ``compression`` and ``data set`` are the layout's; ``size of the face`` (pixels of the frame) and ``sharpness`` are
    thirds of the videos that are judged, by the mean over a video's faces. Others are columns of ``attributes``.

    Raises:
        InputError: If ``attributes`` has no column that names videos, one of its names fits several videos or none fits
            any, or a column has a name of ours.
    """
    ids = video_scores["video_id"]
    by_video = videos.set_index("video_id")
    shown = faces[faces["found"]].groupby("video_id")[["size", "sharpness"]].mean()
    table = pd.DataFrame(
        {
            "compression": ids.map(by_video["compression"]).fillna("").astype(str),
            "data set": ids.map(by_video["dataset"]).fillna("").astype(str),
            "size of the face": thirds(ids.map(shown["size"]), "px"),
            "sharpness": thirds(ids.map(shown["sharpness"]), ""),
        }
    )
    if attributes.empty:
        return table
    taken = sorted(set(table.columns) & set(attributes.columns))
    if taken:
        msg = f"attributes.{taken[0]}: this name is taken by what is measured, give the column another"
        raise InputError(msg)
    return pd.concat([table, _matched(ids, videos, attributes)], axis=1)


def thirds(values: pd.Series, unit: str) -> pd.Series:
    """Return which third of all values each is in, with its bounds in words; empty where there is no value."""
    if values.nunique() < len(_PARTS):
        return pd.Series("", index=values.index, dtype=object)
    edges = values.quantile([0, 1 / 3, 2 / 3, 1]).tolist()
    texts = [
        f"{name}: {_number(a)} to {_number(b)} {unit}".strip()
        for name, a, b in zip(_PARTS, edges, edges[1:], strict=False)
    ]
    place = (values > edges[1]).astype(int) + (values > edges[2]).astype(int)
    return place.map(dict(enumerate(texts))).where(values.notna(), "").astype(object)


def in_order(values: set[str]) -> list[str]:
    """Return values in their order: thirds from the lowest to the highest, words by the alphabet."""
    places = {value: n for value in values for n, name in enumerate(_PARTS) if value.startswith(f"{name}: ")}
    return sorted(values, key=lambda value: (places.get(value, len(_PARTS)), value))


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 10 else f"{value:.2g}"


def _matched(ids: pd.Series, videos: pd.DataFrame, attributes: pd.DataFrame) -> pd.DataFrame:
    column = next((name for name in _IDS if name in attributes.columns), None)
    if column is None:
        msg = f"attributes: no column {', '.join(_IDS)} names the videos, got {', '.join(map(str, attributes.columns))}"
        raise InputError(msg)
    paths = videos["path"].str.replace("\\", "/")
    names = videos["video_id"] if column == "video_id" else paths
    shown = attributes[column].astype(str).str.replace("\\", "/")
    if column == "file":
        names, shown = (texts.str.rsplit("/", n=1).str[-1] for texts in (paths, shown))
    doubled = sorted(set(shown[shown.duplicated()])) or sorted(set(names[names.duplicated() & names.isin(shown)]))
    if doubled:
        msg = f"attributes.{column}: {doubled[0]} names several videos or rows: use the column video_id"
        raise InputError(msg)
    # names of other videos, which no row uses, may come twice: published fakes of several methods are 000_003.mp4 each
    by_id = pd.Series(videos["video_id"].to_numpy(), index=names).loc[~names.duplicated().to_numpy()]
    table = attributes.assign(video_id=shown.map(by_id)).dropna(subset=["video_id"]).set_index("video_id")
    if table.empty:
        msg = f"attributes.{column}: none of {len(attributes)} rows names a video, such as {shown.iloc[0]!r}"
        raise InputError(msg)
    _log.info(
        "attributes: %d of %d rows name a video; %d of %d judged videos have a row",
        *(len(table), len(attributes), int(ids.isin(table.index).sum()), len(ids)),
    )
    others = [name for name in attributes.columns if name not in _IDS]
    return pd.DataFrame({str(name): _in_words(ids.map(table[name]).fillna("").astype(str)) for name in others})


def _in_words(values: pd.Series) -> pd.Series:
    """Return values as they are, or thirds of them where they are numbers of many sizes."""
    numbers = pd.to_numeric(values.replace("", None), errors="coerce")
    counted = values[values != ""]
    if counted.nunique() <= _MOST_VALUES or numbers[counted.index].isna().any():
        return values
    return thirds(numbers, "")
