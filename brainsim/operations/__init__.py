"""The operations of the assembly calculus, over a simulator.

They are short protocols of rounds, nothing that a user could not write with `Simulator.run`; `docs/operations.md` sets
their names beside those of other packages.
"""

from brainsim.operations.forming import associate, merge, project, reciprocal_project
from brainsim.operations.reading import (
    ReadOut,
    Separation,
    chance_overlap,
    complete,
    cue_of,
    overlap,
    read_out,
    separate,
)
from brainsim.operations.trace import Trace

__all__ = [
    "ReadOut",
    "Separation",
    "Trace",
    "associate",
    "chance_overlap",
    "complete",
    "cue_of",
    "merge",
    "overlap",
    "project",
    "read_out",
    "reciprocal_project",
    "separate",
]
