"""What a sentence begins with, and what fires throughout: a pattern for each frame."""

from __future__ import annotations

from collections.abc import Iterable

from brainsim import Area
from brainsim.declare.patterns import disjoint

FRAMES = ("two", "one", "object")


class Start(Area):
    """Fires before the first word of a sentence: a disjoint pattern of ``k`` neurons for each frame.

    A frame says which participants a scene has: ``"two"``, ``"one"`` (an agent) or ``"object"`` (a patient alone).  An
    assembly for each frame lets every frame have an order of its own.

    Examples
    --------
    >>> from brainsim.areas import Start
    >>> Start(k=4)["one"]
    <Assembly 'one' of Start: 4 neurons [4, 5, 6, 7]>
    """

    def __init__(self, frames: Iterable[str] = FRAMES, k: int = 50, name: str = "Start") -> None:
        patterns = disjoint(frames, k)
        super().__init__(name, n=k * len(patterns), k=k, patterns=patterns)


class Mood(Area):
    """Fires throughout a sentence, with a disjoint pattern of ``k`` neurons for each frame; see `Start`.

    Examples
    --------
    >>> from brainsim.areas import Mood
    >>> Mood(["declarative"], k=4)
    Mood('Mood', n=4, k=4, 1 patterns)
    """

    def __init__(self, frames: Iterable[str] = FRAMES, k: int = 50, name: str = "Mood") -> None:
        patterns = disjoint(frames, k)
        super().__init__(name, n=k * len(patterns), k=k, patterns=patterns)
