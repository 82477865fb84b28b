"""How fast a file is answered: a clip against decoding it, a crop against eager PyTorch, a start, many images.

``python -m benchmarks.answering`` runs these alone. A clip and a crop take one core; the images all cores. The graph of
a detector is made before, once, as on any computer on which it has answered before.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import onnxruntime
import torch

from benchmarks.clips import CLIPS, make_clips
from benchmarks.extraction import decode_opencv, decode_pyav, one_core
from benchmarks.long_clip import repeat
from benchmarks.results import Result, publish
from fakefocus.cache import compiled_graph
from fakefocus.graphs.convert import CROPS, MAPS, Scored, to_graph
from fakefocus.models.build import build_network, input_spec
from fakefocus.models.contract import Contract
from fakefocus.models.torch_settings import set_up_torch
from fakefocus.prediction import Options, Predictor, find_detector
from fakefocus.prediction.isolated import Isolated
from fakefocus.sources.demo.people import make_person
from fakefocus.sources.demo.scene import develop, make_scene, record

_DETECTOR = "scade_net"
_MINUTE = 1 / 60
_CLIP_GOAL, _START_GOAL, _IMAGES_GOAL = 2.0, 2.5, 60.0
_LATENCY_GOALS = {"scade_net": 0.3, "lite": 0.3, "multistream": 0.5}
_PUBLISHED = {
    "spatial": "efficientnet_b0",
    "spectral": "resnet18",
    "semantic": "vit_tiny_patch16_224",
    "img_size": 256,
    "stream_drop_rate": 0.1,
    "drop_rate": 0.4,
}
_IMAGES, _PEOPLE, _SIDE = 1000, 40, 512
_TURNS, _CALLS = 5, 12


def measure() -> Iterator[Result]:
    """Yield the results."""
    # else eager PyTorch asks the system for the memory of each layer anew
    set_up_torch()
    with one_core():
        yield clip()
        for family in _LATENCY_GOALS:
            yield latency(family)
    with tempfile.TemporaryDirectory() as folder:
        paths = _write_images(Path(folder))
        yield cold_start(paths[0])
        yield images(paths)


def clip() -> Result:
    """Compare the answer to a clip of a minute at 720p with decoding all of it."""
    predictor = Predictor(find_detector(_DETECTOR), Options())
    predictor.prepare()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "minute.mp4"
        repeat(make_clips(CLIPS, "720p")[0], path, _MINUTE)
        predictor(make_clips(CLIPS, "720p")[1])
        answer = predictor(path)
        decoding = min(_seconds(partial(decode, path)) for decode in (decode_pyav, decode_opencv))
    ratio = answer.seconds / decoding
    more = {"frames": answer.media.frames if answer.media else 0, "faces": sum(len(p.faces) for p in answer.people)}
    goal = f"≤ {_CLIP_GOAL:g}"
    return Result("predict_over_decoding_720p", answer.seconds, decoding, ratio, "s", goal, ratio <= _CLIP_GOAL, more)


def latency(family: str) -> Result:
    """Compare the score of one crop, with its map if there is one, by a graph and by eager PyTorch."""
    contract, weights = _detector(family)
    scored = Scored(contract, weights).eval()
    side, maps = contract.training.augmentation.crop, contract.input.maps
    rng = np.random.default_rng(0)
    inputs = [rng.integers(0, 256, (1, side, side, 3), dtype=np.uint8)]
    inputs += [rng.random((1, side, side, maps), dtype=np.float32)] if maps else []
    tensors = [torch.from_numpy(values) for values in inputs]
    by_graph, by_onnx = _graph(contract, weights, inputs), _onnx(scored, tensors, inputs)

    def by_torch() -> None:
        with torch.inference_mode():
            scored(*tensors)

    for run in (by_graph, by_onnx, by_torch):
        run()
    turns = [[_milliseconds(run) for run in (by_graph, by_onnx, by_torch)] for _ in range(_TURNS)]
    graph, onnx, eager = (median(column) for column in zip(*turns, strict=True))
    goal = _LATENCY_GOALS[family]
    more = {"ONNX Runtime": round(onnx, 2)}
    return Result(f"latency_{family}", graph, eager, graph / eager, "ms", f"≤ {goal:g}", graph / eager <= goal, more)


def cold_start(path: Path) -> Result:
    """Time ``fakefocus predict`` of an image from the start of the process to its end; against Python's own start."""
    code = "from fakefocus.apps.cli import main; main()"
    command = [sys.executable, "-c", code, "predict", str(path), "--model", _DETECTOR]
    _run(command)
    ours = median(_seconds(partial(_run, command)) for _ in range(_TURNS))
    bare = median(_seconds(partial(_run, [sys.executable, "-c", "import cv2, openvino"])) for _ in range(_TURNS))
    return Result("cold_start", ours, bare, ours / bare, "s", f"≤ {_START_GOAL:g} s", ours <= _START_GOAL)


