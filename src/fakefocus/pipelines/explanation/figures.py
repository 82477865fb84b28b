"""Figures of the explanation: where detectors look, what is inside, which faces are alike, what goes wrong."""

from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Any, cast

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from fakefocus.explain.titles import METHOD_TITLES
from fakefocus.plotting import FAKE, FORGERIES, INK, OTHER_COLOURS, REAL, WIDTH, plain, style

Arrays = dict[str, NDArray[Any]]
FACES_OVER_TIME = 6
_MOST_PEOPLE = 20
_MOST_NAMED = 12


def heat_sheet(gallery: Arrays, sigma_max: float | None) -> Figure:
    """Draw a row a face: as the network sees it, its map, where the map counts, heat maps, and the altered place.

    ``sigma_max`` in pixels is what a map's 1 stands for, None for maps without a unit.
    """
    pictures, masks = gallery["pictures"], gallery["masks"]
    columns = ["the face"]
    columns += ["defocus map", "where the\nmap counts"] if "maps" in gallery else []
    heats = [name for name in gallery if name.startswith("heat/") and not name.endswith("/grad_cam")]
    columns += [_heat_title(name) for name in heats]
    side = min(1.6, WIDTH / len(columns))
    figure = Figure(figsize=(side * len(columns) + 0.2, (side + 0.3) * len(pictures) + 0.75), layout="constrained")
    grid = figure.subplots(len(pictures), len(columns), squeeze=False)
    top, shown = sigma_max or 1.0, None
    for row, axes in enumerate(grid):
        drawn = iter(axes)
        first = next(drawn)
        first.imshow(pictures[row])
        first.set_xlabel(f"{plain(gallery['titles'][row])}\nscore {gallery['scores'][row]:.2f}", fontsize=7, color=INK)
        first.xaxis.label.set_in_layout(False)
        if "maps" in gallery:
            shown = next(drawn).imshow(gallery["maps"][row].astype(float) * top, cmap="viridis", vmin=0, vmax=top)
            next(drawn).imshow(gallery["map_relevance"][row].astype(float), cmap="inferno", vmin=0, vmax=1)
        for axis, name in zip(drawn, heats, strict=True):
            axis.imshow(pictures[row])
            axis.imshow(gallery[name][row].astype(float), cmap="inferno", vmin=0, vmax=1, alpha=0.5)
        for axis in axes:
            axis.set_xticks([])
            axis.set_yticks([])
            if masks[row].any():
                axis.contour(masks[row], levels=[0.5], colors=["white"], linewidths=1.8)
                axis.contour(masks[row], levels=[0.5], colors=["#0b6e99"], linewidths=0.9)
    cast("ConstrainedLayoutEngine", figure.get_layout_engine()).set(
        hspace=0.1, wspace=0.03, h_pad=0.02, w_pad=0.02, rect=(0, 0, 1, 0.985)
    )
    for axis, title in zip(grid[0], columns, strict=True):
        axis.set_title(title, fontsize=8.5, color=INK)
    if shown is not None:
        bar = figure.colorbar(shown, ax=grid[:, 1].tolist(), location="bottom", fraction=0.02, pad=0.01)
        bar.set_label("blur σ, pixels" if sigma_max else "0 sharp to 1 blurred", fontsize=7.5)
        bar.ax.tick_params(labelsize=7)
    return figure


def inside_sheet(inside: Arrays) -> Figure:
    """Draw what a network's parts have learned, one band of panels a kind of part."""
    bands: list[tuple[float, Callable[[SubFigure, Arrays], None]]] = []
    if "kernels" in inside:
        bands.append((2.9, _draw_filters))
    if "factors" in inside:
        bands.append((2.7, _draw_spectra))
    if "streams" in inside:
        bands.append((2.7, _draw_streams))
    if any(name.startswith("eca/") for name in inside) or ("distance" in inside and "streams" not in inside):
        bands.append((2.5, _draw_channels))
    if not bands:
        figure = Figure(figsize=(WIDTH, 1.2), layout="constrained")
        figure.text(0.5, 0.5, "This network has no part that shows what it learned.", ha="center", color=INK)
        return figure
    heights = [height for height, _ in bands]
    figure = Figure(figsize=(WIDTH, sum(heights)), layout="constrained")
    parts = figure.subfigures(len(bands), 1, height_ratios=heights, squeeze=False)[:, 0]
    for part, (_, draw) in zip(parts, bands, strict=True):
        draw(part, inside)
    return figure


