"""EfficientNet-Lite0 (https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite, 2020).

EfficientNet (Tan & Le 2019, https://arxiv.org/abs/1905.11946) without squeeze-and-excitation, with ReLU6.
"""

from typing import Any, cast

from torch import Tensor

from fakefocus.models.backbones import BackboneDetector, Pretrained


class Lite(BackboneDetector):
    """EfficientNet-Lite0 with one logit; 3,372,289 parameters.

    Input ``(B, 3, img_size, img_size) float`` in [0, 1].
    """

    def __init__(
        self,
        backbone: str = "tf_efficientnet_lite0",
        img_size: int = 224,
        drop_rate: float = 0.2,
        *,
        pretrained: Pretrained = False,
    ) -> None:
        """Build the network; ``pretrained`` says where its ImageNet weights come from."""
        super().__init__("lite", backbone, img_size, drop_rate, pretrained=pretrained)
        self.map_dim = self.embedding_dim

    def forward_map(self, x: Tensor) -> Tensor:
        """Return the last map of features, ``(B, map_dim, img_size / 32, img_size / 32)``."""
        return cast("Any", self.backbone).forward_features(self.normalize(x))

    def pool_map(self, features: Tensor) -> Tensor:
        """Return the embedding ``(B, embedding_dim)`` of a map of features."""
        return cast("Any", self.backbone).forward_head(features, pre_logits=True)

    def forward_features(self, x: Tensor) -> Tensor:
        """Return the embedding ``(B, embedding_dim)``."""
        return self.pool_map(self.forward_map(x))
