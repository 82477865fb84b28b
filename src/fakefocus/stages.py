"""The stages of the lineage, and whose node is whose where they fold."""

STAGES = ("ingestion", "preprocessing", "defocus", "feature_split", "training", "evaluation", "reporting")
"""In order: names of their packages, and of their namespaces where they fold."""


def detector_of(namespace: str | None) -> str:
    """Return the detector that a node's namespace names, whether or not stages fold; empty where it names none."""
    first, _, others = (namespace or "").partition(".")
    return others if first in STAGES else namespace or ""
