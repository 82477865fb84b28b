"""A detector with everything inside: from a stored crop to its score, maps and all."""

from torch import Tensor, nn

from fakefocus.errors import InputError
from fakefocus.graphs.convert import Scored
from fakefocus.models.contract import Contract
from fakefocus.training.batched_maps import blur_and_confidence


class Whole(nn.Module):
    """Crops as extraction cuts them, to probabilities of fake."""

    def __init__(self, contract: Contract, weights: dict[str, Tensor]) -> None:
        """Put the network of a contract together with what makes its maps.

        Raises:
            InputError: If its maps are of a method that is not made of tensors.
        """
        super().__init__()
        if contract.maps is not None and contract.maps.method != "gradient_ratio":
            msg = (
                f"export: maps of method {contract.maps.method} cannot be part of a graph, those of gradient_ratio "
                "can: answer with --runtime torch, or train on maps of defocus.method=gradient_ratio"
            )
            raise InputError(msg)
        self.scored = Scored(contract, weights)
        self.channels = contract.input.maps
        self.sigma_max = contract.maps.sigma_max if contract.maps is not None else 0.0
        start = (contract.crops.size - contract.training.augmentation.crop) // 2
        self.middle = slice(start, start + contract.training.augmentation.crop)

    def forward(self, crops: Tensor) -> Tensor:
        """Return ``(N,) float32`` in [0, 1] for crops ``(N, H, W, 3) uint8, RGB``, of the side that extraction cuts."""
        seen = crops[:, self.middle, self.middle]
        if not self.channels:
            return self.scored(seen)
        maps = blur_and_confidence(crops.permute(0, 3, 1, 2), self.sigma_max)[:, : self.channels]
        return self.scored(seen, maps.permute(0, 2, 3, 1)[:, self.middle, self.middle])