def embedding_sheet(inside: Arrays, threshold: float) -> Figure:
    """Draw faces on the plane of PCA and on that of t-SNE, coloured by forgery, by person and by mistake."""
    figure = Figure(figsize=(WIDTH, 6.9), layout="constrained")
    grid = figure.subplots(2, 3)
    wrong = (inside["score"] >= threshold) != (inside["label"] == 1)
    forgeries = [method or "real" for method in inside["method"]]
    shades = {"real": REAL} | dict(zip(sorted(set(forgeries) - {"real"}), cycle(FORGERIES), strict=False))
    people, counts = np.unique(inside["group"], return_counts=True)
    most = people[np.argsort(-counts, kind="stable")][:_MOST_PEOPLE]
    tints = dict(zip(most, colormaps["tab20"](range(_MOST_PEOPLE)), strict=False))
    colours: dict[str, list[Any]] = {
        "by forgery": [shades[name] for name in forgeries],
        "by group of people": [tints.get(person, (0.8, 0.8, 0.8, 1.0)) for person in inside["group"]],
        "by mistake": [FAKE if bad else "#c3cad3" for bad in wrong],
    }
    share = inside["explained"]
    axes_names = {
        "pca": [f"PCA {n + 1}, {100 * share[n]:.0f} % of the variance" for n in (0, 1)],
        "tsne": ["t-SNE 1", "t-SNE 2"],
    }
    for row, (plane, names) in enumerate(axes_names.items()):
        for axis, (title, shade) in zip(grid[row], colours.items(), strict=True):
            points = inside[plane]
            # mistakes on top of the others
            order = np.argsort(wrong, kind="stable")
            axis.scatter(*points[order].T, s=9, c=[shade[place] for place in order], linewidth=0, alpha=0.8)
            style(axis, names[0], names[1] if axis is grid[row, 0] else "")
            axis.set_xticklabels([])
            axis.set_yticklabels([])
            if row == 0:
                axis.set_title(title, fontsize=9.5, color=INK)
    _legend(grid[1, 0], shades)
    few = f"{len(people)} groups" + (f", the {len(most)} largest in colour" if len(people) > len(most) else "")
    grid[1, 1].set_xlabel(f"t-SNE 1\n{few}", fontsize=9, color=INK)
    mistakes = f"t-SNE 1\nred: {int(wrong.sum())} of {len(wrong)} faces are called wrongly"
    grid[1, 2].set_xlabel(mistakes, fontsize=9, color=INK)
    return figure


def mistake_sheet(
    rows: Sequence[tuple[dict[str, Any], float, int, NDArray[np.uint8]]],
    counts: dict[int, tuple[int, int]],
    threshold: float,
) -> Figure:
    """Draw the worst videos, a line a label: one face each, with the scores of video and face, and its frame.

    ``counts``: of each label how many videos are called wrongly, and how many there are.
    """
    names = {0: "real videos are called fake", 1: "fake videos are called real"}
    by_label = {label: [row for row in rows if row[0]["label"] == label] for label in names}
    columns = max(4, *(len(own) for own in by_label.values()))
    side = WIDTH / columns
    figure = Figure(figsize=(WIDTH, 2 * (side + 0.9)), layout="constrained")
    for part, (label, own) in zip(cast("Any", figure.subfigures(2, 1)), by_label.items(), strict=True):
        wrong, every = counts[label]
        worst = f"; the {len(own)} farthest from the threshold" if 0 < len(own) < wrong else ""
        title = f"{wrong} of {every} {names[label]} (threshold {threshold:.3f}){worst}"
        part.suptitle(title, x=0.005, ha="left", fontsize=9.5, color=FAKE if label else REAL)
        axes = part.subplots(1, columns, squeeze=False)[0]
        for axis in axes:
            axis.set_axis_off()
        for axis, (video, score, frame, picture) in zip(axes, own, strict=False):
            axis.imshow(picture)
            name = plain(_wrapped(str(video["video_id"]), round(side * 11)))
            text = f"video {video['score']:.3f}\nface {score:.3f}, frame {frame}\n{name}"
            axis.set_title(text, fontsize=7, color=INK, loc="left")
    return figure


