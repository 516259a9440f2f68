"""The hash of `brainsim.kernels.law.graph` for kernels.

All hash arithmetic is on ``np.uint64``: Numba would convert a mixture of signed and unsigned 64-bit integers to floats,
and test whether each signed index is negative.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from brainsim.kernels.cpu.compiling import inlined
from brainsim.kernels.law import graph as law

Word = np.uint64

GOLDEN = np.uint64(law.GOLDEN)
_MUL1 = np.uint64(law.MIX1)
_MUL2 = np.uint64(law.MIX2)
_S27, _S30, _S31 = np.uint64(27), np.uint64(30), np.uint64(31)


@inlined
def mix64(x: Word) -> Word:
    """Return the hash of a number; see `brainsim.kernels.law.graph.mix64`."""
    x = (x ^ (x >> _S30)) * _MUL1
    x = (x ^ (x >> _S27)) * _MUL2
    return x ^ (x >> _S31)


@inlined
def hash_of(key: Word, neuron: Any) -> Word:
    """Return the hash of a neuron under a key; see `brainsim.kernels.law.selection.hashes`."""
    return mix64(key + np.uint64(neuron + 1) * GOLDEN)
