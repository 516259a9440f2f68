"""The table of what the traces of a brain remember of a round."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.gpu.layout import TRACE_JOB
from brainsim.kernels.gpu.traces import trace_places
from brainsim.kernels.program import Program
from brainsim.kernels.round_plan import RoundPlan


def trace_jobs(program: Program, plan: RoundPlan) -> npt.NDArray[Any]:
    """Return a job for each trace that ages by the round."""
    places = trace_places(program)
    moved = {selection.area for selection in plan.selections}
    jobs = np.zeros(len(plan.aging), TRACE_JOB)
    jobs["trace"] = [places[f] for f in plan.aging]
    jobs["noted"] = np.isin(plan.aging, plan.tracing)
    jobs["moved"] = [program.fibers[f].target in moved for f in plan.aging]
    return jobs
