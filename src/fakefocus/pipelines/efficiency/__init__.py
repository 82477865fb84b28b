"""The efficiency pipeline."""

from fakefocus.pipelines.efficiency.pipeline import create_pipeline

__all__ = ["create_pipeline"]
