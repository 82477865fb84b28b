"""A run whose detectors scored too little of what the split names fails, when all is written."""

from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.pipeline.node import Node

from fakefocus.hooks.plain_errors import RefusedInputError
from fakefocus.stages import detector_of


class EnoughCovered:
    """Remembers the coverage of each summary, and ends the run with an error where one is too low."""

    def __init__(self) -> None:
        """Start with nothing remembered."""
        self._short: list[str] = []

    @hook_impl
    def before_pipeline_run(self) -> None:
        """Forget the run before."""
        self._short = []

    @hook_impl
    def after_node_run(self, node: Node, outputs: dict[str, Any]) -> None:
        """Look at what was judged."""
        for name, value in outputs.items():
            if name.endswith("_summary"):
                self._short += [f"{detector_of(node.namespace)}: {text}" for text in _too_little(value["coverage"])]

    @hook_impl(trylast=True)
    def after_pipeline_run(self) -> None:
        """Fail after everything else has been written and tracked.

        Raises:
            RefusedInputError: With the detectors, how much they scored, and what can be done.
        """
        if self._short:
            msg = (
                f"evaluation.min_coverage: {'; '.join(self._short)}. All results are written, and the report says so "
                "first. See status and reason in video_scores.parquet, mend the files, or lower evaluation.min_coverage"
            )
            raise RefusedInputError(msg)


def _too_little(coverage: dict[str, Any]) -> list[str]:
    share, least = coverage["share"], coverage["least"]
    if share is None or share >= least:
        return []
    return [f"{coverage['ok']} of {coverage['named']} test videos have a score ({share:.1%}, at least {least:.1%})"]
