"""Numbers that judge scores: numpy only."""
