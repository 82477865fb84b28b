"""GenD (Yermakov et al., Deepfake Detection that Generalizes Across Benchmarks, 2025,
https://arxiv.org/abs/2508.06248).
"""

import torch.nn.functional as F
from torch import Tensor, nn

from fakefocus.models.backbones import BackboneDetector, Pretrained


class GenD(BackboneDetector):
    """A vision transformer without its projection; its layer norms and a linear layer learn.

    Input ``(B, 3, img_size, img_size) float`` in [0, 1].
    """

    def __init__(self, backbone: str, img_size: int, drop_rate: float, *, pretrained: Pretrained = False) -> None:
        """Build the network and freeze all but its layer norms; ``pretrained`` fetches the backbone's weights."""
        super().__init__("gend", backbone, img_size, drop_rate, pretrained=pretrained, on_grid=True)
        self.backbone.requires_grad_(requires_grad=False)
        for norm in (module for module in self.backbone.modules() if isinstance(module, nn.LayerNorm)):
            norm.requires_grad_(requires_grad=True)

    def forward_features(self, x: Tensor) -> Tensor:
        """Return the embedding ``(B, embedding_dim)``, of length 1."""
        return F.normalize(super().forward_features(x), dim=1)
