"""Statistics over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import log10
from statistics import fmean, stdev

from brainsim._arguments import checked
from brainsim.errors import DeclarationError


@checked()
def interval_95(values: Sequence[float], *, bounded: bool = False) -> list[float] | None:
    """Return the 95 % confidence interval ``[low, high]`` of the mean over seeds (Student's t), rounded to 4 digits.

    Parameters
    ----------
    values : sequence of float
        One value per seed.
    bounded : bool
        Whether the values are fractions, so that the interval is limited to [0, 1].

    Returns
    -------
    list of two floats, or None
        ``None`` for fewer than two values, whose spread is unknown.
    """
    from scipy.stats import t as student

    if len(values) < 2:
        return None
    half = float(student.ppf(0.975, len(values) - 1)) * stdev(values) / len(values) ** 0.5
    low, high = fmean(values) - half, fmean(values) + half
    return [round(max(low, 0.0), 4), round(min(high, 1.0), 4)] if bounded else [round(low, 4), round(high, 4)]


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
