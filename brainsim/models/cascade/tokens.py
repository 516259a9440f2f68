"""Words of a text, as the cascade reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from brainsim._arguments import checked
from brainsim._validation import text as checked_text
from brainsim.errors import DeclarationError
from brainsim.models.nemo.words import composed

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


@checked("text")
def words_of(text: str) -> list[str]:
    """Return the words of a text: runs of letters in lower case, with apostrophes inside; no digits, no punctuation.

    Raises
    ------
    DeclarationError
        If ``text`` is not text.

    Examples
    --------
    >>> from brainsim.models.cascade import words_of
    >>> words_of("I'm fine; curious\N{EM DASH}you?")
    ["i'm", 'fine', 'curious', 'you']
    """
    plain = composed(checked_text("words_of.text", text, longest=None))
    return _WORD.findall(plain.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").lower())


def several(where: str, texts: Iterable[str], least: int = 1) -> Sequence[str]:
    """Return texts as a sequence that can be read more than once.

    Raises
    ------
    DeclarationError
        If ``texts`` is a single string, has fewer than ``least`` items, or an item is not a string.
    """
    allowed = "several texts"
    if isinstance(texts, str):
        raise DeclarationError(where=where, value=f"{texts[:20]}…", allowed=allowed, cure="put it in a list")
    if not isinstance(texts, Iterable):
        raise DeclarationError(where=where, value=texts, allowed=allowed)
    kept = texts if isinstance(texts, list | tuple) else list(texts)
    wrong = [each for each in kept if not isinstance(each, str)]
    if wrong:
        raise DeclarationError(where=where, value=wrong[0], allowed=f"{allowed}, and nothing else")
    if len(kept) < least:
        raise DeclarationError(where=where, value=kept, allowed=f"texts, at least {least}")
    return kept
