"""stored_experiments, the suite → cross_dataset, its section and its figure."""

from kedro.pipeline import Pipeline, node

from fakefocus.pipelines.cross_dataset import nodes


def create_pipeline() -> Pipeline:
    """Compare the detectors of a suite on its data sets, from results that are there."""
    return Pipeline(
        [
            node(
                nodes.compare_sets,
                ["stored_experiments", "params:suite_plan", "params:evaluation"],
                "cross_dataset",
                name="compare_sets",
            ),
            node(
                nodes.describe_cross_dataset,
                ["cross_dataset", "splits_json"],
                "cross_dataset_section",
                name="describe_cross_dataset",
            ),
            node(nodes.draw_cross_dataset, "cross_dataset", "cross_dataset_figure", name="draw_cross_dataset"),
        ],
        tags="cross_dataset",
    )
