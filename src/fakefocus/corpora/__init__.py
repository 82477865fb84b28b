"""Corpora that are made from other people's pictures, once, in a published layout."""
