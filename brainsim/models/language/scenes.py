"""Scenes: who does what to whom, and what a listener takes a sentence to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from brainsim._arguments import check_record
from brainsim.errors import DeclarationError

ROLES = ("agent", "action", "patient")
UNKNOWN = "unknown"
"""The answer where nothing that fires is a word."""

FRAMES: Mapping[str, tuple[str, ...]] = {
    "two": ("agent", "action", "patient"),
    "one": ("agent", "action"),
    "object": ("action", "patient"),
}
"""The roles of each frame, the one with most roles first."""


@dataclass(frozen=True)
class Scene:
    """What a sentence is about, in words: an action, and at least one participant.

    Attributes
    ----------
    agent : str or None
        Who does it.
    action : str
        What is done.
    patient : str or None
        To whom or what.

    Raises
    ------
    DeclarationError
        If there is neither an agent nor a patient, since no frame has an action alone; or a part is no text.

    Examples
    --------
    >>> from brainsim.models.language import Scene
    >>> Scene("dog", "bite", "cat").frame, Scene("dog", "run").frame, Scene(None, "eat", "soup").frame
    ('two', 'one', 'object')
    """

    agent: str | None
    action: str
    patient: str | None = None

    def __post_init__(self) -> None:
        check_record(self)
        if self.agent is None and self.patient is None:
            raise DeclarationError(
                f"Scene: needs an agent or a patient (got the action {self.action!r} alone); no frame is without both",
                where="Scene",
                value=self.action,
            )

    @property
    def fillers(self) -> dict[str, str]:
        """The word of each role that is filled."""
        found = {role: getattr(self, role) for role in ROLES}
        return {role: word for role, word in found.items() if word is not None}

    @property
    def frame(self) -> str:
        """``"two"`` participants, ``"one"`` (an agent), or ``"object"`` (a patient alone)."""
        return next(frame for frame, roles in FRAMES.items() if tuple(self.fillers) == roles)
