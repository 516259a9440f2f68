"""What a memory needs from a language model: logits and hidden states of a sequence of tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from brainsim._arguments import checked
from brainsim.errors import DeclarationError
from brainsim.networks.needs import require_torch

TokenArray = npt.NDArray[np.int64]
Tokens = Sequence[int] | TokenArray
Floats = npt.NDArray[np.float32]


class LanguageModel(Protocol):
    """Any function of token numbers, shape ``(t,)``, that returns logits ``(t, vocabulary)`` and hidden ``(t, width)``.

    Row ``i`` of both must depend on tokens 0 to ``i`` alone.  Arrays and PyTorch tensors are accepted, with or without
    a leading axis of length 1.
    """

    def __call__(self, tokens: TokenArray, /) -> tuple[Any, Any]:
        """Return logits and hidden states."""


@dataclass(frozen=True)
class Read:
    """The output of a language model for some tokens.

    Attributes
    ----------
    tokens : int64 array, shape (t,)
    logits : array, shape (t, vocabulary)
        The logits of the model.
    hidden : float32 array, shape (t, width)
    """

    tokens: TokenArray
    logits: npt.NDArray[Any]
    hidden: Floats


def token_array(where: str, tokens: Tokens, vocabulary: int) -> TokenArray:
    """Return tokens as an array, shape ``(t,)``, ``t >= 1``, with numbers below ``vocabulary``.

    Raises
    ------
    DeclarationError
        If they are not such numbers.
    """
    allowed = f"one or more integers from 0 to {vocabulary - 1}"
    try:
        found = np.asarray(tokens)
    except (TypeError, ValueError):
        raise DeclarationError(where=where, value=tokens, allowed=allowed) from None
    if found.ndim != 1 or not len(found) or not np.issubdtype(found.dtype, np.integer):
        raise DeclarationError(where=where, value=tokens, allowed=allowed)
    if found.min() < 0 or found.max() >= vocabulary:
        wrong = int(found.min()) if found.min() < 0 else int(found.max())
        raise DeclarationError(where=where, value=wrong, allowed=allowed, cure="use the tokenizer of the model")
    return found.astype(np.int64)


def read(lm: LanguageModel, tokens: TokenArray, vocabulary: int, width: int) -> Read:
    """Run a language model and return its logits and hidden states as arrays of the shapes that they must have.

    Raises
    ------
    DeclarationError
        If it returns anything else, or hidden states that are not finite.
    """
    found = lm(tokens)
    if not isinstance(found, tuple) or len(found) != 2:
        raise DeclarationError(
            where="Hippocampal.lm", value=type(found), allowed="a function that returns (logits, hidden)"
        )
    logits, hidden = (_array(each) for each in found)
    for name, array, columns in (("logits", logits, vocabulary), ("hidden states", hidden, width)):
        if array.shape != (len(tokens), columns):
            allowed = f"a function whose {name} have shape ({len(tokens)}, {columns}) for {len(tokens)} tokens"
            raise DeclarationError(where="Hippocampal.lm", value=array.shape, allowed=allowed)
    if not np.isfinite(hidden).all():
        raise DeclarationError(
            where="Hippocampal.lm", value="nan or inf", allowed="a function with finite hidden states"
        )
    return Read(tokens, logits, hidden.astype(np.float32))


def _array(values: Any) -> npt.NDArray[Any]:
    """Return an array or a tensor as an array, without a leading axis of length 1."""
    array = np.asarray(values.detach().cpu().numpy() if hasattr(values, "detach") else values)
    return array[0] if array.ndim == 3 and len(array) == 1 else array


def mixed_in(logits: npt.NDArray[Any], token: int, weight: float) -> npt.NDArray[Any]:
    """Return ``log((1 - weight) * softmax(logits) + weight * [token])``, shape ``(vocabulary,)``, without overflow."""
    own = logits.astype(np.float64)
    own -= own.max()
    own += np.log1p(-weight) - np.log(np.exp(own).sum())
    if weight:
        own[token] = np.logaddexp(own[token], np.log(weight))
    return own.astype(logits.dtype)


@checked()
def of_torch(model: Callable[..., Any]) -> LanguageModel:
    """Return a language model that runs a PyTorch model without gradients.

    Parameters
    ----------
    model : callable
        Takes a tensor of int64, shape ``(1, t)``.  It returns logits and hidden states; or it has a method ``hidden``
        that returns hidden states, and one ``logits`` that reads them, as
        `brainsim.networks.transformer.Transformer` does.

    Raises
    ------
    TorchMissingError
        If PyTorch is not installed.
    """
    require_torch()
    import torch

    def run(tokens: TokenArray) -> tuple[Any, Any]:
        with torch.no_grad():
            batch = torch.from_numpy(tokens)[None]
            if not hasattr(model, "hidden"):
                logits, hidden = model(batch)
                return logits, hidden
            hidden = model.hidden(batch)
            return model.logits(hidden), hidden  # type: ignore[attr-defined]

    return run


def several(where: str, sequences: Sequence[Tokens]) -> Sequence[Tokens]:
    """Return sequences of tokens; there must be at least one."""
    if isinstance(sequences, str | bytes) or not isinstance(sequences, Sequence) or not len(sequences):
        raise DeclarationError(where=where, value=sequences, allowed="one or more sequences of tokens")
    return sequences
