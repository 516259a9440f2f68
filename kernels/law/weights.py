"""Fixed-point weights, drives and thresholds.

Weights are summed by many threads in any order, so they are integers: a weight ``w`` is stored as ``round(w * 2**16)``.
Integer sums do not depend on their order, which makes every backend agree bit for bit.

Ranges, stated once:

* a stored weight lies in ``(-2**31, 2**31)``, that is within 32 767.99998 of 0;
* a drive is a 64-bit sum of stored weights; `brainsim.kernels.program.check_capacity` refuses a brain whose drives
  could reach ``2**62``, so that a threshold of less than ``2**62`` can be subtracted;
* so is the sum of the positive drives of a channel, whose thresholds below 0 are smaller in proportion to its size.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

WEIGHT_BITS = 16
ONE = 1 << WEIGHT_BITS
MAX_WEIGHT = 32_767.0
THRESHOLD_LIMIT = 2**62


def to_fixed(weight: float) -> int:
    """Return the stored integer nearest to ``weight``."""
    return round(weight * ONE)


def to_float(stored: int) -> float:
    """Return the weight that a stored integer represents."""
    return stored / ONE


def raised(thresholds: npt.NDArray[np.int64], drives: npt.NDArray[np.int64], rate: int) -> npt.NDArray[np.int64]:
    """Return the thresholds of winners after they fired: ``threshold + rate * drive``, rounded to nearest.

    ``drives`` are the sums of weights, nothing subtracted; ``rate`` has 16 fractional bits.
    """
    steps = (drives * rate + (1 << (WEIGHT_BITS - 1))) >> WEIGHT_BITS
    return np.minimum(thresholds + steps, THRESHOLD_LIMIT - 1)
