"""What locks close in a parser's brain: areas, and the fibers between two."""

from __future__ import annotations

import re
from typing import NamedTuple

from brainsim.errors import DeclarationError

LEX = "LEX"
"""The area that holds a pattern for each word."""

RULE, WORD = "rule", "word"
"""The lock of gates that rules open and close, and that of fibers which are open during one word alone."""


class Gate(NamedTuple):
    """What a lock closes: an area, or the fibers between two areas, both ways."""

    areas: tuple[str, ...]
    lock: str = RULE

    @classmethod
    def read(cls, where: str, text: str) -> Gate:
        """Return the gate that a text names: ``"OBJ"``, ``"LEX~OBJ"``, or with a lock of its own, ``"OBJ[prep]"``."""
        found = re.fullmatch(r"([^~\[\]\s]+)(?:~([^~\[\]\s]+))?(?:\[([^\[\]]+)\])?", text)
        if found is None:
            raise DeclarationError(where=where, value=text, allowed="a gate, such as 'OBJ', 'LEX~OBJ' or 'OBJ[prep]'")
        one, other, lock = found.groups()
        return cls((one,) if other is None else (one, other), RULE if lock is None else lock)
