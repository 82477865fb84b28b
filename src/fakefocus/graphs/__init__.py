"""Trained detectors as graphs of OpenVINO: what answers from a file does without torch, and starts at once.

`convert` makes a graph of a detector, `stored` keeps it for the next time, `scorer` computes with it.
"""
