"""Checks of arrays that users give, with messages of one form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim._arguments import fits
from brainsim.errors import DeclarationError

Vectors = npt.NDArray[np.float32]


def numbers(where: str, given: object) -> npt.NDArray[np.float64]:
    """Return numbers as a float64 array, or refuse them."""
    if given is None or not fits(given, npt.ArrayLike):
        raise DeclarationError(where=where, value=given, allowed="numbers")
    return np.asarray(given, np.float64)


def unit(where: str, vectors: object, dim: int | None = None) -> Vectors:
    """Return vectors, shape (n, dim), scaled to norm 1; refuse what is not finite, and 0."""
    found = numbers(where, vectors)
    if found.ndim != 2 or not found.size or dim not in (None, found.shape[1]):
        allowed = f"of shape (n, {dim or 'dim'}), at least 1 in both"
        raise DeclarationError(where=where, value=found.shape, allowed=allowed)
    lengths = np.linalg.norm(found, axis=1)
    wrong = np.flatnonzero(~np.isfinite(lengths) | (lengths == 0))
    if len(wrong):
        row = int(wrong[0])
        allowed = "finite and not 0 in all"
        raise DeclarationError(where=f"{where}[{row}]", value=found[row].tolist()[:4], allowed=allowed)
    return np.asarray(found / lengths[:, None], np.float32)


def integers(where: str, given: object, low: int, high: int) -> npt.NDArray[np.int64]:
    """Return whole numbers within ``[low, high)`` as an int64 array, or refuse them."""
    found = numbers(where, given)
    wrong = found[(found != np.rint(found)) | (found < low) | (found >= high)] if found.size else found
    if wrong.size or np.isnan(found).any():
        value: Any = float(wrong.flat[0]) if wrong.size else float("nan")
        raise DeclarationError(where=where, value=value, allowed=f"integers from {low} to {high - 1}")
    return found.astype(np.int64)


def feeling(where: str, given: object, channels: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return one emotional vector, a number from 0 to 1 for each channel, or refuse it."""
    found = numbers(where, given)
    if found.shape != (len(channels),) or not ((found >= 0) & (found <= 1)).all():
        allowed = f"{len(channels)} numbers between 0 and 1: {', '.join(channels)}"
        raise DeclarationError(where=where, value=found.tolist(), allowed=allowed)
    return found