def time_sheet(shown: Sequence[tuple[dict[str, Any], Any, Any, Any, list[Any]]], threshold: float) -> Figure:
    """Draw a band a video: faces in a row, and below them the score of every face over time."""
    figure = Figure(figsize=(WIDTH, 2.75 * max(1, len(shown))), layout="constrained")
    parts = figure.subfigures(max(1, len(shown)), 1, squeeze=False)[:, 0]
    if not shown:
        parts[0].text(0.5, 0.5, "No test video has a score.", ha="center", color=INK)
    for part, (video, times, scores, places, pictures) in zip(parts, shown, strict=False):
        right = (video["score"] >= threshold) == (video["label"] == 1)
        kind = f"fake ({plain(video['method'])})" if video["label"] else "real"
        part.suptitle(
            f"{plain(video['video_id'])}: {kind}, score {video['score']:.3f}, {'right' if right else 'wrong'}",
            x=0.005,
            ha="left",
            fontsize=9,
            color=FAKE if video["label"] else REAL,
        )
        layout = part.subplot_mosaic(
            [[f"face {n}" for n in range(FACES_OVER_TIME)], ["scores"] * FACES_OVER_TIME], height_ratios=(1.6, 1)
        )
        for number in range(FACES_OVER_TIME):
            axis = layout[f"face {number}"]
            axis.set_axis_off()
            if number < len(pictures):
                axis.imshow(pictures[number])
                axis.set_title(f"{times[places[number]]:.2f} s   {scores[places[number]]:.2f}", fontsize=7.5, color=INK)
        axis = layout["scores"]
        axis.plot(times, scores, "-o", color=FAKE if video["label"] else REAL, markersize=3, linewidth=1.2)
        axis.plot(times[places], scores[places], "o", color=INK, markersize=4.5, markerfacecolor="white")
        axis.axhline(threshold, color=INK, linewidth=0.8, linestyle=":")
        axis.set_ylim(-0.09, 1.09)
        legend = "time, seconds (dotted: threshold; hollow: the faces above)" if video is shown[-1][0] else ""
        style(axis, legend, "score of fake")
        axis.xaxis.label.set_fontsize(7.5)
        axis.yaxis.label.set_fontsize(7.5)
    return figure


def _draw_filters(part: SubFigure, inside: Arrays) -> None:
    """Draw each constrained filter, and how much of each frequency it passes, of RGB and of the map."""
    kernels, responses = inside["kernels"], inside["responses"]
    rows = ["RGB kernel,\nmean", "passed,\nRGB"] + (["passed,\nmap"] if kernels.shape[1] > 3 else [])
    grid = part.subplots(len(rows), len(kernels), squeeze=False)
    part.suptitle(
        "The first, constrained filters: what they pass of each frequency (middle: none, border: half a cycle a pixel)",
        fontsize=9,
        color=INK,
    )
    passed = [np.sqrt((responses[:, :3] ** 2).mean(1))] + [responses[:, n] for n in range(3, min(4, kernels.shape[1]))]
    top, weight = max(float(lot.max()) for lot in passed), float(np.abs(kernels[:, :3].mean(1)).max())
    image: Any = None
    for column in range(len(kernels)):
        grid[0, column].imshow(kernels[column, :3].mean(0), cmap="RdBu_r", vmin=-weight, vmax=weight)
        for row, lot in enumerate(passed, start=1):
            image = grid[row, column].imshow(lot[column], cmap="magma", vmin=0, vmax=top)
    for axis in grid.flat:
        axis.set_xticks([])
        axis.set_yticks([])
    for axis, name in zip(grid[:, 0], rows, strict=True):
        axis.set_ylabel(name, fontsize=7.5, color=INK)
    bar = part.colorbar(image, ax=grid.ravel().tolist(), fraction=0.02, pad=0.01)
    bar.set_label("gain", fontsize=7.5)
    bar.ax.tick_params(labelsize=7)


