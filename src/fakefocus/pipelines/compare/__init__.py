"""The comparison of all runs of a data set that an MLflow store holds."""

from fakefocus.pipelines.compare.pipeline import create_pipeline

__all__ = ["create_pipeline"]
