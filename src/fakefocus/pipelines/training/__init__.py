"""The training pipeline."""

from fakefocus.pipelines.training.pipeline import create_pipeline

__all__ = ["create_pipeline"]
