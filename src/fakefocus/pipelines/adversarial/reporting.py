"""Words, tables and the figure of the protocol."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fakefocus import wording
from fakefocus.metrics.intervals import METHOD
from fakefocus.models.fitting import trainings_in
from fakefocus.pipelines.adversarial.budget import UNBOUNDED
from fakefocus.pipelines.adversarial.judging import ALONE
from fakefocus.plotting import GRID, INK, OTHER_COLOURS, WIDTH, style

Result = Mapping[str, Any]

_MODES = {
    "none": "sees no map",
    "kept": "map of the clean crop kept",
    "remade": "map remade after the attack",
    "attacked": "map attacked too, then remade",
}
_RUNS = {"none": "no map", "constant": "map taken as constant", "differentiable": "map attacked too"}
_COLUMNS = 3
_LINES = ("-", "--", ":")


def adversarial_section(results: Sequence[Result]) -> dict[str, Any]:
    """Return the section of the report that tells results of one or more detectors."""
    return {
        "title": "Attacks on detectors",
        "order": 30,
        "split_hash": results[0]["split_hash"],
        "trainings": trainings_in(results),
        "text": _text(results),
        "tables": [_accuracies(results), _sizes(results), *_transfers(results), _sanity(results)],
        "caption": (
            "Accuracy on attacked crops by the largest change of a pixel, one line an attack; bars are intervals over "
            "identity groups. C&W-L2 looks for the smallest change itself and stands apart; hollow: before pixels are "
            "rounded to 8 bits. Panels «shown crops of» are of crops that were changed against the other detector."
        ),
    }


def adversarial_curves(results: Sequence[Result], colours: Mapping[str, str]) -> Figure:
    """Draw accuracy by ε: a panel a detector and map, and one for crops of each other detector.

    Args:
        results: What `show_transferred` gives for each detector.
        colours: Of a family's titles, ``#rrggbb``.
    """
    by_result = [list(_panels(result, results)) for result in results]
    # the detector with most panels first: its own stand in one line
    panels = [panel for of_result in sorted(by_result, key=len, reverse=True) for panel in of_result]
    lines = -(-len(panels) // _COLUMNS)
    figure = Figure(figsize=(WIDTH, 0.7 + 2.5 * lines), layout="constrained")
    axes = figure.subplots(lines, _COLUMNS, squeeze=False, sharey=True).ravel()
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    for axis, (title, family, clean, rows) in zip(axes, panels, strict=False):
        _draw(axis, clean, rows)
        axis.set_title(title, fontsize=9, color=colours.get(family, INK))
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), frameon=False, fontsize=8)
    return figure


def _panels(result: Result, results: Sequence[Result]) -> Iterator[tuple[str, str, dict[str, Any], list[dict]]]:
    """Yield title, family, what the detector says of clean crops, and the rows of each panel."""
    titles = {other["family"]: other["detector"] for other in results}
    clean = {row["maps"]: row for row in result["clean"]}
    for mode in [mode for mode in _MODES if mode in clean]:
        rows = [row for row in result["rows"] if row["maps"] == mode and row["attack"] != UNBOUNDED]
        yield f"{result['detector']}\n{_MODES[mode]}", result["family"], clean[mode], rows
    names = {row["attack"]: row["name"] for row in result["rows"]}
    for source in dict.fromkeys(row["source"] for row in result["transferred"]):
        of_source = [row for row in result["transferred"] if row["source"] == source]
        # the attack that knew most of its detector
        run = of_source[-1]["run"]
        rows = [row | {"name": names[row["attack"]]} for row in of_source if row["run"] == run]
        title = f"{result['detector']}\nshown crops of {titles.get(source, source)}"
        yield title, result["family"], rows[0]["clean"], rows


def _draw(axis: Axes, clean: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    sizes = sorted({row["epsilon"] for row in rows if row["epsilon"] is not None})
    places = {size: number for number, size in enumerate([0, *sizes, None])}
    looks = _looks(rows)
    for number, (name, look) in enumerate(looks.items()):
        of_name = [row for row in rows if row["name"] == name]
        colour = look["color"]
        aside = (number - (len(looks) - 1) / 2) * 0.07
        curve = [{"epsilon": 0, **clean}, *of_name] if of_name[0]["epsilon"] is not None else of_name
        x = [places[row["epsilon"]] + aside for row in curve]
        y = [row["accuracy"]["value"] for row in curve]
        axis.plot(x, y, marker="o", label=name, markersize=3.5, linewidth=1.3, **look)
        for place, row in zip(x, curve, strict=True):
            if row["accuracy"]["low"] is not None:
                axis.plot([place] * 2, [row["accuracy"]["low"], row["accuracy"]["high"]], color=colour, alpha=0.35)
        if len(curve) == 1 and "accuracy_exact" in curve[0]:
            axis.plot(x, curve[0]["accuracy_exact"], "o", color=colour, markersize=3.5, markerfacecolor="white")
    axis.axvline(len(sizes) + 0.5, color=GRID, linewidth=1)
    axis.set_xticks(range(len(places)), ["clean", *map(str, sizes), "C&W"])
    axis.set_ylim(-0.03, 1.03)
    style(axis, "largest change of a pixel (of 255)", "accuracy")


def _looks(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return colour and line by name: attacks of one kind have one colour, the longest of them a whole line."""
    kinds = {row["name"]: row["attack"].partition("_")[0] for row in rows}
    colours = dict(zip(dict.fromkeys(kinds.values()), OTHER_COLOURS, strict=False))
    of_kind = {kind: [name for name in kinds if kinds[name] == kind] for kind in colours}
    return {
        name: {"color": colours[kind], "linestyle": _LINES[(len(of_kind[kind]) - 1 - of_kind[kind].index(name)) % 3]}
        for name, kind in kinds.items()
    }


