"""Calibration on validation scores: parity with scikit-learn, and what must hold whatever the scores."""

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from fakefocus.metrics.calibration import METHODS, calibrated, fit_calibration
from fakefocus.metrics.weighted import measure


def _overconfident(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return labels, and scores whose logits are three times as large as they should be."""
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 1.5, count)
    return (rng.uniform(size=count) < expit(z)).astype(int), expit(3 * z)


def _loss(labels: np.ndarray, scores: np.ndarray) -> float:
    return float(measure(labels, scores, np.zeros(len(labels), int), [[1.0]], threshold=0.5)["log_loss"][0])


def test_temperature_finds_by_how_much_scores_are_overconfident() -> None:
    fitted = fit_calibration(*_overconfident(4000), "temperature")
    assert fitted["parameters"]["temperature"] == pytest.approx(3, rel=0.1)


def test_platt_is_a_logistic_regression_on_logits() -> None:
    labels, scores = _overconfident(4000)
    fitted = fit_calibration(labels, scores, "platt")["parameters"]
    z = logit(np.clip(scores, 1e-6, 1 - 1e-6))
    reference = LogisticRegression(C=1e9).fit(z[:, None], labels)
    assert fitted["slope"] == pytest.approx(float(reference.coef_[0, 0]), rel=0.02)
    assert fitted["shift"] == pytest.approx(float(reference.intercept_[0]), abs=0.02)


def test_isotonic_steps_are_those_of_scikit_learn() -> None:
    labels, scores = _overconfident(200)
    reference = IsotonicRegression(out_of_bounds="clip").fit(scores, labels)
    at = np.linspace(0, 1, 51)
    assert calibrated(at, fit_calibration(labels, scores, "isotonic")) == pytest.approx(reference.predict(at))


@pytest.mark.parametrize("method", METHODS)
def test_calibration_helps_on_other_videos_keeps_the_order_and_stays_in_0_to_1(method: str) -> None:
    fitted = fit_calibration(*_overconfident(400), method)
    labels, scores = _overconfident(4000, seed=1)
    better = calibrated(scores, fitted)
    assert _loss(labels, np.clip(better, 0.01, 0.99)) < _loss(labels, np.clip(scores, 0.01, 0.99))
    assert (np.diff(better[np.argsort(scores)]) >= 0).all()
    assert 0 <= better.min() <= better.max() <= 1


@pytest.mark.parametrize("method", METHODS)
def test_separated_and_saturated_scores_are_fitted_without_overflow(method: str) -> None:
    labels, scores = np.repeat([0, 1], 8), np.repeat([0.0, 1.0], 8)
    better = calibrated(scores, fit_calibration(labels, scores, method))
    assert np.isfinite(better).all()
    assert better[0] < 0.5 < better[-1]


def test_one_class_fits_nothing() -> None:
    assert fit_calibration([1, 1], [0.2, 0.9], "platt") is None
