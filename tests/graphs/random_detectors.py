"""Small detectors of each family, with random weights whose scores differ as those of trained ones do."""

from functools import partial
from typing import Any

import numpy as np
import torch

from examples import AUGMENTATION, TRAINING, make_contract
from fakefocus.inference import Crop, Scorer
from fakefocus.models.build import build_network, input_spec
from fakefocus.models.contract import Contract

MAPS = {"method": "gradient_ratio", "sigma_max": 5.0}
STREAMS = {"spatial": "test_efficientnet", "spectral": "test_resnet", "semantic": "test_vit"}
NETWORKS: dict[str, tuple[dict[str, Any], int]] = {
    "scade_net": ({"in_chans": 4}, 256),
    "meso4": ({}, 256),
    "meso_inception4": ({}, 256),
    "lite": ({"backbone": "tf_efficientnet_lite0", "img_size": 96, "drop_rate": 0.2}, 192),
    "multistream": ({**STREAMS, "img_size": 96, "stream_drop_rate": 0.1, "drop_rate": 0.4}, 192),
}
"""The parameters of a small network, and the side of the crops that it learned from."""


def make_detector(
    family: str, crops: list[np.ndarray], spread: float = 1.0
) -> tuple[Contract, dict[str, torch.Tensor]]:
    """Return a detector with random weights, whose logits of ``crops`` have a deviation of ``spread``."""
    torch.manual_seed(3)
    network, side = NETWORKS[family]
    built = build_network(family, network)
    for module in built.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            # as after training: fresh ones would hide an order that is wrong
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    training = TRAINING | {"augmentation": AUGMENTATION | {"crop": side}}
    maps = MAPS if getattr(built, "in_chans", 3) == 4 else None
    contract = make_contract(family, network, training=training, maps=maps)
    contract = contract.model_copy(update={"input": input_spec(built)})
    logits = torch.logit(torch.from_numpy(Scorer(contract, built.state_dict())([partial(Crop, c) for c in crops])))
    *_, last = (module for module in built.modules() if isinstance(module, torch.nn.Linear))
    last.weight.data *= spread / logits.std()
    last.bias.data = ((last.bias.data - logits.mean()) * spread / logits.std()).float()
    return contract, built.state_dict()
