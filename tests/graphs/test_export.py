"""An exported detector has everything inside, and scores a file as the network does from its bytes."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import openvino as ov
import pytest

from fakefocus.datasets.memory_video import MemoryVideo
from fakefocus.errors import InputError
from fakefocus.extraction import extract_faces
from fakefocus.graphs.export import KEY, export
from fakefocus.prediction import Options, Predictor, find_detector
from fakefocus.prediction.predictor import preprocessing_for
from graphs.random_detectors import NETWORKS, make_detector

pytestmark = pytest.mark.slow

NAMES = ["lite", "scade_net"]


@pytest.fixture(scope="module", params=NAMES)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    detector = find_detector(request.param)
    folder = tmp_path_factory.mktemp(request.param)
    for suffix in (".onnx", ".xml"):
        file = folder / f"{request.param}{suffix}"
        assert export(detector.contract, detector.read_weights(), detector.sha256, file) < 1e-4
    return folder


def test_scores_from_the_bytes_of_a_file_are_the_networks(exported: Path, face_clip: Path) -> None:
    detector, options = find_detector(exported.name.rstrip("0123456789")), Options(every=1, runtime="torch")
    crops = MemoryVideo()
    rows = extract_faces(face_clip, "clip", "video", preprocessing_for(detector, options), crops)
    pictures = np.stack([crops.read(row["crop"]) for row in rows if row["found"]])
    expected = [face.score for face in Predictor(detector, options)(face_clip).people[0].faces]
    name = detector.name
    session = onnxruntime.InferenceSession(exported / f"{name}.onnx", providers=["CPUExecutionProvider"])
    graph = ov.Core().compile_model(exported / f"{name}.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    scores = {"onnxruntime": session.run(["score"], {"crops": pictures})[0], "openvino": graph([pictures])[0]}
    for runtime, values in scores.items():
        np.testing.assert_allclose(values, expected, atol=1e-4, err_msg=runtime)


def test_metadata_say_how_crops_are_cut_and_what_a_score_means(exported: Path) -> None:
    detector = find_detector(exported.name.rstrip("0123456789"))
    in_onnx = {one.key: one.value for one in onnx.load(exported / f"{detector.name}.onnx").metadata_props}
    in_openvino = ov.Core().read_model(exported / f"{detector.name}.xml").get_rt_info([KEY]).astype(str)
    for notes in map(json.loads, (in_onnx[KEY], in_openvino)):
        assert notes["crops"] == detector.contract.crops.model_dump(mode="json")
        assert notes["verdict"]["temperature"] == detector.contract.verdict.temperature
        assert notes["sha256"] == detector.sha256


@pytest.mark.parametrize("family", sorted({*NETWORKS} - {*NAMES}))
def test_other_families_score_as_their_networks_do_in_both_formats(family: str, tmp_path: Path) -> None:
    coarse = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    contract, weights = make_detector(
        family, [np.kron(one, np.ones((8, 8, 1), np.uint8)) for one in coarse], spread=0.2
    )
    for suffix in (".onnx", ".xml"):
        assert export(contract, weights, "0", tmp_path / f"{family}{suffix}") < 1e-4
    # the other runtime says so too
    session = onnxruntime.InferenceSession(tmp_path / f"{family}.onnx", providers=["CPUExecutionProvider"])
    pictures = np.stack([np.kron(one, np.ones((8, 8, 1), np.uint8)) for one in coarse])
    graph = ov.Core().compile_model(tmp_path / f"{family}.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    scores = session.run(["score"], {"crops": pictures})[0]
    assert np.ptp(scores) > 0.05
    np.testing.assert_allclose(scores, graph([pictures])[0], atol=1e-4)


def test_maps_that_are_not_made_of_tensors_are_refused(tmp_path: Path) -> None:
    detector = find_detector("scade_net")
    other = detector.contract.model_copy(
        update={"maps": detector.contract.maps.model_copy(update={"method": "edge_variance"})}
    )
    with pytest.raises(InputError, match="maps of method edge_variance cannot be part of a graph"):
        export(other, detector.read_weights(), detector.sha256, tmp_path / "scade_net.onnx")
    with pytest.raises(InputError, match=r"must end in \.onnx or \.xml, got scade_net\.pt"):
        export(detector.contract, detector.read_weights(), detector.sha256, tmp_path / "scade_net.pt")
