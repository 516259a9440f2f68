"""The table of what the traces of a brain remember of a round."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.gpu.layout import TRACE_JOB
from brainsim.kernels.program import Program
from brainsim.kernels.round_plan import RoundPlan


def trace_jobs(program: Program, plan: RoundPlan) -> npt.NDArray[Any]:
    """Return a job for each fiber that has a trace, or none for a round that does not learn."""
    fibers = [f for f, fiber in enumerate(program.fibers) if fiber.trace] if plan.learns else []
    moved = {selection.area for selection in plan.selections}
    jobs = np.zeros(len(fibers), TRACE_JOB)
    jobs["noted"] = [f in plan.tracing for f in fibers]
    jobs["moved"] = [program.fibers[f].target in moved for f in fibers]
    return jobs
