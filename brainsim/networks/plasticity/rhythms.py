"""Rhythms: a theta-gamma clock that gates updates, and phase oscillators that synchronise.  Plain NumPy, no PyTorch.

`brainsim.Oscillator` follows the rounds of a brain, in integers; a `Rhythm` follows the steps of a training loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import acos, cos, pi, sqrt

import numpy as np
import numpy.typing as npt

from brainsim._arguments import check_record, checked
from brainsim._validation import count, integer, real
from brainsim.errors import DeclarationError


@dataclass(frozen=True)
class Rhythm:
    """A rhythm that makes updates *major* near its peak and scales them down elsewhere.

    Parameters
    ----------
    frequency : float
        Hertz, 1e-6 to 1e6: 6 for theta, 40 for gamma.
    dt : float
        Seconds of a step, 1e-9 to 1e3.
    threshold : float
        A step is major if ``cos(phase) > threshold``, -1 to 1.
    minor : float
        Factor of the other steps, 0 to 1.

    Raises
    ------
    DeclarationError
        If a value is out of range.

    Examples
    --------
    >>> from brainsim.networks.plasticity.rhythms import Rhythm
    >>> theta = Rhythm()
    >>> theta.factor(0), theta.factor(83), round(theta.duty, 4)
    (1.0, 0.1, 0.2532)
    """

    frequency: float = 6.0
    dt: float = 1e-3
    threshold: float = 0.7
    minor: float = 0.1

    def __post_init__(self) -> None:
        check_record(self)
        for name, low, high in (
            ("frequency", 1e-6, 1e6),
            ("dt", 1e-9, 1e3),
            ("threshold", -1.0, 1.0),
            ("minor", 0.0, 1.0),
        ):
            real(f"Rhythm.{name}", getattr(self, name), low, high)

    @property
    def duty(self) -> float:
        """Fraction of major steps: ``arccos(threshold) / π``."""
        return acos(self.threshold) / pi

    @property
    def mean_factor(self) -> float:
        """Mean factor over a cycle: the constant factor for a fair comparison."""
        return self.duty + (1 - self.duty) * self.minor

    def phase(self, step: int) -> float:
        """Return the phase of a step in radians, 0 to 2π."""
        return 2 * pi * ((self.frequency * self.dt * count("Rhythm.step", step, 0)) % 1.0)

    def factor(self, step: int) -> float:
        """Return 1 in a major step, otherwise ``minor``."""
        return 1.0 if cos(self.phase(step)) > self.threshold else self.minor


class CoupledPhases:
    """Phase oscillators coupled by ``dφ_i/dt = 2π f_i + K mean_j sin(φ_j - φ_i)`` (Kuramoto 1975).

    For normally distributed frequencies they synchronise above ``K_c = 2 / (π g(0))``, where g is the density of the
    angular frequencies at their mean; see `critical_coupling`.

    Parameters
    ----------
    frequencies : array_like of float
        Hertz, one for each oscillator, at least one.
    coupling : float
        K in radians per second, -1e6 to 1e6.  A negative value (the sign ``sin(φ_i - φ_j)``) drives phases apart.
    seed : int
        Seed of the phases at the beginning.

    Raises
    ------
    DeclarationError
        If a value is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from brainsim.networks.plasticity.rhythms import CoupledPhases
    >>> alike = CoupledPhases(np.full(20, 6.0), coupling=10.0)
    >>> alike.run(2.0) > 0.99
    True
    """

    @checked("frequencies")
    def __init__(self, frequencies: npt.ArrayLike, coupling: float, seed: int = 0) -> None:
        self.frequencies = _frequencies(frequencies)
        self.coupling = real("CoupledPhases.coupling", coupling, -1e6, 1e6)
        rng = np.random.default_rng(integer("CoupledPhases.seed", seed, 0, 2**63))
        self.phases = rng.uniform(0.0, 2 * pi, len(self.frequencies))

    @property
    def order(self) -> float:
        """Length of the mean of the unit vectors of all phases: 0 if they are spread evenly, 1 if they are equal."""
        return float(abs(np.exp(1j * self.phases).mean()))

    @checked()
    def run(self, seconds: float, dt: float = 1e-3) -> float:
        """Run for some seconds (at most a million steps of ``dt``), and return the mean order of the second half.

        With the mean field ``R e^{iψ}`` the coupling is ``K R sin(ψ - φ_i)``, which costs n, not n², in a step.
        """
        step = real("CoupledPhases.run.dt", dt, 1e-6, 1.0)
        steps = round(real("CoupledPhases.run.seconds", seconds, step, 1e6 * step) / step)
        seen = []
        for _ in range(steps):
            field = np.exp(1j * self.phases).mean()
            pull = (field * np.exp(-1j * self.phases)).imag
            self.phases = self.phases + step * (2 * pi * self.frequencies + self.coupling * pull)
            seen.append(abs(field))
        return float(np.mean(seen[len(seen) // 2 :]))


def critical_coupling(deviation: float) -> float:
    """Return K_c in radians per second, for frequencies with a normal distribution: ``2 / (π g(0))``.

    Parameters
    ----------
    deviation : float
        Standard deviation of the frequencies in Hertz, 0 to 1e6.

    Raises
    ------
    DeclarationError
        If it is out of range.

    Examples
    --------
    >>> from brainsim.networks.plasticity.rhythms import critical_coupling
    >>> round(critical_coupling(0.5), 2)
    5.01
    """
    angular = 2 * pi * real("critical_coupling.deviation", deviation, 0.0, 1e6)
    return 2 * sqrt(2 * pi) * angular / pi  # g(0) = 1 / (σ √(2π))


def _frequencies(given: npt.ArrayLike) -> npt.NDArray[np.float64]:
    try:
        found = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        found = np.array([])
    if found.ndim != 1 or not found.size or not (np.abs(found) <= 1e6).all():
        allowed = "one-dimensional, of at least one number between -1e6 and 1e6"
        raise DeclarationError(where="CoupledPhases.frequencies", value=given, allowed=allowed)
    return found
