"""EfficientNet-B4 (Tan & Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, 2019,
https://arxiv.org/abs/1905.11946).
"""

from fakefocus.models.backbones import BackboneDetector, Pretrained


class EfficientNetB4(BackboneDetector):
    """EfficientNet-B4 with one logit; 17,550,409 parameters.

    Input ``(B, 3, img_size, img_size) float`` in [0, 1].
    """

    def __init__(
        self,
        backbone: str = "efficientnet_b4",
        img_size: int = 380,
        drop_rate: float = 0.4,
        *,
        pretrained: Pretrained = False,
    ) -> None:
        """Build the network; ``pretrained`` fetches the backbone's ImageNet weights, stem included."""
        super().__init__("efficientnet_b4", backbone, img_size, drop_rate, pretrained=pretrained)
