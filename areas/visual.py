"""Vision: one pattern for the sight of each thing."""

from __future__ import annotations

from brainsim.areas.grounding import Grounding


class Visual(Grounding):
    """What nouns refer to: the sight of a thing.  Takes the parameters of `Grounding`."""
