"""A table such as benchmarks publish: 15,000 rows, 24 detectors, 400 generators, cells missing.

``python -m benchmarks.judge_table <file.csv>`` writes it, and says how long reading and joining it takes.
"""

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd


def make_table(
    rows: int = 15_000, detectors: int = 24, generators: int = 400, missing: float = 0.02, seed: int = 3
) -> pd.DataFrame:
    """Return a wide table: ``path``, ``label``, ``identity``, ``generator``, ``region``, and a column a detector.

    Two fifths of the rows are real; people have five rows on average. Detectors and generators are of different
    strength; the last detector is swapped (high means real) and the one before gives logits, not probabilities.

    Args:
        rows: How many.
        detectors: How many, at least 3.
        generators: How many methods fakes are made by.
        missing: Share of cells that are empty.
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    fake = rng.random(rows) < 0.6
    generator = rng.integers(generators, size=rows)
    person = rng.integers(rows // 5, size=rows)
    table = pd.DataFrame(
        {
            "path": [
                f"{'fake' if f else 'real'}\\{f'gen_{g:03d}' if f else 'camera'}\\{n:05d}.mp4"
                for n, (f, g) in enumerate(zip(fake, generator, strict=True))
            ],
            "label": np.where(fake, "fake", "real"),
            "identity": [f"person {p}" for p in person],
            "generator": np.where(fake, [f"gen_{g:03d}" for g in generator], ""),
            "region": np.array(["north", "south", "west"])[person % 3],
        }
    )
    hardness = rng.normal(0, 0.8, generators)[generator]
    trait = rng.normal(0, 0.5, rows // 5)[person]
    for number, strength in enumerate(np.linspace(0.2, 2.6, detectors)):
        logit = np.where(fake, strength - hardness, -strength) / 2 + trait + rng.normal(0, 1, rows)
        score = {detectors - 1: -logit, detectors - 2: logit}.get(number, 1 / (1 + np.exp(-logit)))
        score = 1 / (1 + np.exp(-score)) if number == detectors - 1 else score
        table[f"detector_{number:02d}"] = np.where(rng.random(rows) < missing, np.nan, np.round(score, 4))
    return table


def main(place: Path) -> None:
    """Write the table, then time reading and joining it."""
    from fakefocus.datasets.foreign_scores import ForeignScores
    from fakefocus.parameters import Judge
    from fakefocus.pipelines.judge.protocol import name_rows, to_rows
    from fakefocus.pipelines.judge.tables import join_tables

    make_table().to_csv(place, index=False)
    start = time.perf_counter()
    tables = ForeignScores(source=str(place)).load()
    judge = Judge.model_validate({"columns": {"attributes": ["region"]}, "match": "none"})
    joined = join_tables(tables, judge, "mean")
    rows = to_rows(name_rows(joined, pd.DataFrame(), pd.DataFrame(), judge))
    seconds = time.perf_counter() - start
    print(f"{len(rows)} rows x {len(joined.scores.columns)} detectors read and joined in {seconds:.1f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
