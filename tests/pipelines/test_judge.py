"""Foreign scores: two detectors worked out by hand, and whatever tables come with."""

import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fakefocus.datasets.foreign_scores import ForeignScores
from fakefocus.errors import InputError
from fakefocus.parameters import Evaluation, Judge
from fakefocus.pipelines.judge.matching import match_ids
from fakefocus.pipelines.judge.nodes import (
    draw_methods,
    draw_ranking,
    judge_scores,
    name_judged_rows,
    refuse_low_coverage,
    tabulate_metrics,
    tabulate_pairs,
    write_judgement,
)
from fakefocus.pipelines.judge.oriented import Oriented
from fakefocus.pipelines.judge.verdicts import correct_gaps, false_alarm_gaps

ROOT = Path(__file__).resolve().parents[2]
TWO_DETECTORS = """file,truth,first,second
r1.mp4,real,.1,.9
r2.mp4,real,.4,.6
r3.mp4,real,.4,
f4.mp4,fake,.4,.6
f5.mp4,fake,.8,.2
f6.mp4,fake,.9,.1
f7.mp4,fake,broken,.3
"""
"""Of ``first`` f7 is no number; of ``second`` r3 is empty, and a high score means real."""
OPTIONS: dict[str, Any] = {
    "columns": {"label": "truth", "scores": ["first", "second"]},
    "polarity": {"second": "real"},
}
NOTHING = pd.DataFrame()
VIDEOS = pd.DataFrame(
    [
        ("set-Swap-000_001", "/data/set/fakes/Swap/c23/videos/000_001.mp4", 1, "Swap", "g/0", "test"),
        ("set-Morph-000_001", "/data/set/fakes/Morph/c23/videos/000_001.mp4", 1, "Morph", "g/0", "test"),
        ("set-real-000", "/data/set/originals/c23/videos/000.mp4", 0, "", "g/0", "test"),
        ("set-real-001", "/data/set/originals/c23/videos/001.mp4", 0, "", "g/1", "test"),
        ("set-real-002", "/data/set/originals/c23/videos/002.mp4", 0, "", "g/2", "train"),
    ],
    columns=["video_id", "path", "label", "method", "group", "split"],
).assign(compression="c23")
SPLITS = VIDEOS.drop(columns=["path", "compression"]).assign(side=VIDEOS["split"], status="ok", reason="")


def _evaluation(**changes: Any) -> Evaluation:
    return Evaluation.model_validate({"threshold": "validation", "batch_size": 1, "confidence": 0.95} | changes)


def _tables(folder: Path, **files: str) -> dict[str, pd.DataFrame]:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    return ForeignScores(source=str(folder)).load()


def _name(
    tables: dict[str, pd.DataFrame],
    options: dict[str, Any] | None = None,
    videos: pd.DataFrame = NOTHING,
    splits: pd.DataFrame = NOTHING,
    **evaluation: Any,
) -> tuple[pd.DataFrame, dict[str, Any], pd.DataFrame]:
    judge = Judge.model_validate(options or {})
    return name_judged_rows(tables, videos, splits, {"hash": "abc"}, judge, _evaluation(**evaluation))


def _judge(tables: dict[str, pd.DataFrame], options: dict[str, Any] | None = None, **evaluation: Any) -> dict[str, Any]:
    rows, reading, _ = _name(tables, options, **evaluation)
    return judge_scores(rows, reading, Judge.model_validate(options or {}), _evaluation(**evaluation))


def test_two_detectors_with_ties_missing_rows_and_swapped_polarity(tmp_path: Path) -> None:
    results = _judge(_tables(tmp_path, theirs=TWO_DETECTORS), OPTIONS)
    first, second = results["detectors"]["first"], results["detectors"]["second"]
    # first: reals .1 .4 .4, fakes .4 .8 .9: of 9 pairs .4 wins 1 and ties 2, .8 and .9 win 3 each: 8
    assert first["metrics"]["auc"]["value"] == pytest.approx(8 / 9)
    # second, 1 - s: reals .1 .4, fakes .4 .8 .9 .7: of 8 pairs .4 wins 1 and ties 1, the others win 2 each: 7.5
    assert second["metrics"]["auc"]["value"] == pytest.approx(7.5 / 8)
    counts = {"named": 7, "ok": 6, "missing": 0, "error": 1}
    assert first["coverage"] == pytest.approx(counts | {"share": 6 / 7, "real": 1.0, "fake": 3 / 4})
    assert second["coverage"]["missing"] == 1
    assert second["coverage"]["real"] == pytest.approx(2 / 3)
    # at .5: of first 3 of 3 reals and 2 of 3 fakes are right; a probability needs no other threshold
    assert first["threshold"] == 0.5
    assert first["metrics"]["accuracy"]["value"] == pytest.approx(5 / 6)
    assert not first["adapted"]