def images(paths: list[Path]) -> Result:
    """Answer many images on all cores; against decoding them."""
    cores = len(os.sched_getaffinity(0))
    options = Options()
    with Isolated(find_detector(_DETECTOR), cores) as answers:
        answers.prepare(options)
        list(answers(paths[: 4 * cores], options))
        start = time.perf_counter()
        scored = sum(one.status == "scored" for one in answers(paths, options))
        seconds = time.perf_counter() - start
    decoding = _seconds(lambda: [cv2.imread(str(path)) for path in paths])
    rate = len(paths) / seconds
    more = {"images a second": round(rate, 1), "with a face": scored, "cores": cores}
    goal = f"≥ {_IMAGES_GOAL:g} a second"
    return Result("predict_images", seconds, decoding, seconds / decoding, "s", goal, rate >= _IMAGES_GOAL, more)


def _detector(family: str) -> tuple[Contract, dict[str, torch.Tensor]]:
    """Return a detector: what comes with the package, or one of the published size with weights as they are drawn."""
    if family != "multistream":
        detector = find_detector(family)
        return detector.contract, detector.read_weights()
    network = build_network(family, {**_PUBLISHED, "weights": "none"}).eval()
    like = find_detector("lite").contract
    changes = {"family": family, "network": _PUBLISHED, "input": input_spec(network), "maps": None}
    return like.model_copy(update=changes), network.state_dict()


def _graph(contract: Contract, weights: dict[str, torch.Tensor], inputs: list[np.ndarray]) -> Callable[[], object]:
    import openvino as ov

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "graph.xml"
        ov.save_model(to_graph(contract, weights), file, compress_to_fp16=False)
        request = compiled_graph(file).create_infer_request()
    return partial(request.infer, inputs, share_inputs=True)


def _onnx(scored: Scored, tensors: list[torch.Tensor], inputs: list[np.ndarray]) -> Callable[[], object]:
    names = [CROPS, MAPS][: len(inputs)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "graph.onnx"
        torch.onnx.export(scored, tuple(tensors), str(file), input_names=names, dynamo=True, verbose=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(file), options, ["CPUExecutionProvider"])
    return partial(session.run, None, dict(zip(names, inputs, strict=True)))


def _write_images(folder: Path) -> list[Path]:
    """Write a thousand JPEGs of 512 x 512 pixels: people of the demo before a background, each several times."""
    contents = []
    for index in range(_PEOPLE):
        frame, _ = next(record(make_scene(3, index, 1), make_person(3, index)))
        picture = cv2.resize(develop(frame)[:, 60:420], (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
        contents.append(cv2.imencode(".jpg", picture[..., ::-1])[1].tobytes())
    paths = [folder / f"{number:04d}.jpg" for number in range(_IMAGES)]
    for number, path in enumerate(paths):
        path.write_bytes(contents[number % _PEOPLE])
    return paths


def _run(command: list[str]) -> None:
    subprocess.run(command, capture_output=True, check=True)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _milliseconds(work: Callable[[], object]) -> float:
    """Return how long a call takes, of several."""
    return _seconds(lambda: [work() for _ in range(_CALLS)]) * 1000 / _CALLS


if __name__ == "__main__":
    publish(measure())
