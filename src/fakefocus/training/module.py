"""The Lightning module that all families share: loss, optimiser, schedule and validation AUC."""

from typing import Any, Protocol, cast

import numpy as np
import pandas as pd
import pytorch_lightning as pl
import torch
from timm.optim import param_groups_weight_decay
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

from fakefocus.metrics.scores import auc
from fakefocus.parameters import Training
from fakefocus.schemas import InputError


class Network(Protocol):
    """What every family's network offers."""

    def forward_features(self, x: Tensor) -> Tensor:
        """Return what the loss looks at."""

    def forward_head(self, features: Tensor) -> Tensor:
        """Return one logit a sample."""


class DetectorModule(pl.LightningModule):
    """Trains ``network`` with ``loss``; validates by the AUC of faces and of videos."""

    def __init__(self, network: nn.Module, loss: nn.Module, recipe: Training, val_table: pd.DataFrame) -> None:
        """Wrap a network; ``val_table`` holds the validation samples in the order of their loader."""
        super().__init__()
        self.network = network
        self.loss = loss
        self.recipe = recipe
        self._val_videos = val_table["video_id"].to_numpy()
        self._val_labels = val_table["label"].to_numpy()
        self._val_scores = np.full(len(val_table), np.nan)

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], _: int) -> Tensor:
        """Return the loss of a batch."""
        parts = self._losses(batch)[1]
        self.log_dict(
            {f"train.{k}": v.detach() for k, v in parts.items()}, on_step=False, on_epoch=True, batch_size=len(batch[0])
        )
        return parts["loss"]

    def validation_step(self, batch: tuple[Tensor, Tensor, Tensor], _: int) -> None:
        """Score a batch."""
        logits, parts = self._losses(batch)
        self.log("val.loss", parts["loss"], on_epoch=True, batch_size=len(batch[0]))
        self._val_scores[batch[2].cpu().numpy()] = torch.sigmoid(logits.float()).cpu().numpy()

    def on_validation_epoch_end(self) -> None:
        """Log the validation AUC of faces and of videos.

        Raises:
            InputError: If a score is not a number: training has diverged.
        """
        if not np.isfinite(self._val_scores).all():
            msg = f"training diverged in epoch {self.current_epoch + 1}: lower training.lr (now {self.recipe.lr})"
            raise InputError(msg)
        faces = pd.DataFrame({"video": self._val_videos, "label": self._val_labels, "score": self._val_scores})
        by_video = faces.groupby("video").mean()
        self.log("val.face_auc", auc(faces["label"], faces["score"]))
        self.log("val.video_auc", auc(by_video["label"], by_video["score"]))
        self.log("step", float(self.current_epoch))

    def configure_optimizers(self) -> dict[str, Any]:
        """Return AdamW (no decay of norms and biases) and a cosine schedule with a linear warm-up."""
        groups = param_groups_weight_decay(self.network, self.recipe.weight_decay)
        groups.append({"params": list(self.loss.parameters()), "weight_decay": 0.0})
        optimizer = AdamW([g for g in groups if g["params"]], lr=self.recipe.lr)
        steps = max(2, int(self.trainer.estimated_stepping_batches))
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": self._schedule(optimizer, steps), "interval": "step"},
        }

    def _schedule(self, optimizer: Optimizer, steps: int) -> SequentialLR:
        warm = min(steps - 1, max(1, round(self.recipe.warmup_share * steps)))
        return SequentialLR(
            optimizer,
            [
                LinearLR(optimizer, 0.05, total_iters=warm),
                CosineAnnealingLR(optimizer, steps - warm, eta_min=self.recipe.min_lr),
            ],
            milestones=[warm],
        )

    def _losses(self, batch: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        x = batch[0].contiguous(memory_format=torch.channels_last)
        network = cast("Network", self.network)
        features = network.forward_features(x)
        logits = network.forward_head(features)
        return logits, self.loss(features, logits, batch[1])
