"""Parameters of attacks on detectors."""

from typing import Annotated

from pydantic import Field, field_validator

from fakefocus.parameters.common import Group, Positive


class Adversarial(Group):
    """How many crops are attacked, by what, how strongly.

    ``images`` in all, half of them real; ``epsilons``: largest change of a pixel in grey levels of 255, ascending;
    ``pgd_steps``: one PGD a number; ``auto_pgd_steps`` of AutoPGD; ``carlini_steps`` for each of ``carlini_searches``
    of C&W; ``unbounded_steps`` of the PGD without bound that has to succeed; ``batch_size`` crops at once.
    """

    images: Annotated[int, Field(ge=2)]
    epsilons: tuple[Annotated[int, Field(ge=1, le=254)], ...] = Field(min_length=1)
    pgd_steps: tuple[Positive, ...] = Field(min_length=1)
    auto_pgd_steps: Positive
    carlini_steps: Positive
    carlini_searches: Positive
    unbounded_steps: Positive
    batch_size: Positive
    seed: Annotated[int, Field(ge=0)]

    @field_validator("epsilons", "pgd_steps")
    @classmethod
    def _ascend(cls, values: tuple[int, ...]) -> tuple[int, ...]:
        if list(values) != sorted(set(values)):
            msg = f"must ascend, each once, got {list(values)}"
            raise ValueError(msg)
        return values
