"""Writes a detector for other programs: the network with everything around it, and what its scores mean."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fakefocus import __version__
from fakefocus.errors import InputError
from fakefocus.graphs.convert import CROPS, SCORE
from fakefocus.graphs.transforms import without_transforms
from fakefocus.graphs.whole import Whole
from fakefocus.models.contract import Contract

KEY = "fakefocus"
"""Under which metadata are in a file."""
SUFFIXES = {"onnx": ".onnx", "openvino": ".xml"}
_OPSET = 20
_MOST_CROPS = 1024


def export(contract: Contract, weights: dict[str, Tensor], sha256: str, file: Path) -> float:
    """Write a detector, whose ``crops`` ``(N, H, W, 3) uint8, RGB`` give ``score`` ``(N,)`` in [0, 1].

    Args:
        contract: What it is.
        weights: Tensors by name.
        sha256: Their hash, for the metadata.
        file: ``.onnx``, or ``.xml`` for OpenVINO, beside which a ``.bin`` is written.

    Returns:
        By how much the scores of the file differ at most from those of the network, over some pictures.

    Raises:
        InputError: If its maps cannot be part of a graph, the suffix is another, or a package is missing.
    """
    if file.suffix not in SUFFIXES.values():
        msg = f"export: a file must end in {' or '.join(SUFFIXES.values())}, got {file.name}"
        raise InputError(msg)
    whole = Whole(contract, weights).eval()
    if file.suffix == ".onnx":
        # few programs know ONNX's transforms; OpenVINO's reader gets their axes wrong
        without_transforms(whole, "export")
    notes = json.dumps(metadata(contract, sha256))
    example = torch.from_numpy(_pictures(contract.crops.size)[:2])
    file.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings(), torch.no_grad():
        # of shapes that a trace takes for constants: they are
        warnings.simplefilter("ignore")
        scores = _WRITERS[file.suffix](whole, example, notes, file)
    return _largest_difference(Whole(contract, weights).eval(), scores, contract.crops.size)


def metadata(contract: Contract, sha256: str) -> dict[str, Any]:
    """Return what whoever runs the file has to know: how crops are cut, and what a score means."""
    verdict = contract.verdict
    return {
        "version": __version__,
        "family": contract.family,
        "title": contract.name,
        "sha256": sha256,
        "trained_on": contract.dataset,
        "crops": contract.crops.model_dump(mode="json"),
        "score": "probability of fake; a video's is the mean over the faces of its most fake person",
        "threshold": contract.threshold.model_dump(mode="json"),
        "verdict": None if verdict is None else verdict.model_dump(mode="json"),
    }


Scores = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def _write_openvino(whole: Whole, example: Tensor, notes: str, file: Path) -> Scores:
    import openvino as ov

    graph = ov.convert_model(whole, example_input=(example,))
    graph.inputs[0].get_tensor().set_names({CROPS})
    graph.outputs[0].get_tensor().set_names({SCORE})
    graph.reshape({CROPS: ov.PartialShape([-1, *example.shape[1:]])})
    graph.set_rt_info(notes, [KEY])
    ov.save_model(graph, file, compress_to_fp16=False)
    compiled = ov.Core().compile_model(file, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda crops: np.asarray(compiled([crops])[0])


def _write_onnx(whole: Whole, example: Tensor, notes: str, file: Path) -> Scores:
    try:
        import onnxscript  # noqa: F401 (what torch exports by)
    except ImportError as error:
        msg = "export: ONNX needs onnx and onnxscript: pip install 'fakefocus[export]'"
        raise InputError(msg) from error
    shapes = ({0: torch.export.Dim("N", min=1, max=_MOST_CROPS)},)
    names: dict[str, Any] = {"input_names": [CROPS], "output_names": [SCORE]}
    options: dict[str, Any] = {"dynamic_shapes": shapes, "opset_version": _OPSET, "verbose": False}
    program = torch.onnx.export(whole, (example,), dynamo=True, **names, **options)
    if program is None:
        msg = "torch exported nothing"
        raise RuntimeError(msg)
    program.model.metadata_props[KEY] = notes
    program.save(file)
    import openvino as ov

    compiled = ov.Core().compile_model(file, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda crops: np.asarray(compiled([crops])[0])


_WRITERS: dict[str, Callable[[Whole, Tensor, str, Path], Scores]] = {".onnx": _write_onnx, ".xml": _write_openvino}


def _pictures(side: int) -> NDArray[np.uint8]:
    """Return smooth pictures ``(4, side, side, 3) uint8`` with edges, not of anybody."""
    rng = np.random.default_rng(0)
    coarse = torch.from_numpy(rng.uniform(0, 255, (4, 3, 12, 12)).astype(np.float32))
    smooth = torch.nn.functional.interpolate(coarse, (side, side), mode="bicubic").clamp(0, 255)
    smooth[:, :, side // 3 : side // 2, side // 3 : side // 2] *= 0.5
    return smooth.round().permute(0, 2, 3, 1).to(torch.uint8).numpy()


def _largest_difference(whole: Whole, scores: Scores, side: int) -> float:
    pictures = _pictures(side)
    with torch.no_grad():
        expected = whole(torch.from_numpy(pictures)).numpy()
    return float(np.abs(scores(pictures) - expected).max())
