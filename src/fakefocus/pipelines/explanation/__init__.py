"""Why do detectors say what they say: heat maps and how far they can be trusted, what is inside, the worst mistakes."""

from fakefocus.pipelines.explanation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