def test_each_policy_for_a_missing_row_is_what_it_says(tmp_path: Path) -> None:
    tables = _tables(tmp_path, theirs=TWO_DETECTORS)
    detectors = _judge(tables, OPTIONS)["detectors"]
    # first, f7 stands at .5, 0 or 1 against reals .1 .4 .4: it wins 3, 0 or 3 of 12 pairs, beside the 8 of the others
    assert detectors["first"]["policies"] == pytest.approx(
        {"exclude": 8 / 9, "as_chance": 11 / 12, "as_real": 8 / 12, "as_fake": 11 / 12}
    )
    # second, the real r3 stands at .5, 0 or 1 against fakes .4 .8 .9 .7: 3, 4 or 0 of 12 pairs are right, beside 7.5
    assert detectors["second"]["policies"] == pytest.approx(
        {"exclude": 7.5 / 8, "as_chance": 10.5 / 12, "as_real": 11.5 / 12, "as_fake": 7.5 / 12}
    )
    for policy, value in detectors["second"]["policies"].items():
        graded = _judge(tables, OPTIONS, missing=policy)["detectors"]["second"]["metrics"]["auc"]["value"]
        assert graded == pytest.approx(value)


def test_detectors_are_compared_on_the_rows_that_both_scored(tmp_path: Path) -> None:
    (pair,) = _judge(_tables(tmp_path, theirs=TWO_DETECTORS), OPTIONS)["pairs"]
    # r1, r2, f4, f5 and f6; there 1 - second is first
    assert pair["rows"] == 5
    assert pair["difference"] == pytest.approx(0.0)
    assert pair["better"] == ""


def test_leaving_hard_rows_out_is_seen(tmp_path: Path) -> None:
    rows = ["a,0,.1", "b,0,.2", "c,0,.6", "hard,1,.15", "e,1,.7", "f,1,.8", "g,1,.9"]
    whole = "\n".join(["id,label,net", *rows])
    labels = "\n".join(["id,label", *(row.rsplit(",", 1)[0] for row in rows)])
    dropped = "\n".join(["id,net", *(f"{r.split(',')[0]},{r.split(',')[2]}" for r in rows if "hard" not in r)])
    (tmp_path / "whole").mkdir()
    (tmp_path / "dropped").mkdir()
    complete = _judge(_tables(tmp_path / "whole", net=whole))["detectors"]["net"]
    tables = _tables(tmp_path / "dropped", labels=labels, net=dropped)
    partial = _judge(tables)
    # of 12 pairs «hard» at .15 wins 1, the other fakes 9: 10; without it 9 of 9
    assert complete["metrics"]["auc"]["value"] == pytest.approx(10 / 12)
    assert partial["detectors"]["net"]["metrics"]["auc"]["value"] == pytest.approx(1.0)
    # as chance, at .5, it wins 2 of its 3
    as_chance = _judge(tables, missing="as_chance")["detectors"]["net"]["metrics"]["auc"]["value"]
    assert as_chance == pytest.approx(11 / 12)
    assert partial["detectors"]["net"]["coverage"]["share"] == pytest.approx(6 / 7)
    with pytest.raises(InputError, match=r"1 detectors scored fewer than 99\.0 % of 7 rows: net 85\.7 %"):
        refuse_low_coverage(partial, "", NOTHING, NOTHING)
    assert "Fewer than 99.0 % of the rows were scored" in _page(partial)


def test_complete_scores_are_let_through(tmp_path: Path) -> None:
    results = _judge(_tables(tmp_path, net="id,label,s\na,0,.1\nb,1,.9\n"))
    refuse_low_coverage(results, "", NOTHING, NOTHING)
    assert "Fewer than" not in _page(results)


def test_wide_long_and_several_files_are_judged_alike(tmp_path: Path) -> None:
    wide = pd.DataFrame({"id": list("abcdef"), "label": [0, 0, 1, 1, 1, 0]})
    wide["x"], wide["y"] = [0.1, 0.6, 0.5, 0.9, 0.8, 0.3], [0.2, 0.2, np.nan, 0.7, 0.1, 0.4]
    long = wide.melt(["id", "label"], var_name="model", value_name="score").dropna().sample(frac=1, random_state=1)
    several = {name: wide[["id", "label", name]].rename(columns={name: "p"}).iloc[::-1] for name in ("x", "y")}
    parts = {"one": wide.iloc[:2], "two": wide.iloc[2:]}
    expected = _judge({"all": wide})
    for tables in ({"all": long}, several, parts, {"labels": wide[["id", "label"]], "s": wide[["id", "x", "y"]]}):
        results = _judge(tables)
        assert results["detectors"] == expected["detectors"]
        assert results["pairs"] == expected["pairs"]
        assert results["reading"]["ids"] == 6


def test_swapped_scores_are_said_to_be_and_not_flipped() -> None:
    rng = np.random.default_rng(0)
    label = np.repeat([0, 1], 40)
    scores = 0.7 - 0.5 * label + rng.random(80) / 4
    table = pd.DataFrame({"id": [f"v{n}" for n in range(80)], "label": label, "net": scores})
    results = _judge({"t": table})
    # every real is above .7, every fake below .45
    assert results["detectors"]["net"]["metrics"]["auc"]["value"] == 0.0
    assert results["detectors"]["net"]["swapped"]
    assert "judge.polarity: {net: real}" in _page(results)
    turned = _judge({"t": table}, {"polarity": "real"})["detectors"]["net"]
    assert turned["metrics"]["auc"]["value"] == 1.0
    assert not turned["swapped"]


