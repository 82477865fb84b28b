"""UnivFD (Ojha et al., Towards Universal Fake Image Detectors that Generalize Across Generative Models, 2023,
https://arxiv.org/abs/2302.10174).
"""

from typing import Any, Self

from torch import Tensor, nn

from fakefocus.models.backbones import Pretrained, create_backbone
from fakefocus.models.normalize import Normalize


class UnivFd(nn.Module):
    """A frozen CLIP ViT-L/14 up to its visual projection, and a linear layer, the only part that learns.

    Input ``(B, 3, img_size, img_size) float`` in [0, 1].
    """

    in_chans = 3

    def __init__(
        self,
        backbone: str = "vit_large_patch14_clip_quickgelu_224.openai",
        img_size: int = 224,
        drop_rate: float = 0.0,
        *,
        pretrained: Pretrained = False,
    ) -> None:
        """Build the network; ``pretrained`` fetches the backbone's weights, without which nothing is learned yet."""
        super().__init__()
        self.img_size = img_size
        network: Any = create_backbone("univfd", backbone, pretrained, img_size=img_size)
        if not _ends_in_projection(network.pretrained_cfg):
            network.reset_classifier(0)
        self.backbone: nn.Module = network.requires_grad_(requires_grad=False).eval()
        self.normalize = Normalize(network)
        self.embedding_dim = int(network.num_classes or network.head_hidden_size)
        self.head = nn.Sequential(nn.Dropout(drop_rate), nn.Linear(self.embedding_dim, 1))

    def train(self, mode: bool = True) -> Self:
        """Set the mode of the head; the frozen backbone stays in evaluation."""
        super().train(mode)
        self.backbone.eval()
        return self

    def forward_features(self, x: Tensor) -> Tensor:
        """Return the embedding ``(B, embedding_dim)``, not scaled to unit length.

        Nothing in the backbone needs a gradient, so nothing is kept for one, unless the pictures themselves
        ask for theirs, as attacks and saliency maps do.
        """
        return self.backbone(self.normalize(x))

    def forward_head(self, features: Tensor) -> Tensor:
        """Return one logit a sample, ``(B,)``; above 0 means fake."""
        return self.head(features).squeeze(1)

    def forward(self, x: Tensor) -> Tensor:
        """Return one logit a sample, ``(B,)``; above 0 means fake."""
        return self.forward_head(self.forward_features(x))


def _ends_in_projection(config: dict[str, Any]) -> bool:
    """Say whether a timm network ends in CLIP's visual projection; elsewhere its last layer is a classifier."""
    return "_clip_" in config["architecture"] and "_ft_" not in config["tag"]
