"""Brain areas and regions, written with the public API alone; they are examples for your own."""

from brainsim.areas.amygdala import Amygdala, Sway
from brainsim.areas.frame import Mood, Start
from brainsim.areas.grounding import Grounding
from brainsim.areas.hippocampus import Hippocampus
from brainsim.areas.lex import Lex
from brainsim.areas.motor import Motor
from brainsim.areas.phon import Phon
from brainsim.areas.role import Role
from brainsim.areas.striatum import Additive, Striatum
from brainsim.areas.syntax import Syntax
from brainsim.areas.thalamus import Thalamus
from brainsim.areas.visual import Visual

__all__ = [
    "Additive",
    "Amygdala",
    "Grounding",
    "Hippocampus",
    "Lex",
    "Mood",
    "Motor",
    "Phon",
    "Role",
    "Start",
    "Striatum",
    "Sway",
    "Syntax",
    "Thalamus",
    "Visual",
]
