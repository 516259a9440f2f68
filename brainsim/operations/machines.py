"""Finite-state machines whose transitions are stored in synapses.

After Dabagia, Papadimitriou & Vempala, Computation with sequences of assemblies in a model of the brain, Neural
Computation 2025 (arXiv 2306.03812), and their code (github.com/mdabagia/nemo): symbol and state together form an
assembly for the arc.  The area of arcs refracts, so that arcs with a common symbol or state use different neurons.  The
arc drives the next state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from brainsim._arguments import checked
from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.errors import DeclarationError
from brainsim.operations._checks import fibers, may_learn, rounds_of, stimulus_of
from brainsim.operations._firing import presented
from brainsim.operations.reading import ReadOut, read_out
from brainsim.operations.trace import Trace, traced
from brainsim.simulate.index import AreaLike
from brainsim.simulate.simulator import Simulator


class Transition(NamedTuple):
    """From a state, with a symbol, to the next state; all by the labels of patterns."""

    state: str
    symbol: str
    following: str


class FiniteStateMachine:
    """A finite-state machine in three areas: symbols and states, which have patterns, and arcs, which has none.

    It holds no table of transitions: `learn` turns them into weights, and `run` fires symbols and reads the state.  So
    it does not know whether or what it has learned; an untrained machine answers "unknown" or at random.

    Parameters
    ----------
    sim : Simulator
        Of a brain with plastic fibers from symbols and states to arcs, and from arcs to states.
    symbols, states, arcs : Area or str
        Each symbol and state is a pattern of its area.  The arcs should refract: ``Area(..., refraction=beta)``.

    Raises
    ------
    DeclarationError
        If a fiber is missing, or symbols or states have no patterns.

    Examples
    --------
    >>> machine = FiniteStateMachine(sim, "Symbol", "State", "Arc")
    >>> machine.learn([("even", "0", "even"), ("even", "1", "odd"), ("odd", "0", "odd"), ("odd", "1", "even")], "even")
    >>> [seen.label for seen in machine.run("even", "1101")]
    ['odd', 'even', 'even', 'odd']
    """

    @checked()
    def __init__(self, sim: Simulator, symbols: AreaLike, states: AreaLike, arcs: AreaLike) -> None:
        self._sim = sim
        self._symbols, self._states, self._arcs = (sim.brain.area(area) for area in (symbols, states, arcs))
        for area in (self._symbols, self._states):
            if not area.patterns:
                raise DeclarationError(
                    f"FiniteStateMachine: area {area.name!r} has no patterns; name its assemblies when you declare it"
                )
        self._inward = fibers("FiniteStateMachine", sim, self._symbols, self._arcs) | fibers(
            "FiniteStateMachine", sim, self._states, self._arcs
        )
        self._outward = fibers("FiniteStateMachine", sim, self._arcs, self._states)

    @checked("transitions")
    def learn(self, transitions: Iterable[Sequence[str]], start: str, presentations: int = 15) -> None:
        """Present all transitions in order, several times.

        For each: symbol and state fire, and an arc forms in one round; then the arc fires while the next state is held,
        and drives it from then on.  Between transitions all three areas are silent.

        Parameters
        ----------
        transitions : iterable of (state, symbol, next state)
            By label.
        start : str
            The state in which the machine begins.
        presentations : int
            How often each is presented.

        Raises
        ------
        UnknownNameError
            If a label is not that of a pattern.
        DeclarationError
            If there are none, two of them lead from one state with one symbol to different states, or one leaves a
            state that cannot be reached from the start.
        SimulationError
            Inside `Simulator.frozen`, where nothing is learned.
        """
        may_learn("FiniteStateMachine.learn", self._sim)
        chosen = _checked(transitions, start, self._symbols, self._states)
        sim = self._sim
        for _ in range(rounds_of("FiniteStateMachine.learn", presentations, "presentations")):
            for state, symbol, following in chosen:
                sim.silence(self._arcs)
                with presented(sim, self._symbols[symbol], self._states[state]):
                    sim.run(self._inward)
                with presented(sim, self._states[following]):
                    sim.run(self._outward)
        sim.silence(self._arcs)

    @checked("start", "trace")
    def run(
        self, start: str | Assembly, symbols: Iterable[str], *, threshold: float = 0.5, trace: Trace | None = None
    ) -> tuple[ReadOut, ...]:
        """Fire symbols one after the other, and read out the state after each.

        A probe: nothing is learned.  The state that an arc drives fires with the next symbol, whether right or wrong;
        the read-out does not change it.

        Parameters
        ----------
        start : str or Assembly
            The state to begin with.
        symbols : iterable of str
            Labels; a text is a sequence of one-letter labels.
        threshold : float
            Least overlap at which a state is named; see `read_out`.
        trace : Trace, optional
            Is filled with what fires among the states in every round: two a symbol, of which the second is new.

        Returns
        -------
        tuple of ReadOut
            For each symbol the state that is nearest, or "unknown".
        """
        sim, heard, seen = self._sim, _patterns(self._symbols, symbols), []
        state = self._states[start] if isinstance(start, str) else start
        if stimulus_of("FiniteStateMachine.run", sim, state) is not self._states or len(state) > self._states.k:
            raise DeclarationError(
                f"FiniteStateMachine.run.start: must be of area {self._states.name!r}, and not larger than its k = "
                f"{self._states.k} (got {state!r})"
            )
        with sim.frozen():
            sim.silence()
            sim.present(state)
            sim.release(self._states)
            with traced(trace, sim, self._states):
                for symbol in heard:
                    with presented(sim, symbol):
                        sim.run(self._inward)
                    sim.run(self._outward)
                    seen.append(read_out(sim.assembly(self._states), self._states.patterns, threshold=threshold))
        return tuple(seen)


def _checked(transitions: Iterable[Sequence[str]], start: str, symbols: Area, states: Area) -> tuple[Transition, ...]:
    """Return transitions of which each has its patterns, is the only one of its kind, and can be reached."""
    if not isinstance(transitions, Iterable):
        where = "FiniteStateMachine.learn.transitions"
        raise DeclarationError(where=where, value=transitions, allowed="(state, symbol, next state), by label, several")
    chosen = tuple(dict.fromkeys(_transition(each) for each in transitions))
    _patterns(states, [start, *(each.state for each in chosen), *(each.following for each in chosen)])
    _patterns(symbols, [each.symbol for each in chosen])
    if not chosen:
        raise DeclarationError("FiniteStateMachine.learn.transitions: must be at least one (got none)")
    arcs: dict[tuple[str, str], str] = {}
    for state, symbol, following in chosen:
        known = arcs.setdefault((state, symbol), following)
        if known != following:
            raise DeclarationError(
                f"FiniteStateMachine.learn: ambiguous: from state {state!r} symbol {symbol!r} leads to {known!r} and "
                f"to {following!r}; give one, or let chance choose with operations.choose"
            )
    reached = reachable(start, chosen)
    for state, symbol in arcs:
        if state not in reached:
            raise DeclarationError(
                f"FiniteStateMachine.learn: unreachable: no transitions lead from {start!r} to state {state!r}, from "
                f"which one leaves with {symbol!r}; add the missing transition, or drop this one"
            )
    return chosen


def reachable(start: str, transitions: Iterable[tuple[str, str, str]]) -> set[str]:
    """Return the states to which transitions lead from the start, itself included."""
    steps, reached, last = tuple(transitions), {start}, 0
    while len(reached) > last:
        last = len(reached)
        reached |= {following for state, _, following in steps if state in reached}
    return reached


def _transition(given: Sequence[str]) -> Transition:
    labels = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else ()
    if len(labels) != 3 or not all(isinstance(label, str) for label in labels):
        raise DeclarationError(
            f"FiniteStateMachine.learn.transitions: must be (state, symbol, next state), by label (got {given!r})"
        )
    return Transition(*labels)


def _patterns(area: Area, labels: Iterable[str]) -> list[Assembly]:
    """Return the patterns of an area by label, which refuses those that are not there."""
    return [area[label] for label in labels]
