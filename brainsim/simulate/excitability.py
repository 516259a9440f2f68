"""Thresholds and drives, in the unit of weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from brainsim.errors import DeclarationError
from brainsim.kernels.bounds import largest_amount, smallest_amount
from brainsim.kernels.law.weights import ONE, to_float
from brainsim.kernels.state import THRESHOLDS, WEIGHTS, WINNERS, Thresholds
from brainsim.simulate.engine import Engine

Values = npt.NDArray[np.float64]


class Excitability:
    """Reads and sets the thresholds of areas, and reads drives."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._program = engine.program

    def thresholds(self, area: int) -> Values:
        """Return the thresholds of all neurons of an area, shape ``(n,)``."""
        neurons, amount = self._engine.read(THRESHOLDS, area)
        values = np.zeros(self._program.areas[area].n)
        values[neurons] = amount / ONE
        return values

    def set_thresholds(self, area: int, values: npt.ArrayLike) -> None:
        """Replace the thresholds of an area: one number for all neurons, or one for each."""
        spec = self._program.areas[area]
        bounds = smallest_amount(self._program, area), largest_amount(self._program, area)
        self._engine.write(THRESHOLDS, area, _checked(values, spec.n, f"Area {spec.name!r}: thresholds", *bounds))

    @contextmanager
    def temporary(self, area: int, values: npt.ArrayLike) -> Iterator[None]:
        """Set thresholds during a block, and restore the previous ones afterwards."""
        before = self._engine.read(THRESHOLDS, area)
        self.set_thresholds(area, values)
        try:
            yield
        finally:
            if self._engine.usable:  # otherwise another error would hide that of the block
                self._engine.write(THRESHOLDS, area, before)

    def drives(self, area: int, fibers: Sequence[int]) -> Values:
        """Return the drive of each neuron of an area, less its threshold, if some fibers transmitted.

        Fibers that end elsewhere do not count.
        """
        drive = np.zeros(self._program.areas[area].n, np.int64)
        for f in fibers:
            if self._program.fibers[f].target == area and self._program.fibers[f].message is None:
                self._add(drive, f)
        neurons, amount = self._engine.read(THRESHOLDS, area)
        drive[neurons] -= amount
        return drive / ONE

    def _add(self, drive: npt.NDArray[np.int64], f: int) -> None:
        """Add the weights of the synapses from the firing neurons of a fiber's source that pass its gate."""
        fiber = self._program.fibers[f]
        firing = self._engine.read(WINNERS, fiber.source).neurons
        if fiber.gate is not None:
            firing = fiber.gate.passing(firing, self._engine.read(WINNERS, fiber.gate.area).neurons)
        for neuron in firing.tolist():
            drive[self._engine.row(f, neuron)] += fiber.base
        if fiber.stores:
            pre, post, weight = self._engine.read(WEIGHTS, f)
            fires = np.isin(pre, firing)
            np.add.at(drive, post[fires], weight[fires] - fiber.base)


def _checked(values: npt.ArrayLike, n: int, where: str, lowest: int, highest: int) -> Thresholds:
    """Return one threshold for all neurons, or one for each, as a backend keeps them, within bounds in fixed point."""
    try:
        given = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise DeclarationError(f"{where}: must be numbers (got {values!r})") from None
    if given.shape not in ((), (n,)):
        raise DeclarationError(f"{where}: must be one number, or n = {n} (got an array of shape {given.shape})")
    low, high = to_float(lowest), to_float(highest)  # rounded to double precision
    fitting = (given >= low) & (given <= high)
    if not fitting.all():  # also where one is no number
        worst = given.flat[np.argmin(fitting)]
        raise DeclarationError(f"{where}: must lie between {low:g} and {high:g} (got {worst:g})")
    amount = np.broadcast_to(np.clip(np.rint(given * ONE).astype(np.int64), lowest, highest), (n,))
    neurons = np.flatnonzero(amount)
    return Thresholds(neurons, amount[neurons])
