"""Processes that a launcher started: torchrun and SLURM start the whole command once a device."""

import os
from typing import NamedTuple


class Launched(NamedTuple):
    """This process among those that were launched: its number from 0, and how many there are."""

    rank: int
    processes: int


def launched() -> Launched | None:
    """Return this process' place among those that torchrun or SLURM's srun started; None without them."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        return Launched(int(os.environ.get("RANK", "0")), int(os.environ["WORLD_SIZE"]))
    if "SLURM_PROCID" in os.environ:
        return Launched(int(os.environ["SLURM_PROCID"]), int(os.environ.get("SLURM_NTASKS", "1")))
    return None
