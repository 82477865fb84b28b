"""The demo corpus: synthetic people, their clips and swaps of their faces, in FaceForensics++'s layout."""

from fakefocus.sources.demo.corpus import make_corpus

__all__ = ["make_corpus"]
