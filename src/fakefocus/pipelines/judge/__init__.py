"""The protocol that judges detectors by tables of their scores, whoever made them."""

from fakefocus.pipelines.judge.pipeline import create_pipeline

__all__ = ["create_pipeline"]
