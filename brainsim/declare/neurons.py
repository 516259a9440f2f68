"""Neuron indices from user input: lists, ranges, sets, arrays, whole floats and boolean masks."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.errors import DeclarationError

_MASK_CURE = "use numpy.flatnonzero(mask)"
_LARGEST_EXACT = 2.0**53  # whole floats beyond are not exact


def neuron_indices(where: str, given: object, n: int | None = None) -> npt.NDArray[np.int64]:
    """Return neuron indices in ascending order, as a new array.

    Parameters
    ----------
    where : str
        Begins the message of an error.
    given : array_like of int, or of bool
        Each neuron once, in any order; or one truth value for each of the ``n`` neurons, if ``n`` is known.
    n : int, optional
        Length of a boolean mask.

    Raises
    ------
    DeclarationError
        If an index is not a whole number, is negative or comes twice, or a mask is not of length ``n``.
    """
    array = np.asarray(list(given) if isinstance(given, AbstractSet | range) else given)
    if array.dtype.kind == "b" and array.size:
        return _masked(where, array, n)
    if array.size and not _are_indices(array):
        raise DeclarationError(
            f"{where}: neurons must be a list of indices (got {given!r})", where=where, value=given, allowed="indices"
        )
    indices = array.astype(np.int64).ravel()
    if not (indices[1:] > indices[:-1]).all():
        indices = np.unique(indices)
    if len(indices) != array.size:
        raise DeclarationError(f"{where}: a neuron is listed twice; give each index once", where=where, value=given)
    if len(indices) and indices[0] < 0:
        raise DeclarationError(
            f"{where}: neuron {indices[0]} is negative; indices start at 0", where=where, value=int(indices[0])
        )
    return indices


def _are_indices(array: npt.NDArray[Any]) -> bool:
    if array.ndim != 1 or array.dtype.kind not in "iuf":
        return False
    return array.dtype.kind != "f" or bool((np.abs(array) <= _LARGEST_EXACT).all() and (array == np.floor(array)).all())


def _masked(where: str, mask: npt.NDArray[np.bool_], n: int | None) -> npt.NDArray[np.int64]:
    if mask.shape == (n,):
        return np.flatnonzero(mask).astype(np.int64)
    known = "" if n is None else f", or a mask of n = {n} truth values"
    raise DeclarationError(
        f"{where}: neurons must be a list of indices{known} (got a mask of shape {mask.shape}); {_MASK_CURE}",
        where=where,
        value=mask,
        allowed="indices",
        cure=_MASK_CURE,
    )
