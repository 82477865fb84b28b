"""published, all_summaries → reproduced, reproduce_section, reproduce_figure."""

from kedro.pipeline import Pipeline, node

from fakefocus.pipelines.reproduce import nodes


def create_pipeline() -> Pipeline:
    """Put our results beside published ones, and say which commands would make those that are not there."""
    return Pipeline(
        [
            node(
                nodes.compare_with_published,
                ["published", "all_summaries", "params:reproduce", "params:evaluation"],
                "reproduced",
                name="compare_with_published",
            ),
            node(
                nodes.describe_reproduce, ["reproduced", "splits_json"], "reproduce_section", name="describe_reproduce"
            ),
            node(nodes.draw_reproduce, "reproduced", "reproduce_figure", name="draw_reproduce"),
        ],
        tags="reproduce",
    )
