"""Words in files: which text can be a word, and when two words are the same."""

from __future__ import annotations

import unicodedata

_JOINERS = "\u200c\u200d"  # inside a word they change letters or emoji, so they are part of it


def composed(word: str) -> str:
    """Return a word in the composed Unicode form, in which equal words are equal text."""
    return unicodedata.normalize("NFC", word)


def looks(word: str) -> str:
    """Return the visible part of a word: two words that differ only in invisible characters look the same."""
    return composed("".join(letter for letter in word if letter not in _JOINERS))


def fault(word: str) -> tuple[str, str] | None:
    r"""Return what a word must be and the cure, ``None`` if it can be used.

    Examples
    --------
    >>> fault("狗"), fault("Ba$$in"), fault("and/or")
    (None, None, None)
    >>> fault("dog\u200b")
    ('visible text', 'delete the character U+200B ZERO WIDTH SPACE')
    """
    if not looks(word):
        return "a word", "write one, or delete the row"
    for place, letter in enumerate(word):
        if letter in _JOINERS and 0 < place < len(word) - 1:
            continue
        kind = unicodedata.category(letter)
        if kind in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            return "visible text", f"delete the character {_code(letter)}"
        if kind == "Zs" and letter != " ":
            return "text with plain spaces", f"replace the character {_code(letter)} by a space"
    return None


def _code(letter: str) -> str:
    return f"U+{ord(letter):04X} {unicodedata.name(letter, '')}".strip()
