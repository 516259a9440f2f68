"""Thematic roles: who does something, what is done, and to whom."""

from __future__ import annotations

from brainsim import Area, Region
from brainsim.areas._declaring import named, whole


class Role(Region):
    """Areas for the agent, the action and the patient of a scene, in which fillers of each role have assemblies.

    The areas start blank and have no fibers.  A noun can fill two roles and has an assembly in each; so "the dog that
    bites" and "the dog that is bitten" differ.

    Parameters
    ----------
    name : str
        Name of the region.
    n, k : int
        Neurons and winners of each area.

    Raises
    ------
    DeclarationError
        If a number is below 1, or ``k`` above ``n``.

    Examples
    --------
    >>> from brainsim.areas import Role
    >>> [area.name for area in Role(n=1000).areas.values()]
    ['Role.Agent', 'Role.Action', 'Role.Patient']

    References
    ----------
    Mitropolsky, Papadimitriou. Simulated language acquisition in a biologically realistic model of the brain.
    arXiv 2507.11788, 2025 (ROLE areas).
    """

    def __init__(self, name: str = "Role", n: int = 10_000, k: int = 50) -> None:
        super().__init__(name)
        where = f"{type(self).__name__} {name!r}"
        n, k = whole(f"{where}.n", n, 1), whole(f"{where}.k", k, 1)
        with named(where):
            self.agent, self.action, self.patient = (
                self.add(Area(area, n, k)) for area in ("Agent", "Action", "Patient")
            )
