"""foreign_scores (and videos, splits where there are some) → judge_results, tables, figures, judge_report."""

from kedro.pipeline import Pipeline, node

from fakefocus.pipelines.judge import nodes


def create_pipeline() -> Pipeline:
    """Read, match, judge, show; and fail at the very end where too little was scored."""
    return Pipeline(
        [
            node(
                nodes.name_judged_rows,
                [
                    *("foreign_scores", "lineage_videos", "lineage_splits", "lineage_splits_json"),
                    *("params:judge", "params:evaluation"),
                ],
                ["judged_rows", "judge_reading", "judge_unmatched"],
                name="name_judged_rows",
            ),
            node(
                nodes.judge_scores,
                ["judged_rows", "judge_reading", "params:judge", "params:evaluation"],
                "judge_results",
                name="judge_scores",
            ),
            node(nodes.tabulate_metrics, "judge_results", "judge_metrics", name="tabulate_metrics"),
            node(nodes.tabulate_pairs, "judge_results", "judge_pairs", name="tabulate_pairs"),
            node(nodes.draw_ranking, "judge_results", "judge_ranking_figure", name="draw_ranking"),
            node(nodes.draw_methods, ["judge_results", "params:judge"], "judge_methods_figure", name="draw_methods"),
            node(
                nodes.write_judgement,
                [
                    *("judge_results", "judge_unmatched", "judge_ranking_figure", "judge_methods_figure"),
                    "params:judge",
                ],
                "judge_report",
                name="write_judgement",
            ),
            # last: whatever it says, everything else is written
            node(
                nodes.refuse_low_coverage,
                ["judge_results", "judge_report", "judge_metrics", "judge_pairs"],
                None,
                name="refuse_low_coverage",
            ),
        ],
        tags="judge",
    )
