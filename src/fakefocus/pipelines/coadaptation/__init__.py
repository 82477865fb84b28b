"""The protocol coadaptation."""

from fakefocus.pipelines.coadaptation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
