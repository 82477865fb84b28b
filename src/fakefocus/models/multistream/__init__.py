"""The three-stream detector: spatial, spectral and semantic streams, fused by cross-stream attention."""
