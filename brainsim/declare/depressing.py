"""Plasticity rules with depression: synapses also weaken, if their target neuron did not win."""

from __future__ import annotations

from dataclasses import dataclass

from brainsim._validation import real
from brainsim.declare.plasticity import Plasticity
from brainsim.declare.steps import check_rate
from brainsim.errors import DeclarationError
from brainsim.kernels.law.weights import MAX_WEIGHT


class _Floored(Plasticity):
    """Base of these rules: a constant potentiation, ``ltp``, and a floor that is also the smallest weight."""

    ltp: float

    def __post_init__(self) -> None:
        check_rate(self, "ltp")
        for parameter in ("w_max", "floor"):
            value = getattr(self, parameter)
            if parameter == "w_max" or value is not None:
                where = f"{type(self).__name__}.{parameter}"
                object.__setattr__(self, parameter, real(where, value, -MAX_WEIGHT, MAX_WEIGHT))
        super().__post_init__()

    @property
    def w_min(self) -> float:  # type: ignore[override]
        """The floor; any weight is possible while it is undefined."""
        return -MAX_WEIGHT if self.floor is None else self.floor

    @property
    def _lower(self) -> str:
        return "floor"

    def step(self, w: float) -> float:
        """Return ``ltp``."""
        del w
        return self.ltp


@dataclass(frozen=True)
class STDP(_Floored):
    """Plasticity by the order of firing: ``w <- w + ltp`` onto neurons that win, ``w <- w - ltd`` onto those that lost.

    The rule changes synapses from neurons that fired.  Those onto neurons that have just won strengthen: the source
    fired before the target.  Those onto neurons that fired in the round before and have just lost weaken: the source
    fired after the target.  The two sets share no synapse.  If a cue recalls a wrong assembly, and then the right one
    is made to fire by another fiber, this corrects the error: the synapses onto the wrong assembly weaken.  (An
    assembly that is *presented* to the area replaces its winners before the round, so that none of them loses.)

    Only synapses that are stored, because they have learned, weaken.

    Parameters
    ----------
    ltp, ltd : float
        How much synapses strengthen (long-term potentiation) and weaken (long-term depression), 0 to 8.
    w_max : float
        Largest weight, -32 767 to 32 767.
    floor : float, optional
        Smallest weight, below ``w_max``; by default the weight of the fiber.

    Raises
    ------
    DeclarationError
        If a value is out of range.

    Examples
    --------
    >>> rule = STDP(ltp=8, ltd=4, w_max=9)
    >>> rule.update(1.0), rule.depressed(9.0), rule.depressed(3.0)
    (9.0, 5.0, 1.0)

    Notes
    -----
    ``experiments/correction.py`` corrects wrong pairs (source 2000 neurons of which 50 fire, target 5000/50, p = .4,
    ltp 8, ltd 4, w_max 9, 20 wrong pairs among 140 others, 5 seeds): after three trials the cue recalls .97 of the
    right and .03 of the wrong assembly (without depression .50 and .51), unrelated pairs .999 as before.  A pair that
    shares 40 % of its cue and the whole assembly that is weakened falls from .997 to .889.

    References
    ----------
    Bi, Poo. Synaptic modifications in cultured hippocampal neurons: dependence on spike timing, synaptic strength, and
    postsynaptic cell type. Journal of Neuroscience 18, 10464-10472, 1998.
    """

    ltp: float
    ltd: float
    w_max: float
    floor: float | None = None

    def __post_init__(self) -> None:
        check_rate(self, "ltd")
        super().__post_init__()

    def depress(self, w: float) -> float:
        """Return ``-ltd``."""
        del w
        return -self.ltd


@dataclass(frozen=True)
class Heterosynaptic(_Floored):
    """Heterosynaptic depression: ``w <- w + ltp`` onto neurons that win, ``w <- w - decay * (w - floor)`` onto others.

    All stored synapses from the neurons that fired to neurons that do not win decay towards the floor.  This corrects
    errors, but interferes with similar cues: what they have learned through the neurons that they share decays, too.
    Prefer `STDP`, unless this is what you study.

    Parameters
    ----------
    ltp : float
        How much synapses strengthen, 0 to 8.
    decay : float
        The fraction of its distance from the floor that a synapse loses, above 0 and at most 1.
    w_max : float
        Largest weight, -32 767 to 32 767.
    floor : float, optional
        Weight towards which synapses decay, below ``w_max``, and smallest weight; by default the weight of the fiber.

    Raises
    ------
    DeclarationError
        If a value is out of range.

    Examples
    --------
    >>> rule = Heterosynaptic(ltp=8, decay=0.5, w_max=9)
    >>> rule.update(1.0), rule.depressed(9.0), rule.depressed(1.0)
    (9.0, 5.0, 1.0)

    Notes
    -----
    Measured as for `STDP`, with ``decay = .5``: after three trials the cue recalls 1.00 of the right and .01 of the
    wrong assembly, but pairs of which 40 % of the cue are shared fall from .963 to .436 (with `STDP` they stay at
    .96), and unrelated ones, which forget while others are stored, from .787 to .748 (.999 with `STDP`).

    References
    ----------
    Lynch, Dunwiddie, Gribkoff. Heterosynaptic depression: a postsynaptic correlate of long-term potentiation. Nature
    266, 737-739, 1977.
    """

    ltp: float
    decay: float
    w_max: float
    floor: float | None = None
    all_losers = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "decay", real("Heterosynaptic.decay", self.decay, 0.0, 1.0))
        if not self.decay:
            raise DeclarationError(where="Heterosynaptic.decay", value=0.0, allowed="above 0", cure="use Hebbian")
        super().__post_init__()

    def depress(self, w: float) -> float:
        """Return ``-decay * (w - floor)``; an open floor counts as 1."""
        return -self.decay * (w - (1.0 if self.floor is None else self.floor))
