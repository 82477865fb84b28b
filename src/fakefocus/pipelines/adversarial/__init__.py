"""The protocol ``adversarial``: attacks on detectors that are known, and what other detectors say of the results."""

from fakefocus.pipelines.adversarial.pipeline import create_pipeline

__all__ = ["create_pipeline"]
