"""samples, face_crops, defocus_maps → {family}.model, {family}.history, and the same for controls and seeds."""

from collections.abc import Sequence

from kedro.pipeline import Pipeline, node, pipeline

from fakefocus.models import main_families
from fakefocus.models.family import variant_detector
from fakefocus.pipelines.training import nodes
from fakefocus.schemas import SEEDS

_SHARED_INPUTS = {"face_crops", "defocus_maps", "splits_json"}
_SHARED_PARAMETERS = {"params:preprocessing", "params:defocus", "params:dataset", "params:experiment", "params:recipe"}
_FOLDERS = ["face_crops", "defocus_maps", "splits_json"]
_MADE_WITH = [
    "params:preprocessing",
    "params:defocus",
    "params:dataset",
    "params:experiment",
    "params:recipe",
    "checkpoints",
]


def create_pipeline() -> Pipeline:
    """Train each main family on the labels, and as negative controls on shuffled labels and not at all."""
    controls = [part(family) for family in main_families() for part in (_control, _untrained)]
    return Pipeline([*controls, train_once(main_families())])


def train_once(families: Sequence[str]) -> Pipeline:
    """Train each of ``families`` on the labels."""
    return Pipeline(_on_labels(family) for family in families)


def train_seeds(families: Sequence[str]) -> Pipeline:
    """Train each of ``families`` with each of `SEEDS`, as ``<family>.seed_<n>``."""
    return Pipeline(_with_seed(family, seed) for family in families for seed in SEEDS)


def train_left_out(families: Sequence[str]) -> Pipeline:
    """Train each of ``families`` once for each method of fakes, without it, as ``<family>.left_out``."""
    return Pipeline(_left_out(family) for family in families)


def train_variants(family: str, variants: Sequence[str]) -> Pipeline:
    """Train ``variants`` of a family, each with each of `SEEDS`, as ``<family>.ablation.<variant>_seed_<n>``."""
    return Pipeline(_variant(family, variant, seed) for variant in variants for seed in SEEDS)


def _variant(family: str, variant: str, seed: int) -> Pipeline:
    own = {
        "params:options": f"params:{family}",
        "params:changes": f"params:ablations.{family}.{variant}",
        "params:seed": f"params:seeds.seed_{seed}",
        "params:ablation": "params:ablation",
    }
    earlier = ["earlier_model", "earlier_history"]
    train = node(
        nodes.train_variant,
        ["samples", *_FOLDERS, *own, *_MADE_WITH[:-1], *earlier, "checkpoints"],
        ["model", "history"],
        name="train",
    )
    return pipeline(
        Pipeline([train]),
        namespace=variant_detector(family, variant, seed),
        inputs={"samples", *_SHARED_INPUTS},
        parameters=own | {name: name for name in _SHARED_PARAMETERS},
        tags="training",
    )


def _on_labels(family: str) -> Pipeline:
    train = node(
        nodes.train_detector,
        ["samples", *_FOLDERS, "params:options", *_MADE_WITH],
        ["model", "history"],
        name="train",
    )
    return pipeline(
        Pipeline([train]),
        namespace=family,
        inputs={"samples", *_SHARED_INPUTS},
        parameters={"params:options": f"params:{family}"} | {name: name for name in _SHARED_PARAMETERS},
        tags="training",
    )


def _with_seed(family: str, seed: int) -> Pipeline:
    train = node(
        nodes.train_with_seed,
        ["samples", *_FOLDERS, "params:options", "params:seed", *_MADE_WITH],
        ["model", "history"],
        name="train",
    )
    return pipeline(
        Pipeline([train]),
        namespace=f"{family}.seed_{seed}",
        inputs={"samples", *_SHARED_INPUTS},
        parameters={"params:options": f"params:{family}", "params:seed": f"params:seeds.seed_{seed}"}
        | {name: name for name in _SHARED_PARAMETERS},
        tags="training",
    )


def _untrained(family: str) -> Pipeline:
    leave = node(
        nodes.leave_untrained,
        ["samples", *_FOLDERS, "params:options", *_MADE_WITH[:-1]],
        ["model", "history"],
        name="leave_untrained",
    )
    return pipeline(
        Pipeline([leave]),
        namespace=f"{family}.untrained",
        inputs={"samples", *_SHARED_INPUTS},
        parameters={"params:options": f"params:{family}"} | {name: name for name in _SHARED_PARAMETERS},
        tags="training",
    )


def _left_out(family: str) -> Pipeline:
    train = node(
        nodes.train_left_out,
        ["samples", *_FOLDERS, "params:options", "params:leave_one_out", *_MADE_WITH],
        "models",
        name="train",
    )
    return pipeline(
        Pipeline([train]),
        namespace=f"{family}.left_out",
        inputs={"samples", *_SHARED_INPUTS},
        parameters={"params:options": f"params:{family}", "params:leave_one_out": "params:leave_one_out"}
        | {name: name for name in _SHARED_PARAMETERS},
        tags="training",
    )


def _control(family: str) -> Pipeline:
    template = [
        node(nodes.shuffle_labels, ["samples", "params:control_seed"], "shuffled_samples", name="shuffle_labels"),
        node(
            nodes.train_control,
            ["shuffled_samples", *_FOLDERS, "params:options", *_MADE_WITH],
            ["model", "history"],
            name="train",
        ),
    ]
    return pipeline(
        Pipeline(template),
        namespace=f"{family}.control",
        inputs={"samples", *_SHARED_INPUTS},
        parameters={"params:options": f"params:{family}", "params:control_seed": "params:control_seed"}
        | {name: name for name in _SHARED_PARAMETERS},
        tags="training",
    )
