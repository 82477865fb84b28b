"""What is fast enough, and what is exact enough: ``python -m benchmarks``."""
