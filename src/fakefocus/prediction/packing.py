"""Makes folders of detectors that answer without torch: what a wheel holds, and what is handed over.

``python -m fakefocus.prediction.packing`` packs the detectors and MTCNN of this package, before a wheel is built.
"""

import shutil
from pathlib import Path

from fakefocus.detection.networks import pack_networks
from fakefocus.graphs.stored import pack_graph
from fakefocus.prediction.detectors import CONTRACT, WEIGHTS, Detector, find_detector
from fakefocus.weights import shipped_detectors

_ALONG = (CONTRACT, WEIGHTS, "card.md", "results.json")


def pack_detector(detector: Detector, folder: Path) -> list[Path]:
    """Copy a detector to a folder, with its graph beside the weights; return the files.

    Raises:
        InputError: If torch, which makes the graph, is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    there = [detector.folder / name for name in _ALONG if (detector.folder / name).is_file()]
    if folder.resolve() != detector.folder.resolve():
        for file in there:
            shutil.copy(file, folder)
    graph = pack_graph(detector.contract, detector.sha256, detector.read_weights, folder)
    return [*(folder / file.name for file in there), graph, graph.with_suffix(".bin")]


def main() -> None:
    """Pack what comes with this package, where it lies; graphs of earlier weights go."""
    for name in shipped_detectors():
        detector = find_detector(name)
        for file in detector.folder.glob("graph-*"):
            file.unlink()
        pack_detector(detector, detector.folder)
    pack_networks()


if __name__ == "__main__":
    main()
