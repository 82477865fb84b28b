"""Finds faces in frames and follows them through a clip."""