def _draw_spectra(part: SubFigure, inside: Arrays) -> None:
    """Draw the factors of a spectral mask, those of its rings, the spectra's difference, and their profiles."""
    mask, rings, difference, profile = part.subplots(1, 4, width_ratios=(1.15, 0.8, 1.15, 1.5))
    factors = inside["factors"]
    reach = max(float(np.abs(factors - 1).max()), 1e-3)
    extent = (-0.5, 0.5, 0.5, -0.5)
    shown = mask.imshow(factors, cmap="RdBu_r", vmin=1 - reach, vmax=1 + reach, extent=extent)
    bar = part.colorbar(shown, ax=mask, fraction=0.045, pad=0.02)
    bar.ax.tick_params(labelsize=7)
    mask.set_title("spectral mask, factor", fontsize=8.5, color=INK)
    mask.set_xlabel("cycles a pixel", fontsize=7.5, color=INK)
    bands = inside["bands"]
    rings.bar(range(len(bands)), bands, color=OTHER_COLOURS[0])
    rings.axhline(1, color=INK, linewidth=0.8, linestyle=":")
    rings.set_xticks(range(len(bands)), ["low", "", "", "high"] if len(bands) == 4 else None)
    style(rings, "ring of frequencies", "factor")
    rings.set_title("rings", fontsize=8.5, color=INK)
    real, fake = inside["spectra"]
    gap = fake - real
    reach = max(float(np.nanmax(np.abs(gap), initial=0)), 1e-3)
    shown = difference.imshow(gap, cmap="RdBu_r", vmin=-reach, vmax=reach, extent=extent)
    bar = part.colorbar(shown, ax=difference, fraction=0.045, pad=0.02)
    bar.ax.tick_params(labelsize=7)
    difference.set_title("mean spectra: fake − real,\nlog10 of power", fontsize=8.5, color=INK)
    difference.set_xlabel("cycles a pixel", fontsize=7.5, color=INK)
    for axis in (mask, difference):
        axis.set_yticks([])
        axis.tick_params(labelsize=7)
    profiles = inside["profiles"]
    frequencies = np.arange(profiles.shape[1]) / (2 * profiles.shape[1])
    for label, colour, name in ((0, REAL, "real"), (1, FAKE, "fake")):
        lot = profiles[inside["label"] == label]
        if len(lot):
            low, middle, high = np.percentile(lot, (25, 50, 75), axis=0)
            profile.fill_between(frequencies, low, high, color=colour, alpha=0.15, linewidth=0)
            profile.plot(frequencies, middle, color=colour, linewidth=1.2, label=name)
    style(profile, "cycles a pixel", "log10 of power")
    profile.legend(frameon=False, fontsize=8, title="median, half of the faces", title_fontsize=7.5)


