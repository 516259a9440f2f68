"""Sums in single precision, in an order that is the same on every machine.

A compiler must not reorder a sum of floats.  The code therefore adds to `LANES` partial sums, each of every `LANES`-th
component.  Vector instructions of any width give the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from brainsim.kernels.cpu.compiling import inlined

LANES = 16


@inlined
def scalar_product(a: Any, b: Any, lanes: Any) -> Any:
    """Return the scalar product of two vectors; ``lanes`` is a buffer of `LANES` numbers."""
    size = len(a)
    whole = size - size % LANES
    for lane in range(LANES):
        lanes[lane] = np.float32(0)
    for first in range(0, whole, LANES):
        for lane in range(LANES):
            lanes[lane] += a[first + lane] * b[first + lane]
    for lane in range(size - whole):
        lanes[lane] += a[whole + lane] * b[whole + lane]
    width = LANES // 2
    while width:
        for lane in range(width):
            lanes[lane] += lanes[lane + width]
        width //= 2
    return lanes[0]
