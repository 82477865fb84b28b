"""Run all benchmarks: ``make bench``, or ``python -m benchmarks [clip ...]`` to measure with clips of your own."""

import argparse
import sys
from itertools import chain
from pathlib import Path

from benchmarks import answering, blending, defocus, extraction, ingestion, judging, training
from benchmarks.results import publish


def main() -> int:
    """Measure, print and write; exit code 1 where a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("clips", nargs="*", type=Path, help="clips to measure with, instead of the synthetic ones")
    parser.add_argument("--portraits", type=Path, help="a folder of JPEG portraits, one person each, for hard scenes")
    arguments = parser.parse_args()
    parts = (
        ingestion.measure(),
        extraction.measure(arguments.clips, arguments.portraits),
        defocus.measure(),
        blending.measure(),
        judging.measure_judging(),
        training.measure(),
        answering.measure(),
    )
    results = chain(*parts)
    return 0 if publish(results) else 1


if __name__ == "__main__":
    sys.exit(main())
