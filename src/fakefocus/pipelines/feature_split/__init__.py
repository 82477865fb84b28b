"""The feature_split pipeline."""

from fakefocus.pipelines.feature_split.pipeline import create_pipeline

__all__ = ["create_pipeline"]
