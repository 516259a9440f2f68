"""Motor cortex: one pattern for the plan of each action."""

from __future__ import annotations

from brainsim.areas.grounding import Grounding


class Motor(Grounding):
    """What verbs refer to: the plan of an action.  Takes the parameters of `Grounding`."""
