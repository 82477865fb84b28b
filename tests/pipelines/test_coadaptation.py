"""Tokens of a trained detector's streams: switched off, compared, and ranked against the AUC."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kedro.framework.session import KedroSession
from kedro.io import DataCatalog

from examples import TRAINING
from fakefocus.config import with_every_family
from fakefocus.errors import InputError
from fakefocus.models import DetectorOptions, find_family
from fakefocus.models.family import UNCHANGED
from fakefocus.parameters import Evaluation, Retraining
from fakefocus.pipeline_registry import register_pipelines
from fakefocus.pipelines.coadaptation.nodes import (
    between_streams,
    compare_regularisers,
    describe_coadaptation,
    draw_coadaptation,
    measure_tokens,
)
from fakefocus.schemas import SEEDS

EVALUATION = Evaluation(threshold="validation", batch_size=8, confidence=0.95)
STREAMS = ("spatial", "spectral", "semantic")


def _options() -> DetectorOptions:
    values = with_every_family({"every_family": {"training": TRAINING}})["multistream"]
    return find_family("multistream").options.model_validate(values)


def _measured(variant: str, seed: int, cosine: float, held_out_auc: float) -> dict[str, Any]:
    options = _options()
    changes = {} if variant == UNCHANGED else find_family("multistream").regularisers[variant].changes
    contract = options.trained_as(changes, seed, 0.5).model_dump(mode="json") | {"name": "Multi-stream"}
    pair = {"streams": ["spatial", "spectral"], "cosine": cosine, "cka": cosine / 2, "cka_by_chance": 0.02}
    return {
        "contract": contract,
        "dataset": "demo",
        "experiment": "demo",
        "split_hash": "0123456789",
        "faces": 100,
        "videos": 30,
        "groups": 10,
        "held_out": ["other"],
        "auc": 0.9,
        "held_out_auc": held_out_auc,
        "cosine": cosine,
        "cka": cosine / 2,
        "cka_by_chance": 0.02,
        "pairs": [pair],
        "shares": dict(zip(STREAMS, (0.5, 0.3, 0.2), strict=True)),
    }


def _compared() -> dict[str, Any]:
    """Return a comparison in which the more alike the streams are, the lower the AUC on other methods is."""
    variants = ("neither", "orthogonality", "dropout", UNCHANGED)
    cells = [(v, seed, 0.4 - 0.1 * n - 0.01 * k) for n, v in enumerate(variants) for k, seed in enumerate(SEEDS)]
    tokens = [_measured(variant, seed, cosine, 0.9 - cosine) for variant, seed, cosine in cells]
    return compare_regularisers(_options(), Retraining(epoch_share=0.5), EVALUATION, *tokens)


def test_trainings_are_grouped_by_their_contracts_and_ranked() -> None:
    result = _compared()
    assert [row["variant"] for row in result["variants"]] == ["neither", "orthogonality", "dropout", UNCHANGED]
    assert [len(row["runs"]) for row in result["variants"]] == [3] * 4
    assert result["tracked"]["neither.cosine"] == pytest.approx(0.39)  # .40, .39 and .38
    rank = result["correlations"]["cosine and held_out_auc"]
    assert (rank["value"], rank["n"]) == (pytest.approx(-1), 12)
    assert rank["high"] < 0
    # all have the same AUC on methods trained on: no rank
    assert result["correlations"]["cosine and auc"]["value"] is None


def test_section_says_what_goes_with_what_and_on_how_many_trainings() -> None:
    section = describe_coadaptation(_compared())
    text = " ".join(section["text"])
    assert "over 12 trainings" in text
    assert "The AUC on other methods falls with linear CKA." in text
    rows = {row[0]: row for row in section["tables"][0]["rows"]}
    assert rows["both (unchanged)"][1] == "0.090 ± 0.010"
    assert rows["neither"][-3:] == ["0.500 ± 0.000", "0.300 ± 0.000", "0.200 ± 0.000"]
    assert all(isinstance(cell, str) for table in section["tables"] for row in table["rows"] for cell in row)
    figure = draw_coadaptation(_compared())
    assert len(figure.axes) == 3
    with pytest.raises(InputError, match="run kedro run --pipelines=coadaptation"):
        describe_coadaptation({})


def test_pairs_of_streams_worked_out_by_hand() -> None:
    # the second token is the first one's double, the third is at right angles to both
    rng = np.random.default_rng(0)
    first = np.zeros((200, 4), np.float32)
    first[:, 0] = rng.normal(size=200)
    third = np.zeros((200, 4), np.float32)
    third[:, 3] = rng.normal(size=200)
    pairs = {tuple(p["streams"]): p for p in between_streams(np.stack([first, 2 * first, third], 1), STREAMS)}
    same, apart = pairs["spatial", "spectral"], pairs["spectral", "semantic"]
    assert (same["cosine"], same["cka"]) == (pytest.approx(1), pytest.approx(1))
    assert apart["cosine"] == 0
    assert apart["cka"] < 0.05
    assert same["cka_by_chance"] < 0.05
    assert len(pairs) == 3


def test_stream_without_a_signal_is_undefined_and_its_trainings_are_not_ranked() -> None:
    rng = np.random.default_rng(0)
    tokens = rng.normal(size=(50, 3, 4)).astype(np.float32)
    tokens[:, 2] = 0.1
    pairs = between_streams(tokens, STREAMS)
    assert [pair["cka"] is None for pair in pairs] == [False, True, True]
    assert [pair["cka_by_chance"] is None for pair in pairs] == [False, True, True]
    # 12 trainings, of which three of one variant have such a stream
    cells = [(variant, seed) for variant in ("neither", "orthogonality", "dropout", UNCHANGED) for seed in SEEDS]
    measured = [_measured(variant, seed, 0.1 + 0.02 * n, 0.9 - 0.01 * n) for n, (variant, seed) in enumerate(cells)]
    measured[:3] = [one | {"cka": None, "pairs": pairs[2:]} for one in measured[:3]]
    result = compare_regularisers(_options(), Retraining(epoch_share=0.5), EVALUATION, *measured)
    ranks = result["correlations"]
    assert (ranks["cka and held_out_auc"]["n"], ranks["cosine and held_out_auc"]["n"]) == (9, 12)
    assert "neither.cka" not in result["tracked"]
    assert "nan" not in json.dumps(result).lower()
    section = describe_coadaptation(result)
    text = " ".join(section["text"])
    assert "In 3 of them a stream has the same token for every face" in text
    assert "over 9 of them with the AUC on held-out methods" in text
    assert {row[0]: row for row in section["tables"][0]["rows"]}["neither"][2] == "undefined"
    assert len(draw_coadaptation(result).axes) == 3


@pytest.fixture
def catalog(tiny_project: Path, monkeypatch: pytest.MonkeyPatch) -> DataCatalog:
    """Return the catalog of the tiny project."""
    monkeypatch.chdir(tiny_project)
    with KedroSession.create(project_path=tiny_project, env="test") as session:
        return session.load_context().catalog


def test_streams_of_a_trained_detector_are_switched_off_one_by_one(catalog: DataCatalog) -> None:
    (node,) = [n for n in register_pipelines()["ablation"].nodes if n.short_name == "switch_streams"]
    result = node.run({name: catalog.load(name) for name in node.inputs})["multistream_switched"]
    # all but the whole: seven subsets that are not empty
    assert len(result["variants"]) == 6
    published = {row["variant"] for row in result["variants"] if row["claims"]}
    assert published == set(find_family("multistream").ablations)
    # nothing switched off gives the scores that the evaluation gave
    stored = catalog.load("multistream_summary")["metrics"]
    assert result["unchanged"]["values"]["video.auc"] == pytest.approx([stored["video"]["auc"]["value"]])
    assert result["unchanged"]["values"]["held_out.auc"] == pytest.approx([stored["held_out"]["auc"]["value"]])
    assert len({row["values"]["video.auc"][0] for row in result["variants"]}) > 1


def test_tokens_of_a_trained_detector_are_measured_on_all_test_faces(catalog: DataCatalog) -> None:
    names = ("samples", "face_crops", "defocus_maps", "splits_json")
    shared = {name: catalog.load(name) for name in names}
    model, summary = catalog.load("multistream.model"), catalog.load("multistream_summary")
    parameters = [
        kind.model_validate(catalog.load(f"params:{name}"))
        for name, kind in measure_tokens.__annotations__.items()
        if name in ("preprocessing", "defocus", "evaluation")
    ]
    result = measure_tokens(model, summary, *shared.values(), *parameters)
    assert result["faces"] == int((shared["samples"]["split"] == "test").sum())
    assert len(result["pairs"]) == 3
    assert sum(result["shares"].values()) == pytest.approx(1)
    assert 0 <= result["cosine"] <= 1
    assert 0 <= result["cka_by_chance"] <= result["cka"] <= 1
    assert result["auc"] == summary["metrics"]["video"]["auc"]["value"]
