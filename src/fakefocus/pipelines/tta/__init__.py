"""The protocol ``tta``: whether the mean over several views of a face is a better score than that of one."""

from fakefocus.pipelines.tta.pipeline import create_pipeline

__all__ = ["create_pipeline"]
