"""Code shared by regions: checks of single values, errors that name the region, the memory of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from brainsim.errors import BackendMemoryError, DeclarationError

# On the cpu backend, measured with `Simulator.memory` from 10**5 to 10**6 neurons: 4 bytes a neuron for each plastic
# fiber at either end, 9 for the drives, and 1 for each assembly whose counts are kept.
BYTES_A_NEURON = 32
BYTES_A_SYNAPSE = 16  # 8 bytes are used; when the space is full, stored synapses move to twice the space


@contextmanager
def named(where: str) -> Iterator[None]:
    """Make errors of the parts of a region begin with its name."""
    try:
        yield
    except DeclarationError as error:
        raise DeclarationError(
            f"{where}: {error}",
            where=f"{where}: {error.where}",
            value=error.value,
            allowed=error.allowed,
            cure=error.cure,
        ) from None


def whole(where: str, value: object, low: int, high: int | None = None) -> int:
    """Return a whole number within bounds, or refuse it by name."""
    bounds = f"of at least {low}" if high is None else f"between {low} and {high}"
    fits = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not fits or int(value) < low or (high is not None and int(value) > high):  # type: ignore[call-overload]
        raise DeclarationError(where=where, value=value, allowed=f"a whole number {bounds}")
    return int(value)  # type: ignore[call-overload, no-any-return]


def share(where: str, value: object) -> float:
    """Return a number between 0 and 1, or refuse it by name."""
    return number(where, value, 0.0, 1.0)


def number(where: str, value: object, low: float, high: float) -> float:
    """Return a number within bounds, or refuse it by name."""
    fits = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not fits or not low <= float(value) <= high:  # type: ignore[arg-type]
        raise DeclarationError(where=where, value=value, allowed=f"a number between {low:g} and {high:g}")
    return float(value)  # type: ignore[arg-type]


def memory_bytes() -> int | None:
    """Return the memory of this machine; ``None`` where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf
        return None


def check_memory(where: str, needed: float, cure: str) -> None:
    """Refuse a region whose simulation needs more memory than this machine has.

    Raises
    ------
    BackendMemoryError
        If it does.
    """
    there = memory_bytes()
    if there is not None and needed > there:
        allowed = f"small enough for the {there / 1e9:.3g} GB of this machine"
        raise BackendMemoryError(
            f"{where}: must be {allowed} (needs about {needed / 1e9:.3g} GB); {cure}",
            where=where,
            value=needed,
            allowed=allowed,
            cure=cure,
        )
