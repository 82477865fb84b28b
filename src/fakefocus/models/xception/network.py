"""Xception (Chollet, 2017, https://arxiv.org/abs/1610.02357) as a detector of manipulated faces
(Rössler et al., FaceForensics++, 2019, https://arxiv.org/abs/1901.08971).
"""

from fakefocus.models.backbones import BackboneDetector, Pretrained


class Xception(BackboneDetector):
    """Xception with one logit; 20,809,001 parameters.

    Input ``(B, 3, img_size, img_size) float`` in [0, 1].
    """

    def __init__(
        self,
        backbone: str = "legacy_xception",
        img_size: int = 299,
        drop_rate: float = 0.5,
        *,
        pretrained: Pretrained = False,
    ) -> None:
        """Build the network; ``pretrained`` fetches the backbone's ImageNet weights."""
        super().__init__("xception", backbone, img_size, drop_rate, pretrained=pretrained)
