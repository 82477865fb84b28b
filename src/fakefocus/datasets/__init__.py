"""Kedro datasets: reading and writing, and the processes that do it side by side. No science."""
