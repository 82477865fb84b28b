"""The numbers of the report as files: CSV, and LaTeX as a paper sets them.

Tables of detectors have a number a cell in CSV; those of protocols hold the text that the report shows. LaTeX needs the
package booktabs, and an engine that reads UTF-8 (pdfLaTeX of 2018 and later do, with T1 fonts).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, count
from typing import Any, NamedTuple

import pandas as pd

from fakefocus.pipelines.reporting.figures import Judged
from fakefocus.schemas import judged_scope

_HEAD = "% needs \\usepackage{{booktabs}} and \\usepackage[T1]{{fontenc}}; split {hash}\n"
_SYMBOLS = {
    "δ": r"$\delta$",
    "ε": r"$\varepsilon$",
    "λ": r"$\lambda$",
    "μ": r"$\mu$",
    "σ": r"$\sigma$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "−": "$-$",
    "·": r"$\cdot$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "→": r"$\to$",
    "∞": r"$\infty$",
    "‖": r"$\|$",
    "°": r"$^\circ$",
    "²": "$^2$",
    "³": "$^3$",
    "₁": "$_1$",
    "₂": "$_2$",
}
"""What text has and the fonts of LaTeX lack."""
_NONE = "--"
_NOT_TESTED: dict[str, dict[str, float | None]] = {"auc": {"value": None, "low": None, "high": None}}
_UNDEFINED = f" {_NONE}: undefined, or too few identity groups."


class PaperTable(NamedTuple):
    """A table under its two faces.

    Attributes:
        name: Of its files, and of its label in LaTeX behind ``tab:``.
        caption: What it shows, of which side, with what intervals.
        numbers: For CSV: names in snake_case, intervals in columns of their own.
        shown: For LaTeX: text, under the headings that it is printed with.
        best: Rows and columns of ``shown`` that are printed bold.
    """

    name: str
    caption: str
    numbers: pd.DataFrame
    shown: pd.DataFrame
    best: frozenset[tuple[int, str]] = frozenset()


def paper_tables(
    detectors: Sequence[Judged], pairs: Sequence[dict[str, Any]], sections: dict[str, dict[str, Any]]
) -> list[PaperTable]:
    """Return all tables of a report.

    Args:
        detectors: Those that were judged, negative controls among them.
        pairs: What `nodes.compare_detectors` found of each two of them.
        sections: The sections of protocols, by protocol.
    """
    own = [_results(detectors, pairs), _methods(detectors), _comparisons(pairs)]
    return [table for table in own if len(table.numbers)] + list(_of_sections(sections))


def as_files(table: PaperTable, split_hash: str) -> dict[str, str]:
    """Return the contents of a table's files by their names."""
    return {f"{table.name}.csv": table.numbers.to_csv(index=False), f"{table.name}.tex": _latex(table, split_hash)}


def _results(detectors: Sequence[Judged], pairs: Sequence[dict[str, Any]]) -> PaperTable:
    numbers: list[dict[str, Any]] = []
    shown: list[dict[str, str]] = []
    marked: set[tuple[int, str]] = set()
    best = _best(detectors, pairs)
    for detector in detectors:
        metrics = detector.summary["metrics"]
        scope = judged_scope(metrics)
        of_scope = metrics[scope]
        aucs = {"auc": metrics["video"]["auc"], "auc_other_methods": metrics.get("held_out", _NOT_TESTED)["auc"]}
        others = {name: of_scope[name] for name in ("ap", "eer", "specificity", "recall")}
        about = {"detector": detector.name, "labels": detector.summary["contract"]["labels"], "judged_on": scope}
        counts = {"parameters": detector.summary["parameters"], **_counts(of_scope)}
        numbers.append(about | counts | _in_columns(aucs | others))
        if detector.name == best:
            marked.add((len(shown), "AUC" if scope == "video" else "Other methods"))
        shown.append(
            {
                "Detector": detector.name,
                "AUC": _with_interval(aucs["auc"]),
                "Other methods": _with_interval(aucs["auc_other_methods"]),
                "EER": _plain(of_scope["eer"]),
            }
        )
    caption = (
        "Test videos: area under the ROC curve (AUC) on methods trained on and on others; equal error rate (EER) on "
        "those, where a detector was trained on none of the tested methods on the others. "
        f"In brackets {_interval(detectors)}. "
        + ("Bold: better than every other detector" if best else "No detector is shown to be better than every other")
        + " (paired test, Holm's correction)."
    )
    return PaperTable("results", caption, pd.DataFrame(numbers), pd.DataFrame(shown), frozenset(marked))


def _best(detectors: Sequence[Judged], pairs: Sequence[dict[str, Any]]) -> str:
    """Return the detector that was shown to be better than every other one; empty if there is none."""
    names = [detector.name for detector in detectors if not detector.control]
    wins = {name: sum(pair["better"] == name for pair in pairs) for name in names}
    return next((name for name in names if len(names) > 1 and wins[name] == len(names) - 1), "")


def _methods(detectors: Sequence[Judged]) -> PaperTable:
    numbers = []
    shown: dict[str, dict[str, str]] = {}
    for detector in detectors:
        for method, metrics in detector.summary["metrics"]["by_method"].items():
            measured = {name: metrics[name] for name in ("auc", "ap", "eer", "recall")}
            about = {"detector": detector.name, "labels": detector.summary["contract"]["labels"], "method": method}
            numbers.append(about | {"trained_on": not metrics["held_out"], **_counts(metrics)} | _in_columns(measured))
            if not detector.control:
                mark = "*" if metrics["held_out"] else ""
                shown.setdefault(method, {"Method": method})[detector.name] = _with_interval(measured["auc"]) + mark
    caption = (
        f"AUC of test videos of one method against all real ones. In brackets {_interval(detectors)}. "
        "An asterisk: not trained on."
    )
    return PaperTable("methods", caption, pd.DataFrame(numbers), pd.DataFrame(shown.values()).fillna(_NONE))