def test_logits_have_no_calibration_and_an_adapted_threshold() -> None:
    table = pd.DataFrame({"id": list("abcd"), "label": [0, 0, 1, 1], "net": [-3.0, -1.0, 2.0, 4.0]})
    results = _judge({"t": table})
    net = results["detectors"]["net"]
    # equal errors, none, anywhere between -1 and 2: halfway
    assert net["threshold"] == pytest.approx(0.5)
    assert net["adapted"]
    assert net["metrics"]["accuracy"]["value"] == 1.0
    assert all(net["metrics"][name]["value"] is None for name in ("brier", "ece", "log_loss"))
    assert "Adapted thresholds" in _page(results)
    with pytest.raises(InputError, match=r"judge\.scale: 4 scores of net are no probability in \[0, 1\], such as -3"):
        _judge({"t": table}, {"scale": "probability"})


@pytest.mark.parametrize(("polarity", "threshold"), [("fake", -0.5), ("real", 0.5)])
def test_given_threshold_is_on_the_scale_of_the_file(polarity: str, threshold: float) -> None:
    scores = np.array([-3.0, -0.5, -0.4, 4.0])
    table = pd.DataFrame({"id": list("abcd"), "label": [0, 0, 1, 1], "net": scores if polarity == "fake" else -scores})
    net = _judge({"t": table}, {"polarity": polarity, "threshold": threshold})["detectors"]["net"]
    # the real at the threshold is called fake: 3 of 4 are right
    assert net["metrics"]["accuracy"]["value"] == 0.75
    assert net["threshold"] == threshold
    assert not net["adapted"]


def test_threshold_comes_from_validation_rows_where_there_are_some() -> None:
    table = pd.DataFrame(
        {
            "id": list("abcdefgh"),
            "label": [0, 1, 0, 1, 0, 1, 0, 1],
            "split": ["valid", "valid", "test", "test", "test", "test", "train", "train"],
            "net": [0.2, 0.4, 0.1, 0.35, 0.25, 0.9, 0.99, 0.0],
        }
    )
    net = _judge({"t": table})["detectors"]["net"]
    # halfway between .2 and .4; test rows .1 and .25 are below, .35 and .9 above
    assert net["threshold"] == pytest.approx(0.3)
    assert net["metrics"]["accuracy"]["value"] == 1.0
    assert net["coverage"]["named"] == 4
    assert not net["adapted"]


def test_an_adapted_threshold_cannot_come_from_no_validation_rows() -> None:
    table = pd.DataFrame({"id": list("ab"), "label": [0, 1], "net": [0.2, 0.4]})
    with pytest.raises(InputError, match=r"judge\.threshold: validation needs scored rows of both labels on side val"):
        _judge({"t": table}, {"threshold": "validation"})


def test_ids_match_by_video_id_path_and_file_name() -> None:
    ids = [
        "set-real-001",
        "C:\\Users\\me\\set\\fakes\\Swap\\c23\\videos\\000_001.mp4",
        "Morph/c23/videos/000_001",
        "000.mp4",
        "elsewhere.mp4",
    ]
    matched = match_ids(ids, VIDEOS)
    assert matched["video_id"].tolist() == ["set-real-001", "set-Swap-000_001", "set-Morph-000_001", "set-real-000", ""]
    assert matched["how"].tolist() == ["video_id", "path", "path", "file name", ""]


def test_file_name_of_two_videos_is_refused_with_both() -> None:
    with pytest.raises(InputError, match=r"'000_001\.mp4': set-Swap-000_001 and set-Morph-000_001"):
        match_ids(["000_001.mp4"], VIDEOS)


def test_two_ids_of_one_video_are_refused() -> None:
    with pytest.raises(InputError, match=r"set-real-000: 'a/000\.mp4' and '000' \(matched by file name\)"):
        match_ids(["a/000.mp4", "000"], VIDEOS)


def test_unmatched_rows_are_listed_both_ways() -> None:
    table = pd.DataFrame({"id": ["set-real-000", "000_001", "Swap/c23/videos/000_001.mp4"], "net": [0.1, 0.5, 0.9]})
    table.loc[1, "id"] = "nobody.mp4"
    rows, reading, unmatched = _name({"t": table}, videos=VIDEOS, splits=SPLITS)
    # our side test has four videos: two are scored; labels and groups are ours
    assert rows.set_index("id")["status.net"].to_dict() == {
        "set-Swap-000_001": "ok",
        "set-Morph-000_001": "missing",
        "set-real-000": "ok",
        "set-real-001": "missing",
    }
    assert rows.set_index("id").loc["set-Swap-000_001", ["label", "group", "method"]].tolist() == [1, "g/0", "Swap"]
    assert unmatched.to_numpy().tolist() == [
        ["nobody.mp4", "in the table, not of this project"],
        ["set-Morph-000_001", "of side test, not in the table"],
        ["set-real-001", "of side test, not in the table"],
    ]
    assert (reading["foreign"], reading["absent"], reading["split_hash"]) == (1, 2, "abc")


