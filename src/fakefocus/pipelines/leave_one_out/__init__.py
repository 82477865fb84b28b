"""The leave_one_out pipeline."""

from fakefocus.pipelines.leave_one_out.pipeline import create_pipeline

__all__ = ["create_pipeline"]
