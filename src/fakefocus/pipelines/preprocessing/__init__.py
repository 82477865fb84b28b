"""The preprocessing pipeline."""

from fakefocus.pipelines.preprocessing.pipeline import create_pipeline

__all__ = ["create_pipeline"]
