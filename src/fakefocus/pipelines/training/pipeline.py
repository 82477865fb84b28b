"""samples, face_crops, defocus_maps → {family}.model, {family}.history, and the same for controls and seeds."""

from collections.abc import Sequence

from kedro.pipeline import Pipeline, node, pipeline

from fakefocus.pipelines.training import nodes
from fakefocus.schemas import FAMILIES, SEEDS


def create_pipeline() -> Pipeline:
    """Train each family once on the labels and once, as a negative control, on shuffled labels."""
    return sum((_control(family) for family in FAMILIES), train_once(FAMILIES))


def _control(family: str) -> Pipeline:
    namespace = f"{family}.control"
    shuffle = node(nodes.shuffle_labels, ["samples", "params:control_seed"], "shuffled", name="shuffle_labels")
    own = pipeline(
        Pipeline([shuffle]),
        namespace=namespace,
        inputs={"samples": "samples"},
        outputs={"shuffled": f"{namespace}.samples"},
        parameters={"params:control_seed": "params:control_seed"},
        tags="training",
    )
    return own + _train(family, namespace, f"{namespace}.samples")


def train_once(families: Sequence[str]) -> Pipeline:
    """Train each of ``families`` on the labels."""
    return sum((_train(family, family) for family in families), Pipeline([]))


def train_seeds(families: Sequence[str]) -> Pipeline:
    """Train each of ``families`` with each of `SEEDS`, as ``<family>.seed_<n>``."""
    return sum((_train(f, f"{f}.seed_{seed}", seed=seed) for f in families for seed in SEEDS), Pipeline([]))


def _train(family: str, namespace: str, samples: str = "samples", seed: int | None = None) -> Pipeline:
    inputs = ["samples", "face_crops", "defocus_maps", "params:defocus", "params:options", "params:dataset"]
    train = node(nodes.trainer_of(family, seed), [*inputs, "checkpoints"], ["model", "history"], name="train")
    return pipeline(
        Pipeline([train]),
        namespace=namespace,
        inputs={"samples": samples, "face_crops": "face_crops", "defocus_maps": "defocus_maps"},
        parameters={"params:options": f"params:{family}"} | {p: p for p in ("params:defocus", "params:dataset")},
        tags="training",
    )
