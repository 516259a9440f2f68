"""A language model of words, without PyTorch, and a memory for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim import Brain
from brainsim.networks.memory import ContentKey, Hippocampal

NAMES = [f"{a}{b}{c}" for a in ("zo", "mi", "ka", "pe") for b in ("ba", "ru", "te", "lo") for c in "nrlx"]
BACKGROUND = (
    "the colour of the house is grey . the home of the king is rome . now a man hath a horse , and it is black . "
    "now tell me : the man is a king . tell me , what is the man and what is it ? a man hath it , and it is me . "
    "now the man hath a king of rome : tell me of a horse . what news , and what house ?"
)
_WORDS = sorted({*BACKGROUND.split(), *NAMES, "blue", "red", "green", "yellow", "craft", "smith"})
VOCABULARY, WIDTH = len(_WORDS), 24
_VECTORS = np.random.default_rng(0).standard_normal((VOCABULARY, WIDTH)).astype(np.float32)


def model(tokens: npt.NDArray[np.int64]) -> tuple[Any, Any]:
    """Return logits and hidden states of a leaky memory of token vectors."""
    hidden, states = np.zeros(WIDTH, np.float32), []
    for token in tokens:
        hidden = np.tanh(0.5 * hidden + _VECTORS[token])
        states.append(hidden)
    every = np.array(states)
    return every @ _VECTORS.T, every


def encode(text: str) -> list[int]:
    """Return the numbers of the words of a text; blanks separate the words."""
    return [_WORDS.index(word) for word in text.split()]


def decode(tokens: Sequence[int]) -> str:
    """Return the text of some words."""
    return " ".join(_WORDS[token] for token in tokens)


def memory(*, content: bool = False, n: int = 10_000, **options: Any) -> Hippocampal:
    """Return a memory that has read the background."""
    key = ContentKey(decode) if content else None
    made = Hippocampal(model, Brain(), vocabulary=VOCABULARY, width=WIDTH, key=key, n=n, seed=1, threads=1, **options)
    made.fit([encode(BACKGROUND)])
    return made
