"""The colour of the name of an assembly, the same everywhere on a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from brainsim.declare.assembly import Assembly
from brainsim.studies.inspecting.drawing import ALIKE, apart
from brainsim.studies.reporting.drawing import colours
from brainsim.studies.reporting.material import Material
from brainsim.studies.reporting.page import Colour

MOST = 60
"""Number of assemblies of an area that have a colour."""


@dataclass(frozen=True)
class Palette:
    """The colours of labels, and by area the assemblies that rasters are sorted by.

    An assembly that shares half of its neurons with an earlier one (such as a word that is heard again) has the same
    colour.
    """

    colours: Mapping[str, Colour]
    leaders: Mapping[str, Sequence[Assembly]]

    def of(self, assembly: Assembly) -> Colour:
        """Return the colour of an assembly."""
        leading = (each for each in self.leaders[assembly.area] if each.overlap(assembly) >= ALIKE)
        return self.colours[str(next(leading, assembly).label)]


def palette(material: Material) -> Palette:
    """Return the colours of all assemblies of a page."""
    areas = dict.fromkeys(area for dump in material.dumps for area in dump.assemblies)
    leaders = {area: apart(material.assemblies(area)[: 2 * MOST])[:MOST] for area in areas}
    labels = dict.fromkeys(str(each.label) for own in leaders.values() for each in own)
    return Palette(dict(zip(labels, colours(len(labels)), strict=True)), leaders)