def _text(results: Sequence[Result]) -> list[str]:
    first = results[0]
    images, options = first["images"], first["parameters"]
    chosen = (
        f"{images['count']} crops of the test side ({images['real']} real, {images['fake']} fake, of "
        f"{images['videos']} videos and {images['groups']} identity groups, drawn with seed {options['seed']}) are "
        "changed so that a detector decides otherwise, by the Adversarial Robustness Toolbox. What is changed are "
        "pixels of the stored crop, by at most ε of 255 grey levels, before anything normalises them. Only crops that "
        "a detector has right are attacked; the others stay as they are and count as wrong. Another detector is shown "
        "the attacked ones alone (transferred), and its accuracy, clean and changed, is on these."
    )
    modes = (
        "Accuracy is at the detector's own threshold, on crops rounded to 8 bits, as a file would hold them; intervals "
        f"are {first['confidence']:.0%} intervals over identity groups ({METHOD})."
    )
    maps = (
        "Where a detector sees a map, the attack either takes it for constant, and crops are judged with the map of "
        "the clean crop (kept) and with a new one (remade); or it follows the map through its gradient, places of "
        "edges aside, and crops are judged with a new map (attacked). In practice no map is kept: that mode shows what "
        "the picture decides alone."
    )
    limits = (
        "A detector that survives these attacks is not proven to be safe: stronger and adaptive attacks exist, and "
        f"{images['count']} crops are few. No attack saw the video encoder that follows in practice, or a crop that is "
        "cut anew. These detectors were not trained against attacks."
    )
    checks = [(result["detector"], check) for result in results for check in result["sanity"]]
    broken = [(name, check) for name, check in checks if not check["holds"]]
    named = [f"{name}: {check['rule']} ({check['where']})" for name, check in broken if check["rule"] != ALONE]
    alone = len(broken) - len(named)
    sound = f"Of {len(checks)} checks of the attacks themselves {len(checks) - len(broken)} hold"
    sound += f"; not: {'; '.join(named)}." if named else "."
    if alone:
        sound += (
            f" In {alone} of the others the accuracy under one attack rises with ε, see the table: its steps, which "
            "grow with ε, pass over what shorter ones reach, and the last step counts. The strongest attack of each ε "
            "is what a detector has to stand."
        )
    return [chosen, modes, maps, sound, limits]


def _accuracies(results: Sequence[Result]) -> dict[str, Any]:
    sizes = results[0]["parameters"]["epsilons"]
    rows = []
    for result in results:
        clean = {row["maps"]: row for row in result["clean"]}
        for mode, name, by_size in _curves(result["rows"], "maps"):
            cells = [_with_interval(by_size[size]) for size in sizes]
            rows.append([result["detector"], _MODES[mode], name, _with_interval(clean[mode]), *cells])
    columns = ["detector", "map", "attack", "clean", *(f"ε {size}/255" for size in sizes)]
    return {"title": "Accuracy on attacked crops (white box)", "columns": columns, "rows": rows}


