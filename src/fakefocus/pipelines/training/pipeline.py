"""samples, face_crops, defocus_maps → {family}.model, {family}.history, and the same for its control."""

from kedro.pipeline import Pipeline, node, pipeline

from fakefocus.pipelines.training import nodes

TRAINERS = {"scade_net": nodes.train_scade_net, "multistream": nodes.train_multistream}


def create_pipeline() -> Pipeline:
    """Train each family once on the labels and once, as a negative control, on shuffled labels."""
    shuffle = node(nodes.shuffle_labels, ["samples", "params:control_seed"], "control_samples", name="shuffle_labels")
    made = Pipeline([shuffle], tags="training")
    for family in TRAINERS:
        made += _train(family, family, "samples") + _train(family, f"{family}.control", "control_samples")
    return made


def _train(family: str, namespace: str, samples: str) -> Pipeline:
    template = Pipeline(
        [
            node(
                TRAINERS[family],
                ["samples", "face_crops", "defocus_maps", "params:defocus", "params:options", "params:dataset"],
                ["model", "history"],
                name="train",
            )
        ]
    )
    return pipeline(
        template,
        namespace=namespace,
        inputs={"samples": samples, "face_crops": "face_crops", "defocus_maps": "defocus_maps"},
        parameters={"params:options": f"params:{family}"} | {p: p for p in ("params:defocus", "params:dataset")},
        tags="training",
    )
