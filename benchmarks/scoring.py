"""Whether memory stays flat where many faces are scored: ``python -m benchmarks.scoring``, after ``kedro run``.

A process scores 2,500 faces of the demo, another one 10,000 (the same faces again and again, read from disk each time),
and the peaks of what they hold are compared. ``python -m benchmarks.scoring 2500`` scores alone.
"""

import resource
import subprocess
import sys
from pathlib import Path

import pandas as pd
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

from benchmarks.results import Result

ROOT = Path(__file__).resolve().parents[1]
_FEW, _MANY = 2_500, 10_000
_GOAL = 1.05
_NODE_INPUTS = ("face_crops", "defocus_maps", "splits_json")
_PARAMETERS = ("preprocessing", "defocus", "evaluation")


def measure() -> Result:
    """Compare the peak memory of four times the faces."""
    few, many = (_peak(count) for count in (_FEW, _MANY))
    return Result("peak_memory_10000_faces", many, few, many / few, "MiB", f"≤ {_GOAL}", many / few <= _GOAL)


def _peak(count: int) -> float:
    command = [sys.executable, "-m", "benchmarks.scoring", str(count)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def _score(count: int) -> float:
    """Score so many faces by SCADE-Net, and return the peak of what this process holds, in MiB."""
    from fakefocus.inference import prepare

    bootstrap_project(ROOT)
    with KedroSession.create(project_path=ROOT) as session:
        catalog = session.load_context().catalog
        model, samples = catalog.load("scade_net.model"), catalog.load("samples")
        shown = [catalog.load(name) for name in _NODE_INPUTS]
        options = [catalog.load(f"params:{name}") for name in _PARAMETERS]
    faces = samples[samples["split"] == "test"]
    repeated = pd.concat([faces] * (count // len(faces) + 1), ignore_index=True).head(count)
    prepared = prepare(model, repeated, *shown, *options)
    prepared.scorer(prepared.crops)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(_score(int(sys.argv[1])))
    else:
        result = measure()
        print(f"{result.ours:.0f} and {result.reference:.0f} MiB, ratio {result.ratio:.3f} (goal {result.goal})")
