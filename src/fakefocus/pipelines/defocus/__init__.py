"""The defocus pipeline."""

from fakefocus.pipelines.defocus.pipeline import create_pipeline

__all__ = ["create_pipeline"]
