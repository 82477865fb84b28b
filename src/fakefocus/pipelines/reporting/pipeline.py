"""Tables, crops, maps and summaries → figures and one HTML report."""

from collections.abc import Sequence

from kedro.pipeline import Pipeline, node, pipeline

from fakefocus.pipelines.reporting import nodes

_DRAWN = ("samples", "curves", "roc", "scores", "risks", "intervals", "reliability", "defocus")
_FIGURES = (*(f"{name}_figure" for name in _DRAWN), "scores_to_zoom")
_TABLES = (
    "videos",
    "rejected_media",
    "faces",
    "splits",
    "splits_json",
    "experiment_note",
    "leakage_report",
    "defocus_maps",
    "summaries",
)
_SECTIONS = ("comparisons", "stored_sections")
_PARAMETERS = ("reporting", "recipe", "dataset", "experiment", "trained_on")
_EVALUATED = ("evaluated", "evaluated_baselines", "evaluated_seeds", "evaluated_baseline_seeds")


def create_pipeline() -> Pipeline:
    """Draw what there is and write one report."""
    return Pipeline(
        [
            node(
                nodes.gather_summaries,
                ["stored_summaries", "splits_json", *_EVALUATED],
                "summaries",
                name="gather_summaries",
            ),
            node(
                nodes.draw_samples,
                ["samples", "face_crops", "defocus_maps", "params:reporting"],
                "samples_figure",
                name="draw_samples",
            ),
            node(nodes.draw_curves, "summaries", "curves_figure", name="draw_curves"),
            node(nodes.draw_roc, "summaries", "roc_figure", name="draw_roc"),
            node(nodes.draw_scores, "summaries", "scores_figure", name="draw_scores"),
            node(nodes.draw_reliability, "summaries", "reliability_figure", name="draw_reliability"),
            node(nodes.draw_scores_to_zoom, "summaries", "scores_to_zoom", name="draw_scores_to_zoom"),
            node(
                nodes.draw_defocus,
                ["defocus_statistics", "splits", "defocus_maps"],
                "defocus_figure",
                name="draw_defocus",
            ),
            node(
                nodes.write_cards,
                [
                    *("faces", "splits", "splits_json", "leakage_report", "summaries"),
                    *("params:reporting", "params:dataset"),
                ],
                "cards",
                name="write_cards",
            ),
            node(nodes.draw_risks, "summaries", "risks_figure", name="draw_risks"),
            node(nodes.compare_detectors, ["summaries", "params:evaluation"], "comparisons", name="compare_detectors"),
            node(nodes.draw_intervals, "summaries", "intervals_figure", name="draw_intervals"),
            node(
                nodes.write_tables,
                ["splits_json", "summaries", "comparisons", "stored_sections"],
                "tables",
                name="write_tables",
            ),
            node(
                nodes.write_report,
                [*_TABLES, *_SECTIONS, *_FIGURES, *(f"params:{name}" for name in _PARAMETERS)],
                "report",
                name="write_report",
            ),
        ],
        tags="reporting",
    )


def draw_detectors(namespaces: Sequence[str]) -> Pipeline:
    """Draw each detector's own figure, which goes to its run."""
    return Pipeline(_draw_detector(namespace) for namespace in namespaces)


def _draw_detector(namespace: str) -> Pipeline:
    template = Pipeline([node(nodes.draw_detector, "summary", "overview_figure", name="draw_detector")])
    summary = namespace.replace(".", "_") + "_summary"
    return pipeline(template, namespace=namespace, inputs={"summary": summary}, tags="reporting")