def _comparisons(pairs: Sequence[dict[str, Any]]) -> PaperTable:
    shown = [
        {
            "Second minus first": f"{pair['second']} − {pair['first']}",
            "Videos": str(pair["videos"]),
            "Difference of AUC": _difference(pair),
            "p, corrected": _NONE if pair["p_holm"] is None else f"{pair['p_holm']:.3f}",
            "Better": pair["better"] or "not shown",
        }
        for pair in pairs
    ]
    caption = (
        "Differences of AUC between detectors on the test videos that both scored, intervals over identity groups; p "
        "with Holm's correction over this table."
    )
    return PaperTable("comparisons", caption, pd.DataFrame(pairs), pd.DataFrame(shown))


def _of_sections(sections: dict[str, dict[str, Any]]) -> Iterator[PaperTable]:
    """Yield the tables of protocols, whose cells are text already."""
    for protocol, section in sections.items():
        for number, table in enumerate(section["tables"], start=1):
            content = pd.DataFrame(table["rows"], columns=_distinct(table["columns"])).fillna("").astype(str)
            caption = ": ".join(filter(None, (section["title"], table.get("title"))))
            yield PaperTable(f"{protocol}_{number}", f"{caption}.", content, content)


def _distinct(columns: Sequence[str]) -> list[str]:
    """Return headings with a number behind those that were there before."""
    distinct: list[str] = []
    for column in columns:
        numbered = (f"{column} ({number})" for number in count(2))
        distinct.append(next(name for name in chain([column], numbered) if name not in distinct))
    return distinct


def _counts(metrics: dict[str, Any]) -> dict[str, int]:
    return {"real_videos": metrics["real"], "fake_videos": metrics["fake"]}


def _in_columns(measured: dict[str, dict[str, float | None]]) -> dict[str, float | None]:
    """Return values under their names, and the ends of intervals behind them."""
    return {
        name + end: metric[key]
        for name, metric in measured.items()
        for end, key in (("", "value"), ("_low", "low"), ("_high", "high"))
    }


def _plain(metric: dict[str, float | None]) -> str:
    return _NONE if metric["value"] is None else f"{metric['value']:.3f}"


def _with_interval(metric: dict[str, float | None]) -> str:
    bounds = "" if metric["low"] is None else f" [{metric['low']:.3f}, {metric['high']:.3f}]"
    return _plain(metric) + bounds


def _difference(pair: dict[str, Any]) -> str:
    if pair["difference"] is None:
        return _NONE
    bounds = "" if pair["low"] is None else f" [{pair['low']:+.3f}, {pair['high']:+.3f}]"
    return f"{pair['difference']:+.3f}{bounds}"


def _interval(detectors: Sequence[Judged]) -> str:
    kinds = {
        f"{100 * interval['confidence']:g} % intervals over identity groups ({interval['method']})"
        for interval in (detector.summary["metrics"]["interval"] for detector in detectors)
    }
    return " or ".join(sorted(kinds))


def _latex(table: PaperTable, split_hash: str) -> str:
    shown = table.shown.rename(columns=_escaped)
    bold = {(row, _escaped(column)) for row, column in table.best}
    first, *others = shown.columns
    cells: dict[Any, Any] = {first: _first_in_a_row, **dict.fromkeys(others, _escaped)}
    styled = shown.style.format(cells).hide(axis="index").apply(_bold_cells(bold), axis=None)
    rules = styled.to_latex(
        hrules=True,
        position="t",
        position_float="centering",
        column_format="l" + "r" * (len(shown.columns) - 1),
        caption=_escaped(table.caption + (_UNDEFINED if (table.shown == _NONE).any(axis=None) else "")),
        label=f"tab:{table.name}",
    )
    return _HEAD.format(hash=split_hash) + rules.replace("\\centering\n", "\\centering\\small\n", 1)


def _bold_cells(cells: set[tuple[int, str]]) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def css(shown: pd.DataFrame) -> pd.DataFrame:
        marks = pd.DataFrame("", index=shown.index, columns=shown.columns)
        for row, column in cells:
            marks.loc[shown.index[row], column] = "textbf:--rwrap;"
        return marks

    return css


_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    **_SYMBOLS,
}
_ANY_SPECIAL = re.compile("|".join(map(re.escape, _SPECIAL)))
_NO_LETTER_OF_T1 = re.compile(
    "[^\u0020-\u007e\u00a0-\u0125\u0128-\u0137\u0139-\u013e\u0141-\u0148\u014a-\u0165\u0168-\u017e"
    "\u2013-\u2016\u2018-\u201a\u201c-\u201e\u2026]"
)


def _escaped(text: object) -> str:
    """Return text as LaTeX sets it; whatever a data set calls itself stays text, and letters without a font numbers."""
    plain = _ANY_SPECIAL.sub(lambda match: _SPECIAL[match.group()], str(text))
    return _NO_LETTER_OF_T1.sub(lambda match: rf"\texttt{{U+{ord(match.group()):04X}}}", plain)


def _first_in_a_row(text: object) -> str:
    """Return text as the first cell of a row: a bracket or a star would be read as part of the line break before it."""
    escaped = _escaped(text)
    return f"{{}}{escaped}" if escaped.startswith(("[", "*")) else escaped
