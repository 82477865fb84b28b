"""Which samples make a batch: what is drawn depends on seed and epoch alone, not on workers or devices."""

import logging
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch.utils.data import Sampler

from fakefocus.errors import InputError
from fakefocus.parameters import Training

_log = logging.getLogger(__name__)


class Draw(NamedTuple):
    """A row of the table, and the seed of its random changes; both samples of a pair share a seed.

    ``strength`` in [0, 1]: how much of the damage of its recipe it may suffer.
    """

    row: int
    seed: int
    strength: float = 1.0


class Batches(Sampler[list[Draw]]):
    """Batches of draws for one of several processes: each gets an equal share of the same batches.

    ``set_epoch`` is called by Lightning before each epoch.
    """

    def __init__(self, table: pd.DataFrame, recipe: Training, rank: int = 0, world: int = 1) -> None:
        """Draw from the rows of ``table``, numbered from 0.

        Raises:
            InputError: If pairs are asked for and no fake names the clip it was made from.
        """
        self._seed, self._rank, self._world = recipe.seed, rank, world
        self._with_replacement = recipe.balanced != "none"
        self._units = _units(table, recipe)
        drawn = table.iloc[[unit[-1] for unit in self._units]]
        self._share = _shares(drawn, recipe.balanced)
        self._per_batch = recipe.batch_size // (2 if recipe.fakes == "self_blended" else len(self._units[0]))
        self._passes = recipe.passes
        self._rising = recipe.damage_rises * recipe.epochs
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Draw as epoch ``epoch`` does, counted from 0."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Return how many batches an epoch has: so many passes over the units, without a rest, at least one."""
        return max(1, self._passes * len(self._units) // self._per_batch)

    def __iter__(self) -> Iterator[list[Draw]]:
        """Yield this process's share of each batch of the epoch."""
        rng = np.random.default_rng([self._seed, self._epoch])
        count = len(self) * self._per_batch
        if self._with_replacement or count > self._passes * len(self._units):
            chosen = rng.choice(len(self._units), count, p=self._share)
        else:
            passes = [rng.permutation(len(self._units)) for _ in range(self._passes)]
            chosen = np.concatenate(passes)[:count]
        seeds = rng.integers(0, 2**62, count)
        for start in range(self._rank, count, self._per_batch):
            batch = range(start, start - self._rank + self._per_batch, self._world)
            strength = self._strength(start / count)
            yield [Draw(row, int(seeds[i]), strength) for i in batch for row in self._units[chosen[i]]]

    def _strength(self, share: float) -> float:
        """Return how strong damage is when a share of the epoch is over."""
        return min(1.0, (self._epoch + share) / self._rising) if self._rising else 1.0


def _units(table: pd.DataFrame, recipe: Training) -> list[tuple[int, ...]]:
    """Return what is drawn together: rows of reals to blend, pairs of a real and its fake, or single rows."""
    if recipe.fakes == "self_blended":
        return [(row,) for row in range(len(table))]
    single: list[tuple[int, ...]] = [(row,) for row in range(len(table))]
    if not recipe.paired:
        return single
    paired = pairs(table)
    if not paired and recipe.paired is True:
        msg = (
            "training.paired: no fake names a real clip that it was made from, on the same side; "
            "set it to false or where_named"
        )
        raise InputError(msg)
    if not paired:
        _log.warning("paired: no fake names a real clip that it was made from, on the same side: all are drawn singly")
    return paired or single


def pairs(table: pd.DataFrame) -> list[tuple[int, ...]]:
    """Return for each fake whose ``original`` is in the table the nearest frame of it, and the fake: rows.

    Labels are not looked at: on shuffled ones the same pairs are drawn. Of clips that show several people each is
    paired with the same one, as crops are numbered.
    """
    shown = table["crop"].str.extract(r"frame_\d+(.*)$")[0].fillna("")
    kept: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for row, key in enumerate(zip(table["video_id"], shown, strict=True)):
        kept.setdefault(key, []).append((int(table["frame"].iloc[row]), row))
    fakes = [row for row, original in enumerate(table["original"]) if original]
    drawn: list[tuple[int, ...]] = []
    for row in fakes:
        near = kept.get((table["original"].iloc[row], shown.iloc[row]), [])
        if near:
            frame = int(table["frame"].iloc[row])
            drawn.append((min(near, key=lambda other: abs(other[0] - frame))[1], row))
    if drawn and len(drawn) < len(fakes):
        lost = len(fakes) - len(drawn)
        _log.warning("paired: %d of %d fakes are not drawn, their original is not on this side", lost, len(fakes))
    return drawn


def _shares(table: pd.DataFrame, balanced: str) -> NDArray[np.float64] | None:
    """Return how likely each row is drawn, 1 in sum."""
    if balanced == "none":
        return None
    keys = ["label"] if balanced == "label" else ["label", "identity"]
    each = 1 / table.groupby(keys)["label"].transform("size")
    people = 1.0 if balanced == "label" else 1 / table.groupby("label")["identity"].transform("nunique")
    share = (each * people).to_numpy(dtype=np.float64)
    return np.asarray(share / share.sum())
