"""Memory that rounds need and leave nothing in: it grows to what the largest round has needed."""

from __future__ import annotations

from collections.abc import Mapping

from brainsim.kernels.gpu.arrays import Array
from brainsim.kernels.gpu.device import Device
from brainsim.kernels.gpu.layout import SEARCH, U32, U64

_KINDS = {
    "histograms": (U32, "selection"),
    "searches": (SEARCH, "selection"),
    "tie_keys": (U64, "selection"),
    "passing": (U32, "gates"),
    "passing_sizes": (U32, "gates"),
    "starts": (U32, "learning"),
    "hits": (U32, "learning"),
    "pages": (U64, "learning"),
}


class Scratch:
    """Arrays that the rounds of all plans share.

    Attributes
    ----------
    arrays : dict of str to Array
        ``histograms`` count the digits of drives and hashes in each pass of a job, ``searches`` say what is known
        before it, and ``tie_keys`` order the tied neurons of a job's area.  ``passing`` lists the neurons that pass
        gates, and ``passing_sizes`` says how many they are.  ``starts`` are the winners with which a block of the graph
        begins, ``hits`` a bit for each neuron that may have fired and winner, ``pages`` those that each neuron that may
        have fired needs, and then the first of them.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self.arrays = {name: self._new(name, 0) for name in _KINDS}

    def _new(self, name: str, size: int) -> Array:
        # Of hits, a round finds only zeros, and leaves only zeros; all others are written before they are read.
        make = self._device.zeros if name == "hits" else self._device.empty
        return make(size, *_KINDS[name])

    def fit(self, needs: Mapping[str, int]) -> None:
        """Make room for so many items of each array; raises `DeviceMemoryError` if the device has not got it."""
        for name, size in needs.items():
            if size > self.arrays[name].size:
                self.arrays[name] = self._new(name, size)

    def clear(self) -> None:
        """Forget what a round drew that did not happen."""
        self._device.clear(self.arrays["hits"])

    def memory(self) -> dict[str, int]:
        """Return the bytes allocated, by purpose."""
        sizes = {purpose: 0 for _, purpose in _KINDS.values()}
        for name, (_, purpose) in _KINDS.items():
            sizes[purpose] += self.arrays[name].nbytes
        return sizes
