"""The pipeline champion."""

from fakefocus.pipelines.champion.pipeline import create_pipeline

__all__ = ["create_pipeline"]
