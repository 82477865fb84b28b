"""CNNDetect (Wang et al., CNN-generated images are surprisingly easy to spot... for now, 2020,
https://arxiv.org/abs/1912.11035).
"""

from fakefocus.models.backbones import BackboneDetector, Pretrained
from fakefocus.models.family import Edition


class CnnDetect(BackboneDetector):
    """ResNet-50 with one logit; 23,510,081 parameters.

    Input ``(B, 3, img_size, img_size) float`` in [0, 1].
    """

    def __init__(
        self,
        backbone: str = "resnet50",
        img_size: int = 224,
        drop_rate: float = 0.0,
        edition: Edition = "paper",
        *,
        pretrained: Pretrained = False,
    ) -> None:
        """Build the network; ``pretrained`` fetches the backbone's ImageNet weights."""
        super().__init__("cnndetect", backbone, img_size, drop_rate, pretrained=pretrained, edition=edition)
