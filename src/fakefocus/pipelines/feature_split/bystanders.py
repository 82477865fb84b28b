"""Labels of people where a fake shows several: not all of them were altered."""

import logging

import pandas as pd

_ALTERED = 0.1
"""Share of a face that was altered, of somebody in the video, from which its mask or original is believed."""
_BYSTANDER = 0.25
"""Who was altered by less than this part of what the most altered person was is a bystander."""
_log = logging.getLogger(__name__)


def labelled(table: pd.DataFrame) -> pd.DataFrame:
    """Label people of fakes by what was altered of their faces, where that is known, and say where it is not.

    Args:
        table: A row a face, with the ``label`` of its video, and ``altered``: the share of the face that was, in
            [0, 1], or none.

    Returns:
        The table with ``labelled_by``: face, for people who were looked at in videos of which somebody was found to be
        altered, else video. Bystanders have label 0, no ``method``, no ``original``, and an ``identity`` of their own:
        one for all fakes of a person's clips.
    """
    fakes = table[table["label"] == 1]
    shares = fakes.groupby(["video_id", "track"])["altered"].median().astype(float).dropna()
    most = shares.groupby("video_id").transform("max")
    believed = most >= _ALTERED
    unaltered = believed & (shares < _BYSTANDER * most)
    rows = pd.MultiIndex.from_frame(table[["video_id", "track"]])
    by_face = (table["label"] == 1) & rows.isin(shares.index[believed])
    bystander = (table["label"] == 1) & rows.isin(shares.index[unaltered])
    table = table.assign(labelled_by=by_face.map({True: "face", False: "video"}))
    table.loc[bystander, "label"] = 0
    table.loc[bystander, ["method", "original"]] = ""
    alone = table["identity"] + ", person " + table["track"].astype(str)
    table["identity"] = table["identity"].mask(bystander, alone)
    _report(table, fakes)
    return table


def _report(table: pd.DataFrame, fakes: pd.DataFrame) -> None:
    """Say of how many fakes that show several people it is known who is fake."""
    several = fakes.groupby("video_id")["track"].nunique()
    several = several[several > 1]
    if several.empty:
        return
    rows = table[table["video_id"].isin(several.index)]
    unknown = rows.loc[rows["labelled_by"] == "video", "video_id"].nunique()
    people = rows[(rows["labelled_by"] == "face") & (rows["label"] == 0)].groupby(["video_id", "track"]).ngroups
    _log.info(
        "%d of %d fake videos show several people; by masks and originals, %d people in them are bystanders and real",
        *(len(several), fakes["video_id"].nunique(), people),
    )
    if unknown:
        _log.warning(
            "in %d fake videos it is not known of all people who was altered, and those are labelled fake: "
            "training sees bystanders as fakes (preprocessing.faces_per_video 1 keeps one person a video); evaluation "
            "scores a video by its most fake person",
            unknown,
        )