def _sizes(results: Sequence[Result]) -> dict[str, Any]:
    """Return how far attacks with the largest ε went, and C&W, for what."""
    largest = results[0]["parameters"]["epsilons"][-1]
    rows = []
    for result in results:
        speed = {(row["run"], row["name"], row["epsilon"]): row["images_per_second"] for row in result["speed"]}
        for row in result["rows"]:
            if row["epsilon"] not in (largest, None):
                continue
            run = {"none": "none", "attacked": "differentiable"}.get(row["maps"], "constant")
            cells = [
                wording.percent(row[name]) for name in ("success", "success_real", "success_fake", "success_exact")
            ]
            size = [wording.number(row["linf"], 2), wording.number(row["l2"], 2)]
            fast = f"{speed[run, row['name'], row['epsilon']]:.2f}"
            rows.append([result["detector"], _MODES[row["maps"]], row["name"], *cells, *size, fast])
    columns = ["detector", "map", "attack", "success", "of reals", "of fakes", "not rounded"]
    columns += ["mean ‖δ‖∞ (grey levels)", "mean ‖δ‖₂ (pixel range)", "images/s"]
    title = (
        f"Success among {results[0]['images']['count']} crops that were right before, at ε {largest}/255 and for C&W"
    )
    return {"title": title, "columns": columns, "rows": rows}


def _transfers(results: Sequence[Result]) -> Iterator[dict[str, Any]]:
    """Yield the table of crops that were made against others, if there are any."""
    sizes, titles = results[0]["parameters"]["epsilons"], {r["family"]: r["detector"] for r in results}
    rows = []
    for result in results:
        names = {row["attack"]: row["name"] for row in result["rows"]}
        for source, run in dict.fromkeys((row["source"], row["run"]) for row in result["transferred"]):
            of_run = [
                r | {"name": names[r["attack"]]}
                for r in result["transferred"]
                if (r["source"], r["run"]) == (source, run)
            ]
            about = [result["detector"], f"{titles[source]}, {_RUNS[run]}"]
            for _, name, by_size in _curves(of_run, "run"):
                last = by_size[sizes[-1]]
                success = f"{wording.percent(last['success'])} of {last['both_right']}"
                cells = [_with_interval(by_size[size]) for size in sizes]
                rows.append([*about, name, str(last["attacked"]), _with_interval(last["clean"]), *cells, success])
    if rows:
        columns = ["detector", "changed against", "attack", "crops", "clean", *(f"ε {size}/255" for size in sizes)]
        columns.append(f"success at ε {sizes[-1]}/255, of crops both had right")
        yield {"title": "Accuracy on crops of the other detector (transferred)", "columns": columns, "rows": rows}


def _sanity(results: Sequence[Result]) -> dict[str, Any]:
    rows = [
        [result["detector"], check["rule"], check["where"], "yes" if check["holds"] else "no", _values(check)]
        for result in results
        for check in result["sanity"]
    ]
    return {"title": "Checks of the attacks", "columns": ["detector", "rule", "where", "holds", "values"], "rows": rows}


def _curves(rows: Sequence[dict[str, Any]], scope: str) -> Iterator[tuple[str, str, dict[int, dict[str, Any]]]]:
    """Yield scope, name and the rows by ε of each attack with a bound."""
    bounded = [row for row in rows if row["epsilon"] is not None and row["attack"] != UNBOUNDED]
    for value, name in dict.fromkeys((row[scope], row["name"]) for row in bounded):
        yield value, name, {row["epsilon"]: row for row in bounded if (row[scope], row["name"]) == (value, name)}


def _with_interval(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    metric = row["accuracy"]
    if metric["low"] is None:
        return wording.percent(metric["value"])
    return f"{wording.percent(metric['value'])} ({100 * metric['low']:.0f} to {100 * metric['high']:.0f})"


def _values(check: dict[str, Any]) -> str:
    if check["rule"].startswith("no change"):
        return f"largest excess {check['values'][0]:.5f} grey levels"
    return ", ".join(wording.percent(value) for value in check["values"])