def test_labels_that_contradict_ours_are_refused() -> None:
    ids = ["set-real-000", "set-real-001", "set-Swap-000_001"]
    table = pd.DataFrame({"id": ids, "label": [0, 1, 1], "net": [0.1] * 3})
    with pytest.raises(InputError, match=r"1 of 3 labels contradict .* such as set-real-001 \(1, here 0\)"):
        _name({"t": table}, videos=VIDEOS, splits=SPLITS)
    with pytest.raises(InputError, match=r"3 of 3 labels .* the list is inverted, swap 0 and 1 in judge\.labels"):
        _name({"t": table.assign(label=[1, 1, 0])}, videos=VIDEOS, splits=SPLITS)
    inverted = {"labels": {"0": 1, "1": 0}}
    rows, _, _ = _name({"t": table.assign(label=[1, 1, 0])}, inverted, videos=VIDEOS, splits=SPLITS)
    assert rows["label"].sum() == 2


def test_table_of_other_media_says_itself_what_is_judged_unless_asked_otherwise() -> None:
    table = pd.DataFrame({"id": ["x.mp4", "y.mp4", "z.mp4"], "label": [0, 1, 1], "net": [0.1, 0.5, 0.9]})
    _, reading, _ = _name({"t": table}, videos=VIDEOS, splits=SPLITS)
    assert (reading["named_by"], reading["test"], reading["split_hash"]) == ("the table", 3, "")
    half = table.assign(id=["000.mp4", "y.mp4", "z.mp4"])
    with pytest.raises(InputError, match=r"judge\.match: 1 of 3 ids are videos of the lineage.*y\.mp4, z\.mp4"):
        _name({"t": half}, videos=VIDEOS, splits=SPLITS)
    with pytest.raises(InputError, match=r"judge\.match: .* run kedro run --pipelines=data,split first"):
        _name({"t": table}, {"match": "lineage"})


def test_an_id_that_stands_twice_is_refused_unless_rows_are_faces() -> None:
    table = pd.DataFrame(
        {
            "id": ["a", "a", "a", "b", "b"],
            "track": [0, 0, 1, 0, 0],
            "label": [0, 0, 1, 0, 0],
            "net": [0.1, 0.3, 0.9, 0.4, np.nan],
        }
    )
    with pytest.raises(InputError, match=r"2 ids stand twice for net, such as a, b: .*judge\.rows: faces"):
        _name({"t": table})
    rows, reading, _ = _name({"t": table}, {"rows": "faces"})
    # a: track 0 has a mean of .2, track 1 of .9, the most fake person counts; b: its one score
    assert rows.set_index("id")["score.net"].to_dict() == pytest.approx({"a": 0.9, "b": 0.4})
    assert rows["label"].tolist() == [1, 0]
    assert reading["faces"] == 5
    # where high means real, track 0 looks most fake; its largest score, by the same rule, is its lowest
    turned = {"rows": "faces", "polarity": "real"}
    assert _name({"t": table}, turned)[0]["score.net"].tolist() == pytest.approx([0.2, 0.4])
    assert _name({"t": table}, turned, aggregation="max")[0]["score.net"].tolist() == pytest.approx([0.1, 0.4])


@pytest.mark.parametrize(
    ("column", "options", "place"),
    [
        ("identity", {}, "group"),
        ("split", {}, "split"),
        ("generator", {}, "method"),
        ("region", {"columns": {"attributes": "region"}}, "attributes: region"),
    ],
)
def test_files_that_contradict_each_other_about_an_id_are_refused(
    column: str, options: dict[str, Any], place: str
) -> None:
    one = pd.DataFrame({"id": ["a", "b", "c"], "label": [0, 1, 1], column: ["p", "", "q"], "net": [0.1, 0.8, 0.9]})
    agreeing = pd.DataFrame({"id": ["a", "b", "c"], column: ["p", "r", ""], "other": [0.1, 0.8, 0.9]})
    judge = options | {"split": "p"}
    # an empty cell contradicts nobody
    _, reading, _ = _name({"one": one, "two": agreeing}, judge)
    assert reading["detectors"] == ["one", "two"]
    assert reading["varied"] == {}
    message = rf"judge\.columns\.{place}: an id has one value, but 1 ids have several, such as c \(q and s\): mend"
    with pytest.raises(InputError, match=message):
        _name({"one": one, "two": agreeing.assign(**{column: ["p", "", "s"]})}, judge)


def test_what_made_a_real_may_be_called_otherwise_in_each_file() -> None:
    one = pd.DataFrame({"id": ["a", "b"], "label": [0, 1], "method": ["none", "swap"], "net": [0.1, 0.9]})
    two = pd.DataFrame({"id": ["a", "b"], "method": ["real", "swap"], "other": [0.1, 0.9]})
    assert _name({"one": one, "two": two})[0]["method"].tolist() == ["", "swap"]


