"""What the parts of a network have learned, whatever family it is of: filters, channels, frequencies, streams."""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from timm.layers import EcaModule
from torch import Tensor, nn

from fakefocus.explain.heat import Heat

_RESPONSE = 64
"""Side of the grid of frequencies on which responses of filters are computed."""


class Filters(NamedTuple):
    """Constrained filters ``(out, in, k, k)`` and the size of their frequency response ``(out, in, 64, 64)``.

    Frequency 0 is in the middle of a response; its border is half a cycle a pixel.
    """

    kernels: NDArray[np.float32]
    responses: NDArray[np.float32]


class SpectralFactors(NamedTuple):
    """What a spectral mask multiplies each frequency by: ``(H, W)`` with frequency 0 in the middle, mean of channels.

    ``bands``: the factors of its rings, from low to high frequencies.
    """

    factors: NDArray[np.float32]
    bands: NDArray[np.float32]


def constrained_filters(network: nn.Module) -> Filters | None:
    """Return the filters of the first convolution that cannot see content; None where the network has none."""
    layer: Any = next((module for module in network.modules() if hasattr(module, "constrained_weight")), None)
    if layer is None:
        return None
    kernels = layer.constrained_weight().detach().float().cpu().numpy()
    responses = np.abs(np.fft.fftshift(np.fft.fft2(kernels, s=(_RESPONSE, _RESPONSE)), axes=(2, 3)))
    return Filters(kernels, responses.astype(np.float32))


@torch.no_grad()
def channel_attention(network: nn.Module, x: Tensor) -> dict[str, NDArray[np.float32]]:
    """Return the weights ``(N, C)`` in [0, 1] that ECA gives the channels, by the name of the layer; empty without."""
    layers = {name: module for name, module in network.named_modules() if isinstance(module, EcaModule)}
    seen: dict[str, Tensor] = {}
    hooks = [
        layer.gate.register_forward_hook(lambda _m, _i, output, name=name: seen.update({name: output}))
        for name, layer in layers.items()
    ]
    try:
        if layers:
            network(x)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: gate.reshape(len(x), -1).float().cpu().numpy() for name, gate in seen.items()}


def spectral_factors(network: nn.Module) -> SpectralFactors | None:
    """Return what a network's spectral mask has learned; None where it has none."""
    mask: Any = next((m for m in network.modules() if hasattr(m, "factors") and hasattr(m, "band_weight")), None)
    if mask is None:
        return None
    half = mask.factors().detach().float().cpu().numpy().mean(0)
    side = half.shape[0]
    # what is missing is the opposite of what is there
    rows = -np.arange(side) % side
    whole = np.concatenate([half, half[rows][:, 1 : side - half.shape[1] + 1][:, ::-1]], axis=1)
    return SpectralFactors(np.fft.fftshift(whole), mask.band_weight.detach().float().cpu().numpy())


def map_relevance(network: nn.Module, x: Tensor) -> Heat | None:
    """Return how much the score depends on each place of the defocus map, ``(N, S, S)`` in [0, 1].

    The size of the gradient of the logit by the first channel behind RGB, smoothed over a 32nd of the side, relative to
    its own greatest. A heat map of features cannot tell channels apart; this can. None where the network sees no map.
    """
    if x.shape[1] < 4:
        return None
    from torchvision.transforms.v2.functional import gaussian_blur

    with torch.enable_grad():
        seen = x.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(network(seen).sum(), seen)
    side = x.shape[-1]
    size = gaussian_blur(gradient[:, 3:4].abs(), (side // 32) * 6 + 1, side / 32)[:, 0]
    top = size.amax((1, 2), keepdim=True).clamp_min(1e-12)
    return np.asarray((size / top).cpu().numpy(), dtype=np.float32)


def log_spectrum(x: Tensor) -> NDArray[np.float32]:
    """Return the power of each frequency of grey pictures, ``log10``, ``(N, S, S)`` with frequency 0 in the middle.

    Pictures ``(N, ≥ 3, S, S)`` in [0, 1], under a Hann window, so that their borders add no cross.
    """
    grey = (x[:, :3] * torch.tensor([0.299, 0.587, 0.114], device=x.device).reshape(1, 3, 1, 1)).sum(1)
    line = torch.hann_window(grey.shape[-1], periodic=False, device=x.device)
    spectrum = torch.fft.fft2((grey - grey.mean((1, 2), keepdim=True)) * line[:, None] * line[None, :])
    power = torch.log10(spectrum.abs().square() + 1e-6)
    return np.asarray(torch.fft.fftshift(power, dim=(1, 2)).cpu().numpy(), dtype=np.float32)


def radial_profile(spectra: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of ``(N, S, S)`` over rings of whole frequencies, ``(N, S // 2)``, from 0 to half a cycle."""
    side = spectra.shape[-1]
    line = np.arange(side) - side // 2
    ring = np.hypot(line[:, None], line[None, :]).round().astype(int).ravel()
    inside = ring < side // 2
    counts = np.bincount(ring[inside], minlength=side // 2)
    flat = spectra.reshape(len(spectra), -1)[:, inside]
    sums = np.stack([np.bincount(ring[inside], weights=row, minlength=side // 2) for row in flat])
    return np.asarray(sums / counts, dtype=np.float32)
