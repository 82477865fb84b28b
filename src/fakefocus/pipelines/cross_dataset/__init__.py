"""The cross_dataset pipeline."""

from fakefocus.pipelines.cross_dataset.pipeline import create_pipeline

__all__ = ["create_pipeline"]
