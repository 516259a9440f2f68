"""The answer of a language model with a memory to some tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Answered:
    """The answer of a language model with a memory to some tokens.

    Attributes
    ----------
    logits : array, shape (t, vocabulary)
        Rows at which the memory answered are logarithms of the mixed probabilities; all others are the model's own.
    familiarity : float64 array, shape (t,)
        Of each position; see `Recalled`.
    answered : bool array, shape (t,)
        Where the memory answered.
    """

    logits: npt.NDArray[Any]
    familiarity: npt.NDArray[np.float64]
    answered: npt.NDArray[np.bool_]
