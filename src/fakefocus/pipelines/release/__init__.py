"""The pipeline release."""

from fakefocus.pipelines.release.pipeline import create_pipeline

__all__ = ["create_pipeline"]
