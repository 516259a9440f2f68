"""Statistics over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev

from brainsim._arguments import checked


@checked()
def interval_95(values: Sequence[float], *, bounded: bool = False) -> list[float] | None:
    """Return the 95 % confidence interval ``[low, high]`` of the mean over seeds (Student's t), rounded to 4 digits.

    Parameters
    ----------
    values : sequence of float
        One value a seed.
    bounded : bool
        Whether the values are fractions, so that the interval is cut to [0, 1].

    Returns
    -------
    list of two floats, or None
        ``None`` for fewer than two values, which say nothing about their spread.
    """
    from scipy.stats import t as student

    if len(values) < 2:
        return None
    half = float(student.ppf(0.975, len(values) - 1)) * stdev(values) / len(values) ** 0.5
    low, high = fmean(values) - half, fmean(values) + half
    return [round(max(low, 0.0), 4), round(min(high, 1.0), 4)] if bounded else [round(low, 4), round(high, 4)]
