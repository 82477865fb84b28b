"""Which rows are judged, and by which labels: those of the lineage, or those of the table itself."""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fakefocus.errors import InputError
from fakefocus.parameters import Judge
from fakefocus.pipelines.judge.matching import HOW, match_ids
from fakefocus.pipelines.judge.tables import ROW_COLUMNS, ScoreTable, side_of

_log = logging.getLogger(__name__)

SCORE, STATUS, BY = "score.", "status.", "by."
"""Before the names of detectors and attributes in the table of judged rows."""


@dataclass(frozen=True)
class Named:
    """Rows that a protocol names, by id: ``rows`` with sides test and val, what was left out, and how it came about."""

    rows: pd.DataFrame
    scores: pd.DataFrame
    errors: pd.DataFrame
    faces: pd.DataFrame
    unmatched: pd.DataFrame
    about: dict[str, Any]


def name_rows(table: ScoreTable, videos: pd.DataFrame, splits: pd.DataFrame, judge: Judge) -> Named:
    """Return the rows that are judged.

    Args:
        table: What was handed in.
        videos: Of the lineage; empty where it has not run.
        splits: Of the lineage; empty where it has not run.
        judge: Whether ids are matched to the lineage.

    Raises:
        InputError: If the lineage is asked for and not there, or fewer than half of the ids are of it; if no row that
            is to be judged has a label, or labels contradict the lineage's.
    """
    there = len(videos) > 0 and len(splits) > 0
    if judge.match == "lineage" and not there:
        msg = (
            "judge.match: this project has no videos and splits of that experiment: run kedro run "
            "--pipelines=data,split first, or let the table say itself what is judged (judge.match: none)"
        )
        raise InputError(msg)
    if judge.match == "none" or not there:
        return _of_table(table, judge)
    matched = match_ids(list(table.rows.index), videos)
    count = int((matched["video_id"] != "").sum())
    if not count and judge.match == "auto":
        _log.warning("none of %d ids is a video of the lineage: the table says itself what is judged", len(matched))
        return _of_table(table, judge)
    if 2 * count < len(matched) and judge.match == "auto":
        examples = ", ".join(matched.loc[matched["video_id"] == "", "id"].head(3))
        msg = (
            f"judge.match: {count} of {len(matched)} ids are videos of the lineage, the others are not, such as "
            f"{examples}: say whether the lineage (judge.match: lineage) or the table (none) says what is judged"
        )
        raise InputError(msg)
    return _of_lineage(table, matched, videos, splits, judge)


def to_rows(named: Named) -> pd.DataFrame:
    """Return one table: ``id``, ``side``, `ROW_COLUMNS` but the split, attributes, scores, statuses, counts of faces.

    A status is ``ok``, ``missing`` (no row, or an empty cell) or ``error`` (a cell that is no finite number); that of a
    video is ``ok`` if one of its faces has a score.
    """
    attributes = [name for name in named.rows.columns if name not in ("side", *ROW_COLUMNS)]
    about = named.rows[["side", "label", "group", "method"]].assign(
        **{f"{BY}{name}": named.rows[name] for name in attributes}
    )
    scores = named.scores.add_prefix(SCORE)
    statuses = pd.DataFrame(
        {
            f"{STATUS}{name}": np.select([named.errors[name], named.scores[name].isna()], ["error", "missing"], "ok")
            for name in named.scores.columns
        },
        index=named.rows.index,
    )
    joined = pd.concat([about, scores, statuses, named.faces], axis=1).astype({"label": int})
    return joined.rename_axis("id").reset_index()