def test_faces_of_a_video_are_of_one_group_but_may_differ_in_size_and_method() -> None:
    table = pd.DataFrame(
        {
            "id": ["a", "a", "a", "b", "b"],
            "track": [0, 1, 2, 0, 0],
            "label": [0, 1, 1, 0, 0],
            "identity": ["p", "p", "p", "q", ""],
            "method": ["none", "swap", "morph", "none", "real"],
            "size": ["", "80", "90", "100", "110"],
            "net": [0.1, 0.9, 0.8, 0.2, 0.2],
        }
    )
    options = {"rows": "faces", "columns": {"attributes": "size"}}
    rows, reading, _ = _name({"t": table}, options)
    # the first face of «a» has no size and is real: the second one speaks for the video
    assert rows[["group", "method", "by.size"]].to_numpy().tolist() == [["p", "swap", "80"], ["q", "", "100"]]
    assert reading["varied"] == {"method": 1, "size": 2}
    page = _page(_judge({"t": table}, options))
    assert "size: faces of 2 videos differ, the first with a value speaks for its video" in page
    with pytest.raises(InputError, match=r"judge\.columns\.group: .* 1 ids have several, such as b \(q and r\)"):
        _name({"t": table.assign(identity=["p", "p", "p", "q", "r"])}, options)


def test_faces_without_a_score_are_counted_and_too_many_are_refused(tmp_path: Path) -> None:
    # of the ten faces of each video «net» scores the first, cannot read the second and leaves the others out
    rows = [
        f"v{video:02d},{video % 2},{'timeout' if face == 1 else video % 2 if face == 0 else ''},{video % 2}"
        for video in range(20)
        for face in range(10)
    ]
    options = {"rows": "faces", "columns": {"scores": ["net", "whole"]}}
    results = _judge(_tables(tmp_path, t="\n".join(["id,label,net,whole", *rows])), options)
    net, whole = results["detectors"]["net"], results["detectors"]["whole"]
    counts = {"named": 20, "ok": 20, "missing": 0, "error": 0, "share": 1.0, "real": 1.0, "fake": 1.0}
    assert net["coverage"] == whole["coverage"] == counts
    assert whole["face_coverage"] == counts | {"named": 200, "ok": 200}
    shares = {"share": 0.1, "real": 0.1, "fake": 0.1}
    assert net["face_coverage"] == {"named": 200, "ok": 20, "missing": 160, "error": 20} | shares
    message = r"1 detectors scored fewer than 99\.0 % of 20 videos, or of their faces: net 100\.0 % of videos, 10\.0 %"
    with pytest.raises(InputError, match=message):
        refuse_low_coverage(results, "", NOTHING, NOTHING)
    page = _page(results)
    assert "Fewer than 99.0 % of the videos or of their faces were scored" in page
    assert "faces of judged videos with a score, with none, and with an error: net 20, 160, 20<" in page
    assert "<td>net</td><td>200</td><td>20</td><td>160</td><td>20</td>" in page
    table = tabulate_metrics(results).drop_duplicates("detector").set_index("detector")
    assert table["face_coverage"].to_dict() == {"net": 0.1, "whole": 1.0}
    assert results["tracked"]["net.face_coverage"] == 0.1


def test_faces_of_our_videos_are_counted_on_the_side_that_is_judged() -> None:
    ids = ["set-real-000", "set-real-000", "set-Swap-000_001", "set-real-002"]
    table = pd.DataFrame({"id": ids, "net": [0.1, np.nan, 0.9, 0.2]})
    options = {"rows": "faces"}
    rows, reading, _ = _name({"t": table}, options, videos=VIDEOS, splits=SPLITS)
    # three faces are of side test; of two of its videos no face is there
    counts = {"named": 3, "ok": 2, "missing": 1, "error": 0}
    assert reading["face_coverage"]["net"] == pytest.approx(counts | {"share": 2 / 3, "real": 0.5, "fake": 1.0})
    assert rows["status.net"].tolist().count("missing") == 2


def test_unknown_labels_and_columns_are_refused_with_the_remedy() -> None:
    table = pd.DataFrame({"id": ["a", "b"], "label": ["genuine", "fake"], "net": [0.1, 0.9]})
    with pytest.raises(InputError, match=r"column 'label' holds 'genuine', and labels are 'real', 'fake'"):
        _name({"t": table})
    rows, _, _ = _name({"t": table}, {"labels": {"Genuine": 0, "FAKE": 1}})
    assert rows["label"].tolist() == [0, 1]
    with pytest.raises(InputError, match=r"judge\.columns\.method: no table has a column 'labl', did you mean 'label'"):
        _name({"t": table}, {"columns": {"method": "labl"}})
    with pytest.raises(InputError, match=r"judge\.polarity: no detector 'nett', did you mean 'net'\?"):
        _name({"t": table}, {"labels": {"genuine": 0, "fake": 1}, "polarity": {"nett": "real"}})


