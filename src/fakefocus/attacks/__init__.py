"""Attacks on detectors: small changes of stored crops, in units of pixels, that turn decisions around."""
