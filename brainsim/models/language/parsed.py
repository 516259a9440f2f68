"""What a brain makes of a sentence: which word depends on which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from brainsim.declare.assembly import Assembly


class Dependency(NamedTuple):
    """One word depends on another: ``Dependency("run", "SUBJ", "dogs")``."""

    head: str
    label: str
    word: str


@dataclass(frozen=True)
class Parsed:
    """What a brain makes of a sentence.

    Attributes
    ----------
    words : tuple of str
        In their order.
    root : str
        The word on which the sentence depends, as the brain reads it: "unknown" if it fires none.
    dependencies : tuple of Dependency
        Read from the firing of the root alone.
    unread : tuple of str
        Words of the sentence that the brain does not reach from the root.
    assemblies : tuple of Assembly
        What formed for each word that went to an area, labelled with it.
    """

    words: tuple[str, ...]
    root: str
    dependencies: tuple[Dependency, ...]
    unread: tuple[str, ...] = ()
    assemblies: tuple[Assembly, ...] = ()

    def tree(self) -> str:
        """Return the dependencies as an indented text, a word on each line.

        >>> from brainsim.models.language import Dependency, Parsed
        >>> print(Parsed(("dogs", "run"), "run", (Dependency("run", "SUBJ", "dogs"),)).tree())
        run
          SUBJ dogs
        """
        lines = [self.root]
        self._add(lines, self.root, (self.root,))
        return "\n".join(lines)

    def _add(self, lines: list[str], head: str, above: tuple[str, ...]) -> None:
        for dependency in self.dependencies:
            if dependency.head == head:
                lines.append(f"{'  ' * len(above)}{dependency.label} {dependency.word}")
                if dependency.word not in above:
                    self._add(lines, dependency.word, (*above, dependency.word))