def _draw_streams(part: SubFigure, inside: Arrays) -> None:
    """Draw how streams attend to each other, each face's shares, and how alike their tokens are."""
    names = [str(name) for name in inside["streams"]]
    attention, shares, similarity, distance = part.subplots(1, 4, width_ratios=(1, 1.4, 1, 1.2))
    _matrix(attention, inside["attention"].mean(0), names, "attention, mean over faces", (0.0, 1.0))
    attention.set_xlabel("attended to", fontsize=8, color=INK)
    attention.set_ylabel("by", fontsize=8, color=INK)
    _matrix(similarity, inside["similarity"], names, "cosine of tokens, mean", (-1.0, 1.0))
    rng = np.random.default_rng(0)
    for label, colour, shift in ((0, REAL, -0.18), (1, FAKE, 0.18)):
        lot = inside["shares"][inside["label"] == label]
        for place in range(len(names) if len(lot) else 0):
            across = place + shift + rng.uniform(-0.12, 0.12, len(lot))
            shares.scatter(across, lot[:, place], s=5, color=colour, alpha=0.5, linewidth=0)
            shares.plot([place + shift - 0.16, place + shift + 0.16], [np.median(lot[:, place])] * 2, color=INK)
    shares.set_xticks(range(len(names)), names)
    shares.set_ylim(0, 1)
    style(shares, "", "share of what is fused")
    shares.set_title("each face (green real, red fake)", fontsize=8.5, color=INK)
    if "distance" in inside:
        _draw_distances(distance, inside)
    else:
        distance.set_axis_off()


def _draw_channels(part: SubFigure, inside: Arrays) -> None:
    """Draw the weights of channel attention by layer and label, and distances of embeddings to real faces."""
    layers = [name for name in inside if name.startswith("eca/")]
    with_distances = "distance" in inside and "streams" not in inside
    panels = part.subplots(1, len(layers) + with_distances, squeeze=False)[0]
    for number, (axis, layer) in enumerate(zip(panels, layers, strict=False), start=1):
        gates = inside[layer]
        for label, colour, name in ((0, REAL, "real"), (1, FAKE, "fake")):
            lot = gates[inside["label"] == label]
            if len(lot):
                places = np.arange(gates.shape[1]) + (0.15 if label else -0.15)
                axis.errorbar(
                    places, lot.mean(0), lot.std(0), fmt="o", color=colour, markersize=3, linewidth=1, label=name
                )
        style(axis, "channel", "weight, mean ± deviation")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.set_title(f"channel attention {number}", fontsize=8.5, color=INK)
        axis.legend(frameon=False, fontsize=7.5)
    if with_distances:
        _draw_distances(panels[-1], inside)


def _draw_distances(axis: Axes, inside: Arrays) -> None:
    distance = inside["distance"]
    edges = np.linspace(0.9 * distance.min(), np.percentile(distance, 99.5), 31).tolist()
    for label, colour, name in ((0, REAL, "real"), (1, FAKE, "fake")):
        lot = distance[inside["label"] == label]
        if len(lot):
            axis.hist(lot, edges, weights=np.full(len(lot), 1 / len(lot)), color=colour, alpha=0.55, label=name)
    style(axis, "distance / √dimension", "share of faces")
    axis.set_title("embeddings: distance to the\nmean of real validation faces", fontsize=8.5, color=INK)
    axis.legend(frameon=False, fontsize=7.5)


def _matrix(
    axis: Axes, values: NDArray[np.floating], names: Sequence[str], title: str, ends: tuple[float, float]
) -> None:
    axis.imshow(values, cmap="Purples" if ends[0] == 0 else "PuOr_r", vmin=ends[0], vmax=ends[1])
    for row, column in np.ndindex(*values.shape):
        value = float(values[row, column])
        dark = abs(value) > 0.6 * ends[1]
        axis.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=8, color="white" if dark else INK)
    axis.set_xticks(range(len(names)), names, fontsize=7.5)
    axis.set_yticks(range(len(names)), names, fontsize=7.5)
    axis.set_title(title, fontsize=8.5, color=INK)


def _heat_title(name: str) -> str:
    _, part, method = name.split("/")
    return f"{part}\n{METHOD_TITLES[method]}" if part else METHOD_TITLES[method]


def _legend(axis: Axes, shades: dict[str, str]) -> None:
    for name, shade in list(shades.items())[:_MOST_NAMED]:
        axis.scatter([], [], s=14, color=shade, label=plain(name))
    axis.legend(
        frameon=False, fontsize=7.5, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2, handletextpad=0.1
    )


def _wrapped(text: str, width: int) -> str:
    return "\n".join(text[start : start + width] for start in range(0, len(text), width))
