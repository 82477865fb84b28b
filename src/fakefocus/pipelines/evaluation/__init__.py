"""The evaluation pipeline."""

from fakefocus.pipelines.evaluation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
