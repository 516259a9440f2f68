"""Sweeps: a grid of runs in processes, and one table."""
