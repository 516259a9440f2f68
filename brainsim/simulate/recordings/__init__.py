"""Recordings of rounds, in memory and in files."""
