"""tracked_runs, splits_json → compared_runs, the section and the figure."""

from kedro.pipeline import Pipeline, node

from fakefocus.pipelines.compare import nodes


def create_pipeline() -> Pipeline:
    """Compare what the store holds, each detector with the best one of its split."""
    return Pipeline(
        [
            node(
                nodes.compare_runs,
                ["tracked_runs", "params:dataset", "params:evaluation"],
                "compared_runs",
                name="compare_runs",
            ),
            node(nodes.describe_runs, ["compared_runs", "splits_json"], "compare_section", name="describe_runs"),
            node(nodes.draw_runs, "compared_runs", "compare_figure", name="draw_runs"),
        ],
        tags="compare",
    )
