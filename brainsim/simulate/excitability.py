"""Thresholds and drives, between a backend's integers and the numbers that users see."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from brainsim.errors import DeclarationError
from brainsim.kernels.backend import Backend
from brainsim.kernels.law.weights import ONE, THRESHOLD_LIMIT, to_float
from brainsim.kernels.state import Thresholds

Values = npt.NDArray[np.float64]


def thresholds_of(backend: Backend, area: int) -> Values:
    """Return the thresholds of all neurons of an area, in units of the base weight."""
    neurons, amount = backend.thresholds(area)
    values = np.zeros(backend.program.areas[area].n)
    values[neurons] = amount / ONE
    return values


def checked_thresholds(values: npt.ArrayLike, n: int, where: str) -> Thresholds:
    """Return one threshold for all neurons, or one for each, as a backend keeps them."""
    try:
        given = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise DeclarationError(f"{where}: must be numbers (got {values!r})") from None
    if given.shape not in ((), (n,)):
        raise DeclarationError(f"{where}: must be one number, or n = {n} (got an array of shape {given.shape})")
    limit = to_float(THRESHOLD_LIMIT)
    if not (np.abs(given) <= limit).all():  # also where one is no number
        worst = given.flat[np.argmax(~(np.abs(given) <= limit))]
        raise DeclarationError(f"{where}: must lie between -{limit:g} and {limit:g} (got {worst:g})")
    most = THRESHOLD_LIMIT - 1  # which double precision rounds up to the limit
    amount = np.broadcast_to(np.clip(np.rint(given * ONE).astype(np.int64), -most, most), (n,))
    neurons = np.flatnonzero(amount)
    return Thresholds(neurons, amount[neurons])


def drives_of(backend: Backend, area: int, fibers: Sequence[int]) -> Values:
    """Return by how much each neuron of an area would be driven beyond its threshold, in units of the base weight."""
    drive = np.zeros(backend.program.areas[area].n, np.int64)
    for f in fibers:
        firing = backend.winners(backend.program.fibers[f].source)
        for neuron in firing.tolist():
            drive[backend.row(f, neuron)] += ONE
        pre, post, weight = backend.learned(f)
        heard = np.isin(pre, firing)
        np.add.at(drive, post[heard], weight[heard] - ONE)
    neurons, amount = backend.thresholds(area)
    drive[neurons] -= amount
    return drive / ONE
