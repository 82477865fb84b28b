"""How long ingestion takes to look at a data set, and to look at it again: 2,000 links to clips, as a run probes them.

``python -m benchmarks.ingestion``. The clips are those of a small demo corpus; every link is a file of its own to
ingestion, since it is known by its path too.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

from benchmarks.results import Result
from fakefocus.datasets.probed_media import ProbedMedia
from fakefocus.parameters import Ingestion
from fakefocus.pipelines.ingestion.nodes import list_media, plan_probes, sort_media
from fakefocus.sources.demo import make_corpus

LINKS = 2000
_GOAL = 0.25


def measure() -> Iterator[Result]:
    """Compare a second look with the first; no file may be read again."""
    with tempfile.TemporaryDirectory() as folder:
        root = _links(Path(folder))
        first, read = _look(root, Path(folder))
        again, read_again = _look(root, Path(folder))
    more = {"files read": read, "read again": read_again, "ms a file, first": round(1000 * first / LINKS, 2)}
    share = again / first
    yield Result(
        "ingestion_again", again, first, share, "s", f"≤ {_GOAL}, none read", share <= _GOAL and not read_again, more
    )


def _links(folder: Path) -> Path:
    corpus, root = folder / "corpus", folder / "media"
    for make in make_corpus(people=4, frames=32, seed=3).values():
        make(corpus)
    clips = sorted(corpus.rglob("*.mp4"))
    (root / "real").mkdir(parents=True)
    for number, clip in enumerate(islice(cycle(clips), LINKS)):
        (root / f"real/{number:05d}.mp4").symlink_to(clip)
    return root


def _look(root: Path, folder: Path) -> tuple[float, int]:
    """Return the seconds that ingestion takes, and how many files it reads."""
    start = time.perf_counter()
    probed = ProbedMedia(filepath=str(folder / "probed_media.parquet"))
    listed = list_media(root, Ingestion(layout="folder"), "links")
    plans = plan_probes(listed, probed.load())
    probed.save(plans)
    videos, _ = sort_media(listed, probed.load())
    if len(videos) != LINKS:
        msg = f"{len(videos)} of {LINKS} links are usable"
        raise RuntimeError(msg)
    return time.perf_counter() - start, sum(callable(plan) for plan in plans.values())


if __name__ == "__main__":
    for result in measure():
        print(result)
    sys.exit(0)
