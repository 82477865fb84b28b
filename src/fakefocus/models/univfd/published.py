"""Names of the published head of UnivFD (https://github.com/WisconsinAIVision/UniversalFakeDetect).

``fc_weights.pth`` is the linear layer alone, on features of OpenAI's CLIP ViT-L/14; above 0 is fake.
"""

from torch import Tensor

_NAMES = {"weight", "bias"}


def rename(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the published head under our names; others as they are."""
    if weights.keys() != _NAMES:
        return weights
    return {f"head.1.{name}": value for name, value in weights.items()}
