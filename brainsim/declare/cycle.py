"""Cycles: phases of rounds with different open and learning fibers, run one after another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from brainsim._validation import count
from brainsim.declare.fiber import Fiber, FiberSet
from brainsim.errors import DeclarationError

_Fibers = Fiber | FiberSet | Iterable[Fiber]


@dataclass(frozen=True, init=False)
class Phase:
    """Rounds with the same open fibers.

    Parameters
    ----------
    rounds : int
        How many, at least 1.
    open : Fiber, FiberSet or iterable of Fiber
        Fibers that transmit.
    learn : Fiber, FiberSet or iterable of Fiber, optional
        Fibers that learn, whether or not they transmit; ``()`` for none.  By default the open ones do.

    Raises
    ------
    DeclarationError
        If ``rounds`` is out of range, or anything but fibers is given.

    Examples
    --------
    >>> Phase(rounds=2, open=phon >> lex, learn=phon >> lex | lex >> lex)
    Phase(rounds=2, open=<Phon->Lex>, learn=<Phon->Lex | Lex->Lex>)
    >>> Phase(rounds=5, open=lex >> lex, learn=())
    Phase(rounds=5, open=<Lex->Lex>, learn=<no fibers>)
    """

    rounds: int
    open: FiberSet
    learn: FiberSet | None

    def __init__(self, rounds: int, open: _Fibers, learn: _Fibers | None = None) -> None:
        object.__setattr__(self, "rounds", count("Phase.rounds", rounds, 1))
        object.__setattr__(self, "open", _fibers("Phase.open", open))
        object.__setattr__(self, "learn", None if learn is None else _fibers("Phase.learn", learn))

    def __repr__(self) -> str:
        learn = "" if self.learn is None else f", learn={self.learn!r}"
        return f"Phase(rounds={self.rounds}, open={self.open!r}{learn})"


def _fibers(where: str, fibers: object) -> FiberSet:
    """Return given fibers as a set."""
    allowed = "fibers, as in a >> b | b >> c"
    given = (fibers,) if isinstance(fibers, Fiber) else fibers
    if not isinstance(given, Iterable):
        raise DeclarationError(where=where, value=fibers, allowed=allowed)
    chosen = list(given)
    for each in chosen:
        if not isinstance(each, Fiber):
            raise DeclarationError(where=where, value=each, allowed=allowed)
    return FiberSet(chosen)


class Cycle:
    """Named phases that a simulator runs in their order: ``sim.run(cycle, cycles=3)``.

    The theta rhythm of the hippocampus is such a cycle: in one half, fibers learn without transmitting; in the other,
    they transmit without learning (Hasselmo, Bodelon & Wyble, Neural Computation 2002).

    Parameters
    ----------
    **phases : Phase
        At least one, by name, in their order.

    Raises
    ------
    DeclarationError
        If there is no phase, or anything but a phase is given.

    Examples
    --------
    >>> theta = Cycle(
    ...     encode=Phase(rounds=1, open=phon >> lex),
    ...     retrieve=Phase(rounds=2, open=lex >> lex, learn=()),
    ... )
    >>> theta
    Cycle(encode=Phase(rounds=1, open=<Phon->Lex>),
          retrieve=Phase(rounds=2, open=<Lex->Lex>, learn=<no fibers>))
    >>> theta.rounds
    3
    >>> sim.present(phon["dog"])
    >>> sim.run(theta, cycles=3)
    Outcome(rounds=9, stable=False)
    """

    def __init__(self, *unnamed: object, **phases: Phase) -> None:
        if unnamed or not phases:
            if unnamed:
                allowed = "given by name, as in Cycle(encode=Phase(rounds=2, open=...))"
                raise DeclarationError(where="Cycle: phases", value=unnamed[0], allowed=allowed)
            raise DeclarationError("Cycle: must have at least one phase, as in Cycle(encode=Phase(rounds=2, open=...))")
        for name, phase in phases.items():
            if not isinstance(phase, Phase):
                raise DeclarationError(where=f"Cycle.{name}", value=phase, allowed="a Phase(rounds, open)")
        self._phases = dict(phases)

    @property
    def phases(self) -> Mapping[str, Phase]:
        """The phases by name, in their order."""
        return MappingProxyType(self._phases)

    @property
    def rounds(self) -> int:
        """Rounds of one cycle."""
        return sum(phase.rounds for phase in self._phases.values())

    def __repr__(self) -> str:
        return f"Cycle({(',' + chr(10) + ' ' * 6).join(f'{name}={phase!r}' for name, phase in self._phases.items())})"
