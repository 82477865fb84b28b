"""The protocol reproduce."""

from fakefocus.pipelines.reproduce.pipeline import create_pipeline

__all__ = ["create_pipeline"]
