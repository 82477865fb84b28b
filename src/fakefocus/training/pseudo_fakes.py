"""Which pseudo-fake is made of which real face, and whose face goes into it."""

from typing import get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefocus.errors import InputError
from fakefocus.imaging.blending import Kind
from fakefocus.parameters import PseudoFakes

_CANDIDATES = 32
"""Faces of others that are drawn, of which the nearest in pose is taken: no table of all pairs has to be held."""


class Casting:
    """Draws kinds by their weights, and for swaps a donor: somebody else whose landmarks lie alike."""

    def __init__(self, options: PseudoFakes, identities: pd.Series, landmarks: NDArray[np.floating]) -> None:
        """Take ``identities`` ``(N,)`` and ``landmarks`` ``(N, 5, 2)``, pixels of the crops, of all real faces.

        Raises:
            InputError: If faces are to be swapped, and all are of one person.
        """
        weights = options.model_dump()
        self._kinds: list[Kind] = [kind for kind in get_args(Kind) if weights[kind]]
        self._shares = np.array([weights[kind] for kind in self._kinds]) / sum(weights.values())
        self._identities = identities.to_numpy()
        self._landmarks = landmarks
        if "swapped" in self._kinds and len(set(self._identities)) < 2:
            msg = "training.pseudo_fakes.swapped: needs faces of two people on each side, one has a single person"
            raise InputError(msg)

    def kind(self, rng: np.random.Generator) -> Kind:
        """Draw a kind."""
        return self._kinds[rng.choice(len(self._kinds), p=self._shares)]

    def donor(self, row: int, rng: np.random.Generator) -> int:
        """Return the row of another person whose pose is like that of ``row``: the nearest of some that are drawn."""
        while True:
            rows = rng.integers(len(self._identities), size=_CANDIDATES)
            others = rows[self._identities[rows] != self._identities[row]]
            if len(others):
                apart = np.abs(self._landmarks[others] - self._landmarks[row]).sum(axis=(1, 2))
                return int(others[np.argmin(apart)])
