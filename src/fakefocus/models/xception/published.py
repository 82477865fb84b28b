"""Names of published Xceptions with two classes, the second fake.

DeepfakeBench (https://github.com/SCLBD/DeepfakeBench; its CORE too, which is an Xception with another loss) has the
network under ``backbone``, FaceForensics++ (https://github.com/ondyari/FaceForensics) and its port
(https://github.com/HongguLiu/Deepfake-Detection) under ``model``. All see pixels from -1 to 1, as timm's does.
"""

from torch import Tensor

from fakefocus.models.published import one_logit, within

_PREFIXES = ("backbone.", "model.")
# with dropout and without
_HEADS = ("last_linear.1", "last_linear")
# DeepfakeBench builds it always and uses it in other detectors
_UNUSED = "adjust_channel."


def rename(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return published weights under our names; others as they are."""
    inner = next((of_prefix for prefix in _PREFIXES if (of_prefix := within(weights, prefix))), {})
    head = next((layer for layer in _HEADS if f"{layer}.weight" in inner), None)
    if head is None:
        return weights
    layers = {f"backbone.{n}": v for n, v in inner.items() if not n.startswith((f"{head}.", _UNUSED))}
    return layers | one_logit(inner, head, "head.1")