def test_rows_without_a_label_are_listed_and_not_judged() -> None:
    table = pd.DataFrame({"id": ["a", "b", "c"], "label": ["real", "fake", ""], "net": ["0,1", "0,9", "1"]})
    rows, reading, unmatched = _name({"t": table})
    # decimal commas are read
    assert rows["score.net"].tolist() == [0.1, 0.9]
    assert unmatched.to_numpy().tolist() == [["c", "without a label"]]
    assert reading["without_label"] == 1
    with pytest.raises(InputError, match=r"judge\.columns\.label: no column holds labels"):
        _name({"t": table.drop(columns="label")})


def test_labels_of_validation_rows_alone_are_refused() -> None:
    table = pd.DataFrame({"id": list("abcd"), "label": [0, 1, "", ""], "split": ["val", "val", "test", "test"]})
    table["net"] = [0.1, 0.9, 0.2, 0.8]
    message = r"judge\.columns\.label: .* none of 2 rows of split 'test' has one: label them, or say judge\.split: val"
    with pytest.raises(InputError, match=message):
        _name({"t": table})
    assert _judge({"t": table}, {"split": "val"})["detectors"]["net"]["coverage"]["named"] == 2


def test_rows_without_a_group_among_others_are_said() -> None:
    table = pd.DataFrame({"id": list("abcde"), "label": [0, 1, 0, 1, 1], "identity": ["p", "p", "", "", "q"]})
    table["split"], table["net"] = ["test", "test", "test", "test", "train"], [0.1, 0.9, 0.2, 0.8, 0.7]
    page = _page(_judge({"t": table}))
    assert "2 of 4 judged rows name no identity group: each of them counts as a person of its own" in page
    assert "by identity groups, but 2 name none" in page
    complete = _page(_judge({"t": table.assign(identity=["p", "p", "q", "q", ""])}))
    assert "name no" not in complete
    assert "name none" not in complete
    # the only name is on a row that is not judged
    nobody = _page(_judge({"t": table.assign(identity=["", "", "", "", "q"])}))
    assert "Rows count as independent" in nobody


def test_none_is_a_name_but_no_score_and_no_label() -> None:
    table = pd.DataFrame(
        {
            "id": ["NA", "b", "c", "d", "e"],
            "label": ["real", "fake", "fake", "fake", "none"],
            "identity": ["-", "none", "", np.nan, "x"],
            "generator": ["none", "none", "gan", "", ""],
            "occlusion": ["none", "NA", "mask", "", ""],
            "net": ["0.1", "none", "-", "n/a", "1"],
        }
    )
    rows, _, unmatched = _name({"t": table}, {"columns": {"attributes": "occlusion", "scores": "net"}})
    assert unmatched["id"].tolist() == ["e"]
    assert rows["id"].tolist() == ["NA", "b", "c", "d"]
    # two cells name nobody: their rows stand for themselves; what made a real is no method
    assert rows["group"].tolist() == ["-", "none", "row:c", "row:d"]
    assert rows["method"].tolist() == ["", "none", "gan", ""]
    assert rows["by.occlusion"].tolist() == ["none", "NA", "mask", ""]
    assert rows["status.net"].tolist() == ["ok", "missing", "missing", "missing"]
    labels = {"None": 0, "fake": 1}
    rows, _, _ = _name({"t": table.assign(label=["none", *["fake"] * 4])}, {"labels": labels})
    assert rows["label"].tolist() == [0, 1, 1, 1, 1]


def test_a_column_that_is_named_for_one_thing_is_not_taken_for_another() -> None:
    table = pd.DataFrame({"id": list("aabb"), "method": ["x", "y"] * 2, "label": [0, 0, 1, 1]})
    table["score"] = [0.1, 0.2, 0.8, 0.9]
    rows, reading, _ = _name({"t": table}, {"columns": {"detector": "method"}})
    assert reading["detectors"] == ["x", "y"]
    assert set(rows["method"]) == {""}


def test_columns_of_counts_and_words_are_no_detectors() -> None:
    words = {"frames": [3, 4], "codec": ["h264", "vp9"]}
    table = pd.DataFrame({"id": ["a", "b"], "label": [0, 1], "net": [0.1, 0.9], **words})
    assert _name({"t": table})[1]["detectors"] == ["net"]


