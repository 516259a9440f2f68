"""Text for networks: files of the user, and tokenizers of bytes or characters.

`brainsim.networks.bpe` has a tokenizer that learns pieces of words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from brainsim._arguments import checked
from brainsim._validation import text as valid_text
from brainsim.errors import BrainsimError, DeclarationError


class TextError(BrainsimError, ValueError):
    """A text that cannot be read, or that a tokenizer cannot express."""


@checked()
def read_text(path: str | Path) -> str:
    """Return the text in a file of UTF-8.

    Parameters
    ----------
    path : str or Path
        The file.

    Raises
    ------
    TextError
        If the file cannot be read, is empty, is binary (it holds a NUL byte), or is not UTF-8.
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
    except (OSError, ValueError) as error:  # a NUL byte in the path is a ValueError
        raise TextError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not raw.strip():
        raise TextError(f"{path}: holds no text; give a file of plain text in UTF-8")
    if b"\0" in raw:
        raise TextError(f"{path}: is binary (NUL at byte {raw.index(0)}); give a file of plain text in UTF-8")
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        cure = f"convert it, e.g. with: iconv -f latin1 -t utf-8 {path.name}"
        raise TextError(f"{path}: is not UTF-8 (byte {error.start} is {raw[error.start]:#04x}); {cure}") from None


@runtime_checkable
class Tokenizer(Protocol):
    """Converts text to tokens (numbers) and back."""

    @property
    def vocabulary(self) -> int:
        """How many tokens there are; they are numbered from 0."""

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text."""

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the text of some tokens."""

    def to_json(self) -> dict[str, Any]:
        """Return JSON data from which `tokenizer_from_json` makes the same tokenizer."""


class ByteTokenizer:
    """Each byte of UTF-8 is a token.

    Examples
    --------
    >>> from brainsim.networks.text import ByteTokenizer
    >>> ByteTokenizer().encode("é!")
    [195, 169, 33]
    """

    vocabulary = 256

    def encode(self, text: str) -> list[int]:
        """Return the bytes of a text."""
        return list(_utf8(text))

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the text of some bytes; those that are not valid UTF-8 become U+FFFD."""
        return bytes(_known(tokens, self.vocabulary)).decode("utf-8", errors="replace")

    def to_json(self) -> dict[str, Any]:
        """Return ``{"kind": "byte"}``."""
        return {"kind": "byte"}


class CharTokenizer:
    """Each character of an alphabet is a token.

    Parameters
    ----------
    alphabet : str
        The characters, in the order of their numbers; `CharTokenizer.of` takes them from a text.

    Raises
    ------
    DeclarationError
        If the alphabet is empty or contains a character twice.

    Examples
    --------
    >>> from brainsim.networks.text import CharTokenizer
    >>> CharTokenizer.of("abracadabra").encode("cab")
    [2, 0, 1]
    """

    def __init__(self, alphabet: str) -> None:
        self.alphabet = valid_text("CharTokenizer.alphabet", alphabet, longest=None)
        self._numbers = {each: number for number, each in enumerate(alphabet)}
        if not alphabet or len(self._numbers) < len(alphabet):
            raise DeclarationError(where="CharTokenizer.alphabet", value=alphabet[:40], allowed="distinct characters")

    @classmethod
    def of(cls, text: str) -> CharTokenizer:
        """Return a tokenizer of the characters of a text, in the order of their code points."""
        return cls("".join(sorted(set(valid_text("CharTokenizer.of.text", text, longest=None)))))

    @property
    def vocabulary(self) -> int:
        """How many characters there are."""
        return len(self.alphabet)

    def encode(self, text: str) -> list[int]:
        """Return the number of each character; a `TextError` if one is not in the alphabet."""
        valid_text("CharTokenizer.encode.text", text, longest=None)
        try:
            return [self._numbers[each] for each in text]
        except KeyError as error:
            at, count = text.index(error.args[0]), len(set(text) - set(self._numbers))
            known = f"not among the {self.vocabulary} characters that the tokenizer knows ({count} are not)"
            raise TextError(f"character {error.args[0]!r} at {at} is {known}; leave it out, or use bytes") from None

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the text of some tokens."""
        return "".join(self.alphabet[each] for each in _known(tokens, self.vocabulary))

    def to_json(self) -> dict[str, Any]:
        """Return the alphabet."""
        return {"kind": "char", "alphabet": self.alphabet}


def tokenizer_from_json(content: object) -> Tokenizer:
    """Return the tokenizer that `Tokenizer.to_json` describes.

    Raises
    ------
    TextError
        If it does not describe a tokenizer.
    """
    from brainsim.networks.bpe import BpeTokenizer

    kind = content.get("kind") if isinstance(content, Mapping) else None
    try:
        if kind == "byte":
            return ByteTokenizer()
        if kind == "char":
            return CharTokenizer(content["alphabet"])  # type: ignore[index]
        if kind == "bpe":
            return BpeTokenizer([(first, second) for first, second in content["merges"]])  # type: ignore[index]
    except (KeyError, TypeError, ValueError) as error:
        raise TextError(f"the description of a {kind} tokenizer is damaged: {error}") from None
    raise TextError(f"no tokenizer is of the kind {kind!r}; known: byte, char, bpe")


def _utf8(text: str) -> bytes:
    return valid_text("encode.text", text, longest=None).encode()


def _known(tokens: Iterable[int], vocabulary: int) -> Sequence[int]:
    """Return tokens as a sequence, if all are in the vocabulary."""
    found = [int(each) for each in tokens]
    wrong = next((each for each in found if not 0 <= each < vocabulary), None)
    if wrong is not None:
        raise TextError(f"token {wrong} is outside the vocabulary of {vocabulary}")
    return found
