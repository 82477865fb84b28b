"""{family}.model and those of other seeds, samples → {family}.released: weights, contract and card."""

from kedro.pipeline import Pipeline, node, pipeline

from fakefocus.models import families
from fakefocus.pipelines.release import nodes
from fakefocus.schemas import SEEDS

_DATA = ("samples", "videos", "face_crops", "defocus_maps", "splits_json")
_PARAMETERS = ("preprocessing", "defocus", "evaluation", "release", "experiment")
_INPUTS = (
    *("samples", "face_crops", "defocus_maps", "splits_json"),
    *("plain_scores", "release_results", "params:preprocessing", "params:defocus"),
    *("params:evaluation", "params:release"),
)


def create_pipeline() -> Pipeline:
    """Calibrate, measure and write down each family's best seed on validation: ``--namespaces=<family>``."""
    return Pipeline(_of(family) for family in families())


def _of(family: str) -> Pipeline:
    candidates = ["candidate", *(f"candidate_{seed}" for seed in SEEDS)]
    scored = ["plain_scores", "edited_scores", "blend_scores"]
    template = Pipeline(
        [
            node(nodes.choose_candidate, candidates, "chosen", name="choose_candidate"),
            node(
                nodes.score_release,
                ["chosen", *_DATA, *(f"params:{name}" for name in _PARAMETERS[:-1])],
                scored,
                name="score_release",
            ),
            node(
                nodes.calibrate_verdict,
                [*scored, "params:evaluation", "params:release"],
                "verdict",
                name="calibrate_verdict",
            ),
            node(
                nodes.measure_release,
                ["chosen", *scored, "verdict", "params:evaluation"],
                "release_results",
                name="measure_release",
            ),
            node(nodes.write_release, ["chosen", *_INPUTS], "released", name="write_release"),
            node(
                nodes.describe_release,
                ["chosen", "release_results", "splits_json", "params:experiment"],
                "section",
                name="describe_release",
            ),
        ]
    )
    return pipeline(
        template,
        namespace=family,
        inputs={name: name for name in _DATA},
        outputs={"section": f"{family}_release_section"},
        parameters={f"params:{name}" for name in _PARAMETERS},
        tags="release",
    )
