"""Inspect files of brainsim, and declarations in Python files; functions return records, the commands print them.

`check` says what is whole, `show` what is in it, `diff` where two of a kind part, `draw` draws it, and `declared_brain`
returns the brain that a Python file declares.  `text` and `outline` write records and brains as plain text.
"""

from brainsim.studies.inspecting.checking import Checked, check
from brainsim.studies.inspecting.comparison import Comparison, Difference
from brainsim.studies.inspecting.differing import diff
from brainsim.studies.inspecting.drawing import DRAWINGS, draw
from brainsim.studies.inspecting.outline import outline
from brainsim.studies.inspecting.showing import ShownDump, ShownRun, ShownState, ShownSweep, show
from brainsim.studies.inspecting.source import declared_brain
from brainsim.studies.inspecting.texts import text

__all__ = [
    "DRAWINGS",
    "Checked",
    "Comparison",
    "Difference",
    "ShownDump",
    "ShownRun",
    "ShownState",
    "ShownSweep",
    "check",
    "declared_brain",
    "diff",
    "draw",
    "outline",
    "show",
    "text",
]
