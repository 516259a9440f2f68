"""The striatum: it chooses actions and learns their values from dopamine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from brainsim import AffinePlasticity, Area, Assembly, Channels, Fiber, Modulator, Plasticity, Region, Trace
from brainsim.areas._declaring import named
from brainsim.declare.patterns import disjoint
from brainsim.errors import DeclarationError


@dataclass(frozen=True)
class Additive(AffinePlasticity):
    """A constant step, which dopamine scales with either sign: ``w <- w + amount``.

    Parameters
    ----------
    amount : float
        Step at a modulator of 1.
    w_max, w_min : float
        Bounds.  Between them, the weight of a synapse from a cue to an action stands for a value between 1 and 0.

    Examples
    --------
    >>> from brainsim.areas import Additive
    >>> Additive(2.0, w_max=5.0).step(3.0)
    2.0
    """

    amount: float = 2.0
    w_max: float = 5.0
    w_min: float = 1.0

    @property
    def coefficients(self) -> tuple[float, float]:
        return 0.0, self.amount


class Striatum(Region):
    """Competing actions, whose values are weights.

    Each action is a channel of ``k`` neurons of the area ``"Actions"``; the one with the largest summed drive wins.
    `learns_from` declares a fiber from cues, whose weights dopamine changes: an action that was better than expected
    strengthens, one that was worse weakens.  `brainsim.operations.choose_action` and `brainsim.operations.reward`
    choose and learn.

    Parameters
    ----------
    name : str
        Name of the region.
    actions : iterable of str
        Names of at least two actions.
    dopamine : Modulator
        Of the same brain, with baseline 0, so that an action teaches nothing before it is rewarded.  It belongs to the
        brain, since it reaches other regions as well.
    k : int
        Neurons of an action.

    Raises
    ------
    DeclarationError
        If a part is none of these.

    Examples
    --------
    >>> from brainsim.areas import Striatum
    >>> from brainsim.operations import choose_action, reward
    >>> brain = Brain()
    >>> cue = brain.add(Area("Cue", 50, 50, {"light": range(50)}))
    >>> dopamine = brain.add(Modulator("dopamine", baseline=0.0))
    >>> striatum = brain.add(Striatum("Striatum", ["left", "right"], dopamine=dopamine))
    >>> fiber = striatum.learns_from(cue)
    >>> random = np.random.default_rng(1)
    >>> with Simulator(brain, seed=1) as sim:
    ...     for trial in range(40):
    ...         choice = choose_action(sim, striatum, cue["light"], noise=0.1, rng=random)
    ...         error = reward(sim, striatum, choice, float(choice.action == "right"), rate=0.3)
    ...     print(choice.action, round(choice.expected, 1))
    right 1.0

    References
    ----------
    Redgrave, Prescott, Gurney. The basal ganglia: a vertebrate solution to the selection problem? Neuroscience 1999.
    Schultz, Dayan, Montague. A neural substrate of prediction and reward. Science 1997.
    Frémaux, Gerstner. Neuromodulated spike-timing-dependent plasticity, and theory of three-factor learning rules.
    Frontiers in Neural Circuits 2016.
    """

    def __init__(self, name: str, actions: Iterable[str], *, dopamine: Modulator, k: int = 50) -> None:
        super().__init__(name)
        where = f"{type(self).__name__} {name!r}"
        if not isinstance(dopamine, Modulator) or dopamine.baseline != 0.0:
            cure = 'declare brain.add(Modulator("dopamine", baseline=0.0))'
            raise DeclarationError(
                where=f"{where}.dopamine", value=dopamine, allowed="a Modulator with baseline 0", cure=cure
            )
        self.dopamine = dopamine
        with named(where):
            if not isinstance(actions, Iterable):
                raise DeclarationError(where="actions", value=actions, allowed="a list of names")
            patterns = disjoint(actions, k)
            if len(patterns) < 2:
                raise DeclarationError(where="actions", value=list(patterns), allowed="at least two names")
            self.area: Area = self.add(Area("Actions", k * len(patterns), None, patterns, activation=Channels(k, 1)))

    @property
    def actions(self) -> dict[str, Assembly]:
        """The neurons of each action, by its name."""
        return dict(self.area.patterns)

    def learns_from(
        self,
        cues: Area,
        p: float = 0.3,
        plasticity: Plasticity | None = None,
        *,
        trace: Trace | None = None,
        label: str = "",
    ) -> Fiber:
        """Declare a fiber from cues to actions that dopamine changes, and return it.

        Parameters
        ----------
        cues : Area
            Of the same brain, to which the striatum has been added before.
        p : float
            Connection probability.
        plasticity : Plasticity, optional
            `Additive` by default.
        trace : Trace, optional
            The number of rounds by which a reward may be late; by default it acts on the last round alone.
        label : str
            Distinguishes several fibers from the same area.

        Raises
        ------
        DeclarationError
            If the striatum is part of no brain yet, or for the reasons of `Brain.connect`.
        """
        if self.brain is None:
            raise DeclarationError(f"Striatum {self.name!r} belongs to no brain yet; add it with brain.add(striatum)")
        return self.brain.connect(
            cues,
            self.area,
            p,
            Additive() if plasticity is None else plasticity,
            modulated_by=self.dopamine,
            trace=Trace(rounds=1, decay=1.0) if trace is None else trace,
            label=label,
        )