def test_attributes_have_the_same_bands_for_all_detectors_and_show_values_that_one_of_them_lacks() -> None:
    # sizes 1 to 40, in quarters up to 10.75, 20.5, 30.25 and 40; «best» has no score of the smallest five, the masked
    n = np.arange(40)
    table = pd.DataFrame({"id": [f"v{i:02d}" for i in n], "label": n % 2, "face.size": n + 1})
    table["worn"] = np.where(n < 5, "mask", "none")
    table["best"] = np.where(n < 5, np.nan, n % 2)
    table["other"] = np.where(n == 7, 1, n % 2) / 2
    results = _judge({"t": table}, {"columns": {"attributes": ["face.size", "worn"]}})
    best, other = (results["detectors"][name]["by"] for name in ("best", "other"))
    bands = ["0.999 to 10.75", "10.75 to 20.5", "20.5 to 30.25", "30.25 to 40"]
    assert list(best["face.size"]) == list(other["face.size"]) == bands
    assert [best["face.size"][bands[0]][label] for label in ("real", "fake")] == [2, 3]
    assert list(best["worn"]) == ["none"]
    page = _page(results)
    assert next(iter(results["detectors"])) == "best"
    assert "<h2>By face.size</h2>" in page
    assert "<th>mask: AUC, reals right</th><th>none: AUC, reals right</th>" in page
    assert page.count("no rows") == 1
    # of more than five values, a row each
    many = np.where(n < 5, "mask", n % 6)
    page = _page(_judge({"t": table.assign(worn=many)}, {"columns": {"attributes": ["worn"]}}))
    assert page.count('<td class="text">mask</td><td colspan="4">no rows</td>') == 1


def test_the_largest_of_several_gaps_by_chance_is_not_more_than_chance() -> None:
    # twelve values with the same rate of false alarms: 40 tables of them, of which 5 % may be wrong
    rng = np.random.default_rng(0)
    claims = 0
    for _ in range(40):
        values, labels = np.repeat([f"v{i}" for i in range(12)], 20), np.zeros(240, dtype=np.int64)
        rows = Oriented((rng.random(240) < 0.15).astype(float), labels, np.arange(240), True, 0.5)
        detectors = correct_gaps({"net": {"gaps": {"v": false_alarm_gaps(rows, values, 0.95)}}}, 0.95)
        claims += detectors["net"]["gaps"]["v"]["survives"]
    assert claims <= 8


def test_a_video_without_a_face_of_ours_is_judged_if_theirs_scored_it() -> None:
    splits = SPLITS.assign(split=["" if i == 0 else side for i, side in enumerate(SPLITS["split"])])
    splits.loc[0, ["status", "reason"]] = ("no_face", "no face was found")
    table = pd.DataFrame({"id": VIDEOS["video_id"], "net": np.linspace(0.1, 0.9, len(VIDEOS))})
    whole, partly = (_name({"t": table}, videos=VIDEOS, splits=of)[0] for of in (SPLITS, splits))
    assert whole["id"].tolist() == partly["id"].tolist()


def test_a_column_with_a_broken_cell_stays_a_detector() -> None:
    table = pd.DataFrame({"id": [f"v{i}" for i in range(20)], "label": [0, 1] * 10, "net": ["0.5"] * 19 + ["timeout"]})
    rows, reading, _ = _name({"t": table})
    assert reading["detectors"] == ["net"]
    assert rows["status.net"].tolist().count("error") == 1


