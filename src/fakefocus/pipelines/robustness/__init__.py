"""The protocol robustness."""

from fakefocus.pipelines.robustness.pipeline import create_pipeline

__all__ = ["create_pipeline"]