def _of_table(table: ScoreTable, judge: Judge) -> Named:
    """Take labels, groups and sides as the table has them."""
    rows = table.rows
    labelled = rows["label"].notna()
    if not labelled.any():
        msg = (
            "judge.columns.label: no column holds labels, and the ids are not matched to videos of this project: name "
            "the column, or give a second file of ids and labels"
        )
        raise InputError(msg)
    sided = (rows["split"] != "").any()
    sides = rows["split"].map(lambda split: side_of(split, judge.split)) if sided else pd.Series("test", rows.index)
    if not (sides == "test").any():
        msg = f"judge.split: no row is of {judge.split!r}, there are {', '.join(sorted(set(rows['split'])))}"
        raise InputError(msg)
    usable = labelled & (sides == "test")
    if not usable.any():
        others = ", ".join(sorted(set(rows["split"][labelled]) - {""})) or "that of rows that have one"
        msg = (
            f"judge.columns.label: what is judged needs a label, none of {int((sides == 'test').sum())} rows of split "
            f"{judge.split!r} has one: label them, or say judge.split: {others}"
        )
        raise InputError(msg)
    lonely = rows["group"] == ""
    # a row of nobody in particular stands for itself; the mark keeps it apart from names
    groups = rows["group"].where(~lonely, "row:" + rows.index.to_series())
    methods = rows["method"].where(rows["label"] == 1, "")
    used = labelled & (sides != "")
    unmatched = pd.DataFrame({"id": rows.index[~labelled], "where": "without a label"})
    about = {
        "named_by": "the table",
        "varied": table.varied,
        "split_hash": "",
        "matched": {},
        "grouped": not lonely[usable].all(),
        "without_group": int(lonely[usable].sum()),
        "without_label": int((~labelled).sum()),
        "other_sides": int((sides == "").sum()),
        "foreign": 0,
        "absent": 0,
    }
    complete = rows.assign(side=sides, group=groups, method=methods)[used]
    return Named(complete, table.scores[used], table.errors[used], table.faces[used], unmatched, about)


def _of_lineage(
    table: ScoreTable, matched: pd.DataFrame, videos: pd.DataFrame, splits: pd.DataFrame, judge: Judge
) -> Named:
    """Take our labels, groups and sides; what they lack is missing, what we lack is listed."""
    hits = matched[matched["video_id"] != ""].set_index("id")["video_id"]
    ours = splits.set_index("video_id")
    _check_labels(table.rows["label"].reindex(hits.index).set_axis(hits), ours["label"])
    # where a video belongs, used by us or not: theirs may find the face that ours did not
    sides = ours["side"].map(lambda side: side_of(side, judge.split))
    scored = pd.Index(hits)
    # of other sides than the judged one, only what was scored is of use
    used = ours[(sides == "test") | ((sides == "val") & ours.index.isin(scored))]
    if not (sides == "test").any():
        msg = f"judge.split: no video is of {judge.split!r}, there are {', '.join(sorted(set(ours['side']) - {''}))}"
        raise InputError(msg)
    attributes = table.rows.loc[hits.index].drop(columns=list(ROW_COLUMNS)).set_axis(scored)
    attributes = attributes.reindex(used.index).fillna("")
    compressions = videos.set_index("video_id")["compression"].reindex(used.index).fillna("")
    if len(set(compressions)) > 1 and "compression" not in attributes:
        attributes["compression"] = compressions
    rows = pd.concat([used[list(ROW_COLUMNS)], attributes], axis=1).assign(side=sides[used.index])
    foreign = matched.loc[matched["video_id"] == "", "id"]
    absent = used.index[(rows["side"] == "test") & ~used.index.isin(scored)]
    unmatched = pd.concat(
        [
            pd.DataFrame({"id": foreign, "where": "in the table, not of this project"}),
            pd.DataFrame({"id": absent, "where": f"of side {judge.split}, not in the table"}),
        ],
        ignore_index=True,
    )
    about = {
        "named_by": "the lineage",
        # methods are ours
        "varied": {name: count for name, count in table.varied.items() if name != "method"},
        "matched": {how: int((matched["how"] == how).sum()) for how in HOW},
        "grouped": True,
        "without_group": 0,
        "without_label": 0,
        "other_sides": int(len(hits) - hits.isin(used.index).sum()),
        "foreign": len(foreign),
        "absent": len(absent),
    }
    scores = table.scores.loc[hits.index].set_axis(scored).reindex(used.index)
    errors = table.errors.loc[hits.index].set_axis(scored).reindex(used.index, fill_value=False)
    faces = table.faces.loc[hits.index].set_axis(scored).reindex(used.index, fill_value=0)
    return Named(rows, scores, errors, faces, unmatched, about)


def _check_labels(theirs: pd.Series, ours: pd.Series) -> None:
    """Refuse labels that contradict the lineage's; theirs may be missing."""
    both = pd.DataFrame({"theirs": theirs, "ours": ours.reindex(theirs.index)}).dropna()
    wrong = both[both["theirs"] != both["ours"]]
    if not len(wrong):
        return
    examples = ", ".join(f"{video} ({row.theirs:g}, here {row.ours:g})" for video, row in wrong.head(3).iterrows())
    remedy = (
        "all of them: the list is inverted, swap 0 and 1 in judge.labels"
        if len(wrong) == len(both) > 1
        else "mend the list, or leave the column out"
    )
    msg = f"judge.labels: {len(wrong)} of {len(both)} labels contradict this project's, such as {examples}; {remedy}"
    raise InputError(msg)
