"""The Lightning module that all families share: loss, optimiser, schedule and validation AUC."""

from collections.abc import Callable
from typing import Any, Protocol, cast

import numpy as np
import pandas as pd
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from timm.optim import param_groups_weight_decay
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, LinearLR, LRScheduler, SequentialLR

from fakefocus.errors import InputError
from fakefocus.metrics.scores import auc, equal_error_threshold
from fakefocus.metrics.videos import score_by_video
from fakefocus.models.torch_settings import set_up_torch
from fakefocus.parameters import Training
from fakefocus.training.samples import Batch, assemble


class Network(Protocol):
    """What every family's network offers."""

    img_size: int

    def forward_features(self, x: Tensor) -> Tensor:
        """Return what the loss looks at."""

    def forward_head(self, features: Tensor) -> Tensor:
        """Return one logit a sample."""


class MappingNetwork(Network, Protocol):
    """One whose embedding is pooled from a map of features with ``map_dim`` channels."""

    map_dim: int

    def forward_map(self, x: Tensor) -> Tensor:
        """Return the map, ``(B, map_dim, h, w)``."""

    def pool_map(self, features: Tensor) -> Tensor:
        """Return the embedding of a map."""


class DetectorModule(pl.LightningModule):
    """Trains ``network`` with ``loss``; validates by the AUC of faces and of videos."""

    def __init__(
        self,
        network: nn.Module,
        loss: nn.Module,
        recipe: Training,
        outcomes: pd.DataFrame,
        make_maps: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        """Wrap a network.

        Args:
            network: As `Network`.
            loss: Takes features, logits and labels, gives named parts, of which ``loss`` is minimised.
            recipe: Optimiser, schedule and seed.
            outcomes: ``video_id``, ``track`` and ``label`` of the validation samples by row.
            make_maps: Makes the maps ``(B, K, H, W)`` of training batches ``(B, 3, H, W) uint8`` on their device.

        Raises:
            InputError: If the recipe asks where something was blended in, and the network has no map to tell it by.
        """
        super().__init__()
        self.network = network
        self.loss = loss
        self.recipe = recipe
        self._outcomes = outcomes
        self._make_maps = make_maps
        self.locate = _locator(network) if recipe.mask_weight else None
        self._both = self._features_and_logits
        # no buffer: the averaging of weights would swap it
        self._scores = torch.empty(0)

    def on_fit_start(self) -> None:
        """Set torch up and compile the network where it is trained: neither can be sent to another process."""
        set_up_torch()
        if self.recipe.compile:
            self._both = torch.compile(self._features_and_logits)

    def on_train_epoch_start(self) -> None:
        """Seed what the network draws itself, so that an epoch is the same after a restart."""
        pl.seed_everything(_epoch_seed(self.recipe.seed, self.current_epoch, self.global_rank), verbose=False)

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """Return the loss of a batch."""
        maps = self._make_maps(batch.images) if self._make_maps is not None else None
        parts = self._losses(batch, maps)[1] if self.locate is None else self._located(batch, maps, self.locate)
        losses = {f"train.{k}": v.detach() for k, v in parts.items()}
        self.log_dict(losses, on_step=False, on_epoch=True, batch_size=len(batch.labels), sync_dist=True)
        return parts["loss"]

    def on_validation_epoch_start(self) -> None:
        """Forget the scores of the epoch before."""
        self._scores = torch.full((len(self._outcomes),), torch.nan, device=self.device)

    def validation_step(self, batch: Batch, _: int) -> None:
        """Score a batch."""
        logits, parts = self._losses(batch)
        losses = {f"val.{k}": v for k, v in parts.items()}
        self.log_dict(losses, on_epoch=True, batch_size=len(batch.labels), sync_dist=True)
        self._scores[batch.rows] = torch.sigmoid(logits.float())

    def on_validation_epoch_end(self) -> None:
        """Log the validation AUC of faces and of videos, and the threshold of equal errors on videos.

        Raises:
            InputError: If a score is not a number: training has diverged.
        """
        # each process scored a share of the rows
        gathered = self.all_gather(self._scores).reshape(-1, len(self._scores))
        scores = gathered.nan_to_num(-1).amax(0).cpu().numpy().astype(np.float64)
        if (scores < 0).any():
            msg = f"training diverged in epoch {self.current_epoch + 1}: lower training.lr (now {self.recipe.lr})"
            raise InputError(msg)
        faces = self._outcomes.assign(score=scores)
        videos = score_by_video(faces)
        self.log("val.face_auc", auc(faces["label"], faces["score"]))
        self.log("val.video_auc", auc(videos["label"], videos["score"]))
        self.log("val.threshold", equal_error_threshold(videos["label"], videos["score"]))
        self.log("step", float(self.current_epoch))

    def configure_optimizers(self) -> dict[str, Any]:
        """Return AdamW (no decay of norms, biases and what the network names) and the schedule after a warm-up."""
        spared: set[str] = getattr(self.network, "no_weight_decay", set)()
        groups = param_groups_weight_decay(self.network, self.recipe.weight_decay, no_weight_decay_list=tuple(spared))
        beside = [*self.loss.parameters(), *(() if self.locate is None else self.locate.parameters())]
        groups.append({"params": beside, "weight_decay": 0.0})
        optimizer = AdamW([g for g in groups if g["params"]], lr=self.recipe.lr)
        updates = max(2, int(self.trainer.estimated_stepping_batches))
        scheduler = warmed_up(optimizer, updates, self.recipe)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def _losses(self, batch: Batch, maps: Tensor | None = None) -> tuple[Tensor, dict[str, Tensor]]:
        x = assemble(batch, cast("Network", self.network).img_size, maps)
        features, logits = self._both(x)
        return logits, self.loss(features, logits, batch.labels)

    def _located(self, batch: Batch, maps: Tensor | None, locate: nn.Module) -> dict[str, Tensor]:
        """Return the losses of a batch, that of where something was blended in among them."""
        network = cast("MappingNetwork", self.network)
        seen = network.forward_map(assemble(batch, network.img_size, maps))
        features = network.pool_map(seen)
        parts = self.loss(features, network.forward_head(features), batch.labels)
        assert batch.masks is not None
        asked = F.adaptive_avg_pool2d(batch.masks, (seen.shape[2], seen.shape[3]))
        mask = F.binary_cross_entropy_with_logits(locate(seen.float()), asked)
        return {**parts, "loss": parts["loss"] + self.recipe.mask_weight * mask, "mask": mask}

    def _features_and_logits(self, x: Tensor) -> tuple[Tensor, Tensor]:
        network = cast("Network", self.network)
        features = network.forward_features(x)
        return features, network.forward_head(features)


def _locator(network: nn.Module) -> nn.Conv2d:
    """Return what tells by a map of features where something was blended in: a weight a channel."""
    if not hasattr(network, "forward_map"):
        msg = f"training.mask_weight: {type(network).__name__} has no map of features to tell by, set it to 0"
        raise InputError(msg)
    return nn.Conv2d(cast("MappingNetwork", network).map_dim, 1, 1)


def warmed_up(optimizer: Optimizer, updates: int, recipe: Training) -> LRScheduler:
    """Return a linear warm-up from 5 % of the rate, if any, then the schedule of ``updates`` in all."""
    if not recipe.warmup_share:
        return _falling(optimizer, updates, recipe)
    warm = min(updates - 1, max(1, round(recipe.warmup_share * updates)))
    rising = LinearLR(optimizer, 0.05, total_iters=warm)
    return SequentialLR(optimizer, [rising, _falling(optimizer, updates - warm, recipe)], milestones=[warm])


def _falling(optimizer: Optimizer, updates: int, recipe: Training) -> LRScheduler:
    if recipe.schedule == "cosine":
        return CosineAnnealingLR(optimizer, updates, eta_min=recipe.min_lr)
    floor = recipe.min_lr / recipe.lr
    return LambdaLR(optimizer, lambda update: max(floor, recipe.step_factor ** (update // recipe.step_every)))


def _epoch_seed(seed: int, epoch: int, rank: int) -> int:
    return int(np.random.default_rng([seed, epoch, rank]).integers(2**31))