def test_false_alarm_gaps_are_of_attributes_that_the_table_names() -> None:
    rng = np.random.default_rng(1)
    n = 240
    label, region = np.arange(n) % 2, np.array(["north", "south"])[np.arange(n) // 2 % 2]
    # at .5 all reals of the north are right; of the south, every second one is called fake
    alarm = (region == "south") & (np.arange(n) // 4 % 2 == 0)
    scores = np.where(label == 1, 0.9, np.where(alarm, 0.8, 0.1)) + rng.random(n) / 100
    table = pd.DataFrame({"id": [f"v{i}" for i in range(n)], "label": label, "region": region, "net": scores})
    results = _judge({"t": table}, {"columns": {"attributes": "region"}})
    net = results["detectors"]["net"]
    assert net["by"]["region"]["north"]["specificity"]["value"] == 1.0
    assert net["by"]["region"]["south"]["specificity"]["value"] == 0.5
    gap = net["gaps"]["region"]
    assert (gap["value"], gap["difference"], gap["survives"]) == ("south", 0.5, True)
    assert 0.3 < gap["low"] < 0.5 < gap["high"] < 0.7
    assert "more than chance" in _page(results)


def test_gaps_are_corrected_over_all_values_attributes_and_detectors() -> None:
    def gap(value: str, difference: float, p: float | None) -> dict[str, Any]:
        return {"value": value, "difference": difference, "low": None, "high": None, "p": p}

    one = {"gaps": {"x": [gap("a", 0.3, 0.012), gap("b", -0.2, 0.2), gap("c", 0.4, None)], "y": [gap("d", 0.2, 0.02)]}}
    two = {"gaps": {"x": [gap("a", 0.1, 0.03)], "y": []}}
    corrected = correct_gaps({"one": one, "two": two}, 0.95)
    # four p-values: .012 x 4, .02 x 3, .03 x 2 and .2; «c» is larger than «a», but of too few groups to tell
    assert corrected["one"]["gaps"]["x"]["value"] == "a"
    assert corrected["one"]["gaps"]["x"]["p_holm"] == pytest.approx(0.048)
    assert corrected["one"]["gaps"]["y"]["p_holm"] == pytest.approx(0.06)
    assert corrected["two"]["gaps"]["x"]["p_holm"] == pytest.approx(0.06)
    assert corrected["two"]["gaps"]["y"] is None
    assert [d["gaps"][of]["survives"] for d, of in zip(corrected.values(), "yx", strict=True)] == [False, False]
    assert corrected["one"]["gaps"]["x"]["survives"]
    few = correct_gaps({"one": {"gaps": {"x": [gap("c", 0.4, None)]}}}, 0.95)["one"]["gaps"]["x"]
    assert (few["value"], few["p_holm"], few["survives"]) == ("c", None, False)


def test_a_gap_that_one_detector_may_claim_is_not_claimed_by_the_largest_of_four() -> None:
    # of 40 reals of the north 3 are called fake, of the south 10
    n = np.arange(160)
    label, region = n % 2, np.array(["north", "south"])[n // 80]
    alarm = (label == 0) & (np.where(region == "south", n - 80, n + 14) // 2 < 10)
    table = pd.DataFrame({"id": [f"v{i}" for i in n], "label": label, "region": region})
    scores = np.where(alarm, 0.8, label * 0.9)
    options = {"columns": {"attributes": "region"}}
    alone = _judge({"t": table.assign(net=scores)}, options)
    four = _judge({"t": table.assign(**{f"net_{place}": scores for place in range(4)})}, options)
    gap = alone["detectors"]["net"]["gaps"]["region"]
    assert (gap["value"], gap["difference"], gap["survives"]) == ("south", pytest.approx(7 / 40), True)
    for detector in four["detectors"].values():
        assert detector["gaps"]["region"]["p_holm"] == pytest.approx(4 * gap["p"])
        assert not detector["gaps"]["region"]["survives"]
    assert "more than chance</span>" in _page(alone)
    assert "more than chance</span>" not in _page(four)
    assert "called fake most above those of all other values together" in _page(four)


def test_tables_hold_all_that_was_measured(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"id": list("abcdef"), "label": [0, 0, 0, 1, 1, 1], "generator": ["", "", "camera", "gan", "gan", "diffusion"]}
    )
    table["net"] = [0.1, 0.6, 0.2, 0.5, 0.7, 0.9]
    results = _judge({"t": table})
    metrics = tabulate_metrics(results).set_index(["scope", "of", "metric"])["value"]
    # gan: .5 beats 2 of 3 reals, .7 all 3: 5 of 6; what made a real is no method
    assert metrics["method", "gan", "auc"] == pytest.approx(5 / 6)
    assert metrics["method", "diffusion", "auc"] == 1.0
    assert set(results["detectors"]["net"]["by_method"]) == {"gan", "diffusion"}
    assert tabulate_pairs(results).empty
    assert results["tracked"]["net.coverage"] == 1.0


def _page(results: dict[str, Any]) -> str:
    judge = Judge()
    pictures = []
    for figure in (draw_ranking(results), draw_methods(results, judge)):
        assert figure.get_axes() or figure.texts
        pictures.append(b"\x89PNG")
    return re.sub(r"\s+", " ", write_judgement(results, pd.DataFrame(columns=["id", "where"]), *pictures, judge))


def test_run_of_a_csv_writes_everything_then_fails_on_coverage_and_never_needs_torch(
    make_project: Callable[[str], Path], empty_store: Path, tmp_path: Path
) -> None:
    # above, it would mark the other tests of this module as slow
    import subprocess

    project = make_project("judge")
    shutil.copy(empty_store, project / "mlflow.db")
    (project / "their scores.csv").write_text(TWO_DETECTORS)
    options = {"params": {"scores": "their scores.csv", "judge": OPTIONS}}
    code = (
        "import runpy, sys\n"
        f"sys.argv = ['run_project.py', {str(project)!r}, 'judge', {json.dumps(json.dumps(options))}]\n"
        f"try:\n    runpy.run_path({str(ROOT / 'tests/run_project.py')!r}, run_name='__main__')\n"
        "except ValueError as error:\n    print(error)\n"
        "print('torch imported:', 'torch' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=project,
        env={**_environment(), "MLFLOW_TRACKING_URI": f"sqlite:///{project}/mlflow.db"},
    )
    assert "2 detectors scored fewer than 99.0 % of 7 rows: second 85.7 %, first 85.7 %" in done.stdout, done.stderr
    assert "torch imported: False" in done.stdout
    results = project / "data/07_model_output/tiny/judge"
    assert {file.name for file in results.iterdir()} == {
        *("rows.parquet", "reading.json", "unmatched.csv", "results.json", "metrics.csv", "pairs.csv"),
    }
    page = (project / "data/08_reporting/tiny/judge.html").read_text()
    assert "Fewer than 99.0 % of the rows were scored" in page
    assert page.count("data:image/png;base64,") == 1  # nothing says how fakes were made
    assert _tracked(project)["judge.first.auc"] == pytest.approx(8 / 9)


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}


def _tracked(project: Path) -> dict[str, float]:
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{project}/mlflow.db")
    (run,) = client.search_runs([e.experiment_id for e in client.search_experiments()])
    return dict(run.data.metrics)
