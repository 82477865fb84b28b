"""Which people and files of a test side a detector was trained or validated on."""

from typing import TYPE_CHECKING

from fakefocus.models.contract import Side
from fakefocus.parameters import Group

if TYPE_CHECKING:  # whoever reads a contract does without tables
    import pandas as pd


class Overlap(Group):
    """How many test videos a detector knows, themselves or by somebody in them; ``videos`` is how many there are.

    ``trained_on`` counts those of its training, ``validated_on`` others of its validation.
    """

    videos: int
    trained_on: int
    validated_on: int
    people: tuple[str, ...]

    @property
    def known(self) -> int:
        """How many it knows at all."""
        return self.trained_on + self.validated_on


def side_of(samples: "pd.DataFrame") -> Side:
    """Return whom samples show."""
    videos = samples.drop_duplicates("video_id").sort_values("video_id")
    return Side(
        videos=tuple(videos["video_id"]),
        sha256=tuple(videos["fingerprint"]),
        people=tuple(sorted({name for names in videos["people"] for name in people_in(names)})),
    )


def people_in(text: str) -> list[str]:
    """Return the names that the column ``people`` of samples holds, one a line."""
    return text.split("\n") if text else []


def in_words(overlap: Overlap) -> str:
    """Return how many test videos a detector knows, in words, with the first names."""
    counts = {"trained on": overlap.trained_on, "validated on": overlap.validated_on}
    texts = [f"{count} of {overlap.videos} test videos were {how}" for how, count in counts.items() if count]
    who = f", or show people who were, with {_first(overlap.people)}" if overlap.people else ""
    return " and ".join(texts) + who


def find_overlap(train: Side, val: Side, test: "pd.DataFrame") -> Overlap:
    """Return how many videos of ``test`` are of ``train`` or ``val``, themselves or by somebody in them."""
    videos = test.drop_duplicates("video_id")
    trained, validated = (_known(side, videos) for side in (train, val))
    known_people = {*train.people, *val.people}
    shared = known_people.intersection(name for names in videos["people"] for name in people_in(names))
    return Overlap(
        videos=len(videos),
        trained_on=int(trained.sum()),
        validated_on=int((validated & ~trained).sum()),
        people=tuple(sorted(shared)),
    )


def _known(side: Side, videos: "pd.DataFrame") -> "pd.Series":
    people = set(side.people)
    by_person = videos["people"].map(lambda names: not people.isdisjoint(people_in(names))).astype(bool)
    return by_person | videos["fingerprint"].isin(set(side.sha256))


def _first(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more people" if len(names) > 3 else "")
