"""Xception, the baseline of FaceForensics++."""
