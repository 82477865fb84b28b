"""{family}.model, samples, {family}.face_scores → {family}.white_box, {family}_adversarial, a section and a figure."""

from kedro.pipeline import Pipeline, node, pipeline

from fakefocus.models import main_families
from fakefocus.pipelines.adversarial import nodes

_DATA = ("samples", "face_crops", "defocus_maps", "splits_json")
_PARAMETERS = ("preprocessing", "defocus", "evaluation", "adversarial", "dataset", "experiment")


def create_pipeline() -> Pipeline:
    """Attack each main family, show each what was made against the others, and describe and draw it."""
    families = main_families()
    results = [f"{family}_adversarial" for family in families]
    about = Pipeline(
        [
            node(nodes.describe_adversarial, results, "adversarial_section", name="describe_adversarial"),
            node(nodes.draw_adversarial, results, "adversarial_figure", name="draw_adversarial"),
        ],
        tags="adversarial",
    )
    attacks = Pipeline(_attack(family) for family in families)
    return attacks + Pipeline(_transfer(family, families) for family in families) + about


def _attack(family: str) -> Pipeline:
    attack = node(
        nodes.attack_detector,
        ["model", *_DATA, "face_scores", *(f"params:{name}" for name in _PARAMETERS)],
        ["white_box", "attacked"],
        name="attack",
    )
    return pipeline(
        Pipeline([attack]),
        namespace=family,
        inputs=set(_DATA),
        outputs={"attacked": f"{family}_attacked"},
        parameters={f"params:{name}" for name in _PARAMETERS},
        tags="adversarial",
    )


def _transfer(family: str, families: list[str]) -> Pipeline:
    names = ("preprocessing", "defocus", "evaluation")
    attacked = [f"{name}_attacked" for name in families]
    transfer = node(
        nodes.show_transferred,
        ["model", *_DATA, "white_box", *(f"params:{name}" for name in names), *attacked],
        "adversarial",
        name="show_transferred",
    )
    return pipeline(
        Pipeline([transfer]),
        namespace=family,
        inputs={*_DATA, *attacked},
        outputs={"adversarial": f"{family}_adversarial"},
        parameters={f"params:{name}" for name in names},
        tags="adversarial",
    )
