"""Statistics over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import inf, log10
from statistics import fmean, stdev

from brainsim._arguments import checked
from brainsim.errors import DeclarationError

Range = tuple[float | None, float | None]
"""The least and the largest value that a score can have; ``None``: no limit."""

COUNT: Range = (0.0, None)
"""The range of counts, times and other values that are never negative."""

CORRELATION: Range = (-1.0, 1.0)
"""The range of correlations and cosines."""

_FRACTION: Range = (0.0, 1.0)
_ROUNDED = 1e-6  # by which sums of fractions may exceed their range


@checked()
def interval_95(values: Sequence[float], *, bounded: bool | Range = False) -> list[float] | None:
    """Return the 95 % confidence interval ``[low, high]`` of the mean over seeds (Student's t), rounded to 4 digits.

    The t distribution has no bounds: with two or three seeds an interval may reach a share of 1.2 or a negative time.
    An end beyond the possible range is replaced by the end of that range.  The true mean always lies in the range, so
    the interval contains it as often as before.

    Parameters
    ----------
    values : sequence of float
        One value per seed.
    bounded : bool or pair of float or None
        The range to which the interval is limited: the least and the largest possible value, such as `COUNT` or
        `CORRELATION`.  ``True`` stands for fractions, in [0, 1], ``False`` for values without limits, such as
        differences.

    Returns
    -------
    list of two floats, or None
        ``None`` for fewer than two values, whose spread is unknown.

    Raises
    ------
    DeclarationError
        If ``bounded`` is not a range, or a value lies outside it.

    Examples
    --------
    >>> from brainsim.studies.statistics import COUNT, interval_95
    >>> interval_95([0.8, 1.0]), interval_95([0.8, 1.0], bounded=True), interval_95([20, 60], bounded=COUNT)
    ([-0.3706, 2.1706], [0.0, 1.0], [0.0, 294.1241])
    """
    from scipy.stats import t as student

    least, most = _range(values, bounded)
    if len(values) < 2:
        return None
    half = float(student.ppf(0.975, len(values) - 1)) * stdev(values) / len(values) ** 0.5
    low, high = fmean(values) - half, fmean(values) + half
    return [round(max(low, least), 4), round(min(high, most), 4)]


def _range(values: Sequence[float], bounded: bool | Range) -> tuple[float, float]:
    """Return the possible range of values, all of which lie in it."""
    if isinstance(bounded, bool):
        bounded = _FRACTION if bounded else (None, None)
    if len(bounded) != 2:
        raise DeclarationError(
            where="interval_95.bounded", value=bounded, allowed="the least and the largest possible value"
        )
    least, most = (end if limit is None else float(limit) for end, limit in zip((-inf, inf), bounded, strict=True))
    outside = [value for value in values if not least - _ROUNDED <= value <= most + _ROUNDED]
    if outside:
        raise DeclarationError(
            where="interval_95.values",
            value=outside[0],
            allowed=f"from {least:g} to {most:g}",
            cure="give the possible range of the values as bounded",
        )
    return least, most


@checked()
def crossing(curve: Mapping[float, float], level: float) -> float | None:
    """Return where a curve first falls below a level, interpolated between its points.

    Parameters
    ----------
    curve : mapping of float to float
        Values by their places, for example recall by the number of stored episodes.
    level : float
        For example .9 of what was stored.

    Returns
    -------
    float or None
        The first place if its value is below the level already, and ``None`` if the curve does not fall below it.

    Examples
    --------
    >>> from brainsim.studies.statistics import crossing
    >>> crossing({100: 1.0, 200: 1.0, 400: 0.5}, 0.75)
    300.0
    """
    points = sorted(curve.items())
    if points and points[0][1] < level:
        return float(points[0][0])
    for (left, above), (right, below) in pairwise(points):
        if below < level:
            return left + (above - level) / (above - below) * (right - left)
    return None


@checked()
def exponent(curve: Mapping[float, float]) -> float | None:
    """Return the exponent of a power law, the slope of a straight line through its points in logarithmic axes.

    Parameters
    ----------
    curve : mapping of float to float
        Positive values by their places, for example events by the number of items.

    Returns
    -------
    float or None
        ``None`` for fewer than two points.

    Raises
    ------
    DeclarationError
        If a place or a value is not positive.

    Examples
    --------
    >>> from brainsim.studies.statistics import exponent
    >>> round(exponent({10: 300.0, 100: 3000.0, 1000: 30_000.0}), 6)
    1.0
    """
    import numpy as np

    if any(not number > 0.0 for point in curve.items() for number in point):
        raise DeclarationError(where="exponent.curve", value=dict(curve), allowed="positive numbers")
    if len(curve) < 2:
        return None
    places, values = [log10(each) for each in curve], [log10(each) for each in curve.values()]
    return float(np.polyfit(places, values, 1)[0])
