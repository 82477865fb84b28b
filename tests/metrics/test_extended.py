"""Metrics of other packages: measured under every weighting, as ours are, and held to [0, 1]."""

import numpy as np
import pytest
from numpy.typing import NDArray

from fakefocus.errors import InputError
from fakefocus.metrics import extended, weighted
from fakefocus.metrics.scores import summary
from fakefocus.metrics.weighted import METRICS, all_metrics, measure

LABELS, SCORES, GROUPS = [0, 0, 1, 1], [0.1, 0.7, 0.6, 0.9], [0, 1, 0, 1]


def _share_of_called(
    labels: NDArray[np.int64], scores: NDArray[np.float64], weights: NDArray[np.float64], threshold: float
) -> float:
    """Return the share of rows that are called fake."""
    return float(np.average(scores >= threshold, weights=weights)) if weights.any() else float("nan")


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let another package add two metrics."""
    theirs = {"called": _share_of_called, "beyond": lambda *_: 1.5}
    for module in (extended, weighted):
        monkeypatch.setattr(module, "extended_metrics", lambda: theirs)


@pytest.mark.usefixtures("add")
def test_metric_of_another_package_is_measured_under_each_weighting() -> None:
    values = measure(LABELS, SCORES, GROUPS, [[1, 1], [2, 0], [0, 1], [0, 0]], threshold=0.65, only=("auc", "called"))
    # .7 and .9 are called fake: both of group 1, none of group 0
    assert values["called"].tolist() == pytest.approx([0.5, 0.0, 1.0, np.nan], nan_ok=True)
    # fakes .6 and .9 against reals .1 and .7: three of four pairs
    assert values["auc"][0] == 0.75
    assert all_metrics() == (*METRICS, "called", "beyond")


@pytest.mark.usefixtures("add")
def test_metric_of_another_package_stands_in_a_summary_with_an_interval() -> None:
    groups = np.arange(24) // 2
    labels, scores = np.tile([0, 1], 12), np.tile([0.2, 0.8, 0.4, 0.6], 6)
    judged = summary(labels, scores, groups, threshold=0.5, confidence=0.95, only=("called",))
    assert judged["called"]["value"] == 0.5
    assert 0 <= judged["called"]["low"] <= 0.5 <= judged["called"]["high"] <= 1


@pytest.mark.usefixtures("add")
def test_metric_beyond_0_to_1_is_refused_with_its_name_and_value() -> None:
    with pytest.raises(InputError, match=r"beyond must be in \[0, 1\] or NaN, got 1\.5: rescale it"):
        measure(LABELS, SCORES, GROUPS, [[1, 1]], threshold=0.5, only=("beyond",))
