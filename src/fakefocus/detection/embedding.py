"""Tells people apart by a face-recognition network, with weights that a user gives.

Inception-ResNet v1 as facenet-pytorch has it: Schroff et al., FaceNet: A Unified Embedding for Face Recognition and
Clustering, CVPR 2015 (https://arxiv.org/abs/1503.03832); https://github.com/timesler/facenet-pytorch (MIT).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import torch
from facenet_pytorch import InceptionResnetV1
from numpy.typing import NDArray

from fakefocus.errors import InputError

SIDE = 160
"""Side of what the network sees, in pixels."""


class FaceEmbedder:
    """Turns faces into unit vectors: those of one person have a high cosine similarity."""

    def __init__(self, weights: Mapping[str, Any]) -> None:
        """Build the network; the published weights' classifier (``logits``) is left out.

        Raises:
            InputError: If the weights are not this network's; names the first that differ.
        """
        self._network = InceptionResnetV1(classify=False).eval()
        kept = {name: value for name, value in weights.items() if not name.startswith("logits.")}
        own = self._network.state_dict()
        wrong = [name for name in own if name not in kept or kept[name].shape != own[name].shape]
        wrong += [name for name in kept if name not in own]
        if wrong:
            msg = (
                "face_weights: must be those of facenet-pytorch's InceptionResnetV1 (vggface2 or casia-webface), "
                f"{len(wrong)} names or shapes differ, such as {', '.join(wrong[:3])}"
            )
            raise InputError(msg)
        self._network.load_state_dict(kept)

    def __call__(self, crops: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return ``(N, 512) float32`` of length 1 for crops ``(H, W, 3) uint8, RGB``."""
        faces = np.stack([cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for crop in crops])
        x = (torch.from_numpy(faces).permute(0, 3, 1, 2).float() - 127.5) / 128
        with torch.inference_mode():
            return np.asarray(self._network(x).numpy(), dtype=np.float32)
