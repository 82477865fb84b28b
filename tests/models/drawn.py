"""Tensors of a published network, under its names, drawn as its layers are first used."""

import torch
import torch.nn.functional as F
from torch import Tensor


class Drawn:
    """Layers by name: a first pass draws their tensors and gives norms the statistics of its pictures."""

    def __init__(self, seed: int = 1) -> None:
        """Draw from ``seed``."""
        self.generator = torch.Generator().manual_seed(seed)
        self.tensors: dict[str, Tensor] = {}

    def draw(self, name: str, *shape: int, scale: float = 1.0) -> Tensor:
        """Return the tensor of a name, normally distributed."""
        if name not in self.tensors:
            self.tensors[name] = scale * torch.randn(shape, generator=self.generator)
        return self.tensors[name]

    def conv(
        self,
        x: Tensor,
        name: str,
        out: int,
        side: int,
        stride: int = 1,
        groups: int = 1,
        dilation: int = 1,
        **how: bool,
    ) -> Tensor:
        """Convolve; ``padded`` keeps the size (but for the stride), ``biased`` adds a bias."""
        into = x.shape[1] // groups
        kernel = self.draw(f"{name}.weight", out, into, side, side, scale=(2 / (into * side**2)) ** 0.5)
        bias = self.draw(f"{name}.bias", out, scale=0.1) if how.get("biased") else None
        padding = dilation * (side // 2) if how.get("padded") else 0
        return F.conv2d(x, kernel, bias, stride, padding, dilation, groups)

    def norm(self, x: Tensor, name: str, epsilon: float = 1e-5) -> Tensor:
        """Normalise by statistics of the first pass."""
        if f"{name}.weight" not in self.tensors:
            channels = x.shape[1]
            variance, mean = torch.var_mean(x, dim=(0, 2, 3))
            self.tensors |= {
                f"{name}.weight": 0.5 + torch.rand(channels, generator=self.generator),
                f"{name}.bias": 0.3 * torch.randn(channels, generator=self.generator),
                f"{name}.running_mean": mean,
                f"{name}.running_var": variance,
                f"{name}.num_batches_tracked": torch.tensor(7),
            }
        stored = (self.tensors[f"{name}.{kind}"] for kind in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, *stored, eps=epsilon)

    def linear(self, x: Tensor, name: str, out: int) -> Tensor:
        """Multiply and add."""
        into = x.shape[-1]
        weight = self.draw(f"{name}.weight", out, into, scale=into**-0.5)
        return F.linear(x, weight, self.draw(f"{name}.bias", out, scale=0.1))

    def layer_norm(self, x: Tensor, name: str) -> Tensor:
        """Normalise each token."""
        width = x.shape[-1]
        if f"{name}.weight" not in self.tensors:
            self.tensors[f"{name}.weight"] = 0.5 + torch.rand(width, generator=self.generator)
        return F.layer_norm(x, (width,), self.tensors[f"{name}.weight"], self.draw(f"{name}.bias", width, scale=0.3))


def pictures(count: int, side: int, seed: int = 2) -> Tensor:
    """Return pictures ``(count, 3, side, side)`` in [0, 1], coarse and fine, no two alike."""
    generator = torch.Generator().manual_seed(seed)
    coarse = F.interpolate(torch.rand(count, 3, 4, 4, generator=generator), side, mode="bilinear")
    return 0.7 * coarse + 0.3 * torch.rand(count, 3, side, side, generator=generator)
