"""Parallel calls in worker processes."""

from brainsim.studies.processes.calls import Call, Done, Failed, Watch, tick
from brainsim.studies.processes.completion import completed, default_jobs

__all__ = ["Call", "Done", "Failed", "Watch", "completed", "default_jobs", "tick"]
