"""Deals units (groups or people) to parts (sides or folds) in shares, like with like; what was dealt stays."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from fakefocus.pipelines.feature_split.grouping import order_of

Kind = tuple[str, int, str]
"""Data set, label and method."""


@dataclass(frozen=True)
class Unit:
    """What goes to a part as a whole; ``kinds`` counts its videos by kind, a video of two units half each."""

    name: str
    kinds: Counter[Kind] = field(default_factory=Counter)

    @property
    def size(self) -> float:
        """Number of videos."""
        return sum(self.kinds.values())

    @property
    def labels(self) -> frozenset[int]:
        """Labels of the videos."""
        return frozenset(label for _, label, _ in self.kinds)


def deal(units: Iterable[Unit], shares: Mapping[str, float], dealt: Mapping[str, str], seed: int) -> dict[str, str]:
    """Map each unit to a part.

    Units that hold the same kinds of videos are dealt together, in the order of a hash of the seed and their name, so
    that parts have their shares of every data set, label and method; what is rounded is carried on to the next kinds.
    After that a part that lacks a label, or everything, gets a unit of another part that can spare one.

    Args:
        units: All units; those of ``dealt`` stay where they are and count.
        shares: Share of each part, in the order of dealing; the last gets the rest.
        dealt: Parts of units that were dealt before.
        seed: Seed of the order.
    """
    by_name = {unit.name: unit for unit in units}
    parts = {name: part for name, part in dealt.items() if name in by_name}
    owed = {part: -sum(by_name[n].size for n, p in parts.items() if p == part) for part in shares}
    behind = {part: share * -sum(owed.values()) for part, share in shares.items()}
    owed = {part: owed[part] + behind[part] for part in shares}
    for alike in _alike([unit for name, unit in by_name.items() if name not in parts]):
        parts |= _deal_alike(sorted(alike, key=lambda u: order_of(u.name, seed)), shares, owed)
    return _fill(by_name, parts, shares, frozenset(dealt), seed)


def _alike(units: list[Unit]) -> list[list[Unit]]:
    """Return units with the same kinds together, the largest lot first."""
    lots: dict[frozenset[Kind], list[Unit]] = {}
    for unit in units:
        lots.setdefault(frozenset(unit.kinds), []).append(unit)
    return [lots[kinds] for kinds in sorted(lots, key=lambda k: (-sum(u.size for u in lots[k]), sorted(k)))]


def _deal_alike(queue: list[Unit], shares: Mapping[str, float], owed: dict[str, float]) -> dict[str, str]:
    """Deal a lot; ``owed`` is what each part lacks so far, in videos, and is brought up to date."""
    total, parts = sum(unit.size for unit in queue), {}
    *most, last = shares
    for part, share in shares.items():
        owed[part] += share * total
    for part in most:
        while queue and owed[part] >= queue[0].size / 2 and owed[part] > 0:
            owed[part] -= queue[0].size
            parts[queue.pop(0).name] = part
    owed[last] -= sum(unit.size for unit in queue)
    return parts | {unit.name: last for unit in queue}


def _fill(
    by_name: Mapping[str, Unit], parts: dict[str, str], shares: Mapping[str, float], fixed: frozenset[str], seed: int
) -> dict[str, str]:
    movable = sorted(parts.keys() - fixed, key=lambda name: (by_name[name].size, order_of(name, seed)))
    for label in sorted({label for unit in by_name.values() for label in unit.labels}):
        for part in shares:
            videos_by_label = _labels_held(by_name, parts)
            if not videos_by_label[part, label]:
                spare = (
                    n
                    for n in movable
                    if label in by_name[n].labels and _can_spare(by_name[n], videos_by_label, parts[n])
                )
                parts |= dict.fromkeys([*spare][:1], part)
    for part in shares:
        counts = Counter(parts[name] for name in parts if by_name[name].size)
        if not counts[part]:
            spare = (n for n in movable if by_name[n].size and counts[parts[n]] > 1)
            parts |= dict.fromkeys([*spare][:1], part)
    return parts


def _can_spare(unit: Unit, videos_by_label: Counter[tuple[str, int]], part: str) -> bool:
    return all(videos_by_label[part, label] > 1 for label in unit.labels)


def _labels_held(by_name: Mapping[str, Unit], parts: Mapping[str, str]) -> Counter[tuple[str, int]]:
    """Count the units that hold a label, by part and label."""
    return Counter((part, label) for name, part in parts.items() for label in by_name[name].labels)
