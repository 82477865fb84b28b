"""What the explanation says in words and tables."""

from collections.abc import Sequence
from typing import Any

from fakefocus import wording
from fakefocus.explain.titles import METHOD_TITLES
from fakefocus.models.fitting import trainings_in

ORDER = 10
"""Of the section in the report."""
KINDS = {
    "masked": "fakes, the mask of the data set",
    "self_blended": "blends of the whole face",
    "regional": "blends of a part of the face",
}


def section(split_hash: str, results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the section of the report on all detectors."""
    return {
        "title": "What the detectors look at",
        "order": ORDER,
        "split_hash": split_hash,
        "trainings": trainings_in(results),
        "text": [
            "Test faces only; nothing here chose anything. A heat map says where a score comes from, relative to its "
            "own hottest place. Whether it can be trusted is measured: does it meet the places that were altered "
            "better than a map that is always hot in the middle; does the score move where its hot places are taken "
            "away; and does it change where the network has learned nothing.",
            *(in_a_line(result) for result in results),
            "A detector may be right without looking at the altered place (an outline, a border of the blend), and a "
            "mask of a whole face is met by whoever looks at faces: the blends of a part tell more. Intervals over "
            "groups of people, the detector as it is.",
        ],
        "tables": [table for make in (_localised, _faithful, _map_use) if (table := make(results))["rows"]],
        "caption": "",
        "pictures": [picture for result in results for picture in _pictures(result)],
    }


def in_a_line(result: dict[str, Any]) -> str:
    """Say what heat maps of a detector are worth."""
    shown = [row for rows in result["localised"].values() for row in rows if row["method"] != "centre"]
    beyond = [row for row in shown if row["beyond_centre"]["low"] is not None and row["beyond_centre"]["low"] > 0]
    moved = [
        row
        for row in result["faithful"]
        for name, sign in (("deletion", -1), ("insertion", 1))
        if _is_beyond(row[name]["difference"], sign)
    ]
    learned = [
        row for row in result["unlearned"] if row["likeness"]["high"] is not None and row["likeness"]["high"] < 0.5
    ]
    return (
        f"{result['detector']}: {len(beyond)} of {len(shown)} comparisons show heat maps that meet altered places "
        f"better than the middle of the picture does; in {len(moved)} of {2 * len(result['faithful'])} a score follows "
        f"hot places more than places drawn by chance; {len(learned)} of {len(result['unlearned'])} kinds of map have "
        "a rank correlation with those of an untrained network that is shown to be below .5."
    )


def tracked(result: dict[str, Any]) -> dict[str, float]:
    """Return the numbers of a detector's run by name."""
    values: dict[str, float | None] = {}
    for kind, rows in result["localised"].items():
        for row in rows:
            name = ".".join(filter(None, (kind, row["part"], row["method"])))
            values |= {f"{name}.{what}": row[what]["value"] for what in ("hit", "overlap", "inside")}
    for row in result["faithful"]:
        name = ".".join(filter(None, (row["part"], row["method"])))
        values |= {f"{name}.{what}": row[what]["area"] for what in ("deletion", "insertion")}
    for row in result["unlearned"]:
        values[".".join(filter(None, (row["part"], row["method"], "unlearned")))] = row["likeness"]["value"]
    return {name: value for name, value in values.items() if value is not None}


def _localised(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    columns = [
        *("detector", "altered places of", "heat map", "faces, people", "hottest place inside", "overlap (IoU)"),
        *("beyond the middle", "heat inside", "by chance: inside, overlap"),
    ]
    rows = [
        [
            result["detector"],
            KINDS[kind],
            _map_name(row),
            f"{row['faces']}, {row['people']}",
            wording.interval(row["hit"]),
            wording.interval(row["overlap"]),
            "" if row["beyond_centre"] is None else wording.interval(row["beyond_centre"], signed=True),
            wording.interval(row["inside"]),
            f"{row['altered']:.3f}, {row['overlap_by_chance']:.3f}",
        ]
        for result in results
        for kind, of_kind in result["localised"].items()
        for row in of_kind
    ]
    return {"title": "Do heat maps meet what was altered?", "columns": columns, "rows": rows}


def _faithful(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    columns = [
        *("detector", "heat map", "faces", "deletion, area", "less chance", "insertion, area", "less chance"),
        "likeness to an untrained network's",
    ]
    rows = []
    for result in results:
        unlearned = {(row["part"], row["method"]): row for row in result["unlearned"]}
        for row in result["faithful"]:
            deletion, insertion = row["deletion"], row["insertion"]
            rows.append(
                [
                    result["detector"],
                    _map_name(row),
                    f"{row['faces']}, {row['called_fake']} called fake",
                    f"{deletion['area']:.3f}",
                    wording.interval(deletion["difference"], signed=True),
                    f"{insertion['area']:.3f}",
                    wording.interval(insertion["difference"], signed=True),
                    _likeness(unlearned[row["part"], row["method"]]),
                ]
            )
    title = "Does the score follow the map? (deletion: lower is better; insertion: higher; likeness: near 0)"
    return {"title": title, "columns": columns, "rows": rows}


def _likeness(row: dict[str, Any]) -> str:
    return f"{wording.interval(row['likeness'], signed=True)}, {row['faces']} faces" if row["faces"] else "flat maps"


def _map_use(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    rows = [
        [
            result["detector"],
            row["maps"],
            str(use["faces"]),
            wording.number(use["auc"]),
            wording.number(row["auc"]),
            wording.interval(row["difference"], signed=True),
            f"{row['score_change']:.3f}",
        ]
        for result in results
        if (use := result["map_use"]) is not None
        for row in use["changed"]
    ]
    columns = ["detector", "maps", "faces", "AUC as it is", "AUC then", "difference", "mean change of a score"]
    return {"title": "What the defocus map is worth to the detector (AUC of faces)", "columns": columns, "rows": rows}


def _pictures(result: dict[str, Any]) -> list[dict[str, str]]:
    name, family = result["detector"], result["family"]
    captions = {
        "heat": (
            "where it looks",
            "What speaks for fake, face by face; the line is where a face was altered. Of each kind the first in "
            "order, not the best. Where the map counts: the size of the gradient by the defocus map.",
        ),
        "inside": ("what is inside", "Parts of the network that show what they learned, on test faces."),
        "embeddings": (
            "which faces are alike to it",
            "Test faces as the network sees them just before its decision. On both planes distances within a cloud say "
            "more than those between clouds. Where colours of people and not of forgeries part, it sees people.",
        ),
        "mistakes": (
            "its worst mistakes",
            "The test videos farthest on the wrong side of the threshold, each by the face that counts most for it.",
        ),
        "over_time": (
            "scores over time",
            "Of each label the video that it is rightly surest of, and the one that it is most wrong about.",
        ),
    }
    return [
        {"figure": f"{family}.{what}", "title": f"{name}: {title}", "caption": caption}
        for what, (title, caption) in captions.items()
    ]


def _map_name(row: dict[str, Any]) -> str:
    title = METHOD_TITLES.get(row["method"], "always the middle")
    return f"{row['part']}: {title}" if row["part"] else title


def _is_beyond(difference: dict[str, float | None], sign: int) -> bool:
    end = difference["high"] if sign < 0 else difference["low"]
    return end is not None and sign * end > 0
