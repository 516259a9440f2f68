"""Experiments: parameters, run folders, statistics, reports."""
