"""Reinforcement: a modulator that arrives late changes the synapses that were active in the last rounds."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brainsim import Area, Assembly, Brain, Hebbian, Modulator, Oscillator, Simulator, Trace
from brainsim.errors import DeclarationError, DumpError, SimulationError
from forging import forged

ROUNDS, DECAY = 3, 0.5


def brain_of(baseline: float = 0.0) -> Brain:
    """Return a brain with dopamine at 0, so that nothing is learned until it rises.  Attention scales its effect."""
    brain = Brain()
    cue, striatum = brain.add(Area("Cue", 60, 20), Area("Striatum", 200, 12))
    dopamine = brain.add(Modulator("dopamine", baseline=baseline))
    attention = brain.add(Modulator("attention"))
    brain.add(Modulator("serotonin"), Oscillator("theta", period=4))
    trace = Trace(ROUNDS, DECAY)
    brain.connect(cue, striatum, 0.3, Hebbian(0.5, w_max=4), modulated_by=(dopamine, attention), trace=trace)
    brain.connect(striatum, striatum, 0.1)
    brain.connect(cue, striatum, 0.1, Hebbian(0.5), modulated_by=attention, label="other")
    return brain


def played(sim: Simulator, rounds: int = 5) -> list[tuple[list[int], list[int]]]:
    """Run rounds, each with another cue; return which neurons fired at the fiber and which won in each round."""
    events = []
    for number in range(rounds):
        sim.present(Assembly("Cue", range(5 * number, 5 * number + 20)))
        fired = list(sim.assembly("Cue"))
        sim.run(sim.brain.fibers, learn=traced(sim))
        events.append((fired, list(sim.assembly("Striatum"))))
    return events


def traced(sim: Simulator) -> Any:
    return next(iter(sim.brain.fibers))


def learned(sim: Simulator) -> dict[tuple[int, int], float]:
    pre, post, weight = sim.connectome(traced(sim)).learned()
    return dict(zip(zip(pre.tolist(), post.tolist(), strict=True), weight.tolist(), strict=True))


def expected(sim: Simulator, events: list[tuple[list[int], list[int]]], value: float) -> dict[tuple[int, int], float]:
    """Return the weights that the last rounds give, by the rule w += value * decay**age * .5 w, at most 4."""
    rows = sim.connectome(traced(sim))
    weights: dict[tuple[int, int], float] = {}
    last = events[-ROUNDS:]
    for age, (fired, won) in zip(reversed(range(len(last))), last, strict=True):
        for i in fired:
            for j in set(rows.row(i).tolist()) & set(won):
                w = weights.get((i, j), 1.0)
                weights[i, j] = max(0.0, min(4.0, w + value * DECAY**age * 0.5 * w))
    return weights


@pytest.mark.parametrize("value", [1.0, 2.0, -1.0])
def test_reinforcing_learns_from_the_last_rounds(backend: str, value: float) -> None:
    sim = Simulator(brain_of(), 3, backend=backend)
    events = played(sim)
    assert learned(sim) == {}
    before, rounds = sim.assembly("Striatum"), sim.rounds
    sim.reinforce("dopamine", value)
    assert learned(sim) == expected(sim, events, value)
    assert len(learned(sim)) > 50
    assert (sim.assembly("Striatum"), sim.rounds, sim.modulator("dopamine")) == (before, rounds, 0.0)


def test_the_other_modulators_have_their_current_values(backend: str) -> None:
    sim = Simulator(brain_of(), 3, backend=backend)
    events = played(sim)
    sim.set_modulator("dopamine", 7.0)  # is replaced by the value that reinforces
    sim.set_modulator("attention", 0.5)
    sim.reinforce(sim.brain.modulators["dopamine"], 2.0)
    assert learned(sim) == expected(sim, events, 1.0)
    sim.reinforce("attention", 0.0)
    sim.set_modulator("attention", 0.0)
    sim.reinforce("dopamine", 2.0)
    assert learned(sim) == expected(sim, events, 1.0)


def test_the_trace_holds_only_rounds_in_which_the_fiber_may_learn() -> None:
    sim = Simulator(brain_of(), 3, backend="reference")
    events = played(sim)
    sim.run(sim.brain.fibers, learn=())  # a round without an entry in the trace
    with sim.frozen():
        played(sim)  # the trace is restored after a probe
    sim.reinforce("dopamine", 1.0)
    events.append(([], []))
    assert learned(sim) == expected(sim, events, 1.0)


def test_the_trace_is_saved(backend: str, tmp_path: Path) -> None:
    sim = Simulator(brain_of(), 3, backend=backend)
    events = played(sim)
    sim.save(tmp_path / "state.h5")
    for other in ("reference", backend):
        again = Simulator(brain_of(), 3, backend=other)
        again.load(tmp_path / "state.h5")
        again.reinforce("dopamine", 1.0)  # before any round
        assert learned(again) == expected(again, events, 1.0)
        assert learned(again)


def test_forgetting_weights_keeps_the_trace(backend: str) -> None:
    sim = Simulator(brain_of(), 3, backend=backend)
    events = played(sim)
    for _ in range(2):
        sim.reinforce("dopamine", 1.0)
        assert learned(sim) == expected(sim, events, 1.0)
        sim.forget(sim.brain.fibers)
        assert learned(sim) == {}


def test_a_trace_with_neurons_at_one_end_only_is_refused_as_damaged(tmp_path: Path) -> None:
    sim = Simulator(brain_of(), 3, backend="reference")
    events = played(sim)
    message = "traced_sources and traced_targets of fiber 'Cue->Striatum': an age must have neurons in both"
    for end in ("traced_sources", "traced_targets"):
        sim.save(tmp_path / "state.h5")
        with forged(tmp_path / "state.h5") as file:
            group = file[f"{end}/Cue->Striatum"]
            kept = group["age"][:] != 1
            for column in ("age", "neuron"):
                items = group[column][:][kept]
                del group[column]
                group[column] = items
        with pytest.raises(DumpError, match=f"is damaged: {message}"):
            sim.load(tmp_path / "state.h5")
    sim.reinforce("dopamine", 1.0)
    assert learned(sim) == expected(sim, events, 1.0)


def test_invalid_reinforcement_is_refused() -> None:
    sim = Simulator(brain_of(), 3, backend="reference")
    played(sim)
    with sim.frozen(), pytest.raises(SimulationError, match="a probe must not change weights"):
        sim.reinforce("dopamine", 1.0)
    with pytest.raises(DeclarationError, match="no fiber with a trace is modulated by 'serotonin'"):
        sim.reinforce("serotonin", 1.0)
    with pytest.raises(DeclarationError, match="Oscillator 'theta': follows the clock"):
        sim.reinforce("theta", 1.0)
    with pytest.raises(DeclarationError, match="value: must be a number between -8 and 8"):
        sim.reinforce("dopamine", 9.0)
    with pytest.raises(DeclarationError, match="belongs to another brain"):
        sim.reinforce(brain_of().modulators["dopamine"], 1.0)
    sim.set_modulator("attention", 2.0)
    with pytest.raises(SimulationError, match=r"got -10 from attention = 2, dopamine = -5"):
        sim.reinforce("dopamine", -5.0)
    assert learned(sim) == {}


def test_the_schedule_shows_traces() -> None:
    sim = Simulator(brain_of(), 3, backend="reference")
    text = str(sim.schedule())
    assert "learn      Cue->Striatum         learns nothing now, at rate 0" in text
    assert "learn      Cue->Striatum         notes the round in its trace of 3 rounds" in text
    with sim.frozen():
        assert "trace" not in str(sim.schedule())


def test_a_trace_bridges_a_delay() -> None:
    """The reward follows the first cue after three other cues: only a trace of four rounds includes it."""
    found = {}
    for rounds in (1, 4):
        brain = Brain()
        cue, striatum = brain.add(Area("Cue", 200, 20), Area("Striatum", 400, 12))
        dopamine = brain.add(Modulator("dopamine", baseline=0.0))
        rule = Hebbian(1.0, w_max=4)
        brain.connect(cue, striatum, 0.3, rule, modulated_by=dopamine, trace=Trace(rounds, 0.8))
        with Simulator(brain, 1, backend="reference") as sim:
            for number in range(4):
                sim.present(Assembly("Cue", np.arange(20) + 20 * number))
                sim.run(brain.fibers)
            sim.reinforce(dopamine, 1.0)
            pre = sim.connectome(brain.fibers).learned()[0]
            found[rounds] = [bool(((pre >= low) & (pre < high)).any()) for low, high in pairwise(range(0, 81, 20))]
    assert found == {1: [False, False, False, True], 4: [True, True, True, True]}


@pytest.mark.parametrize("fails_at", [1, 2])
def test_running_out_of_memory_leaves_no_partly_reinforced_brain_in_use(
    monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    """If some fibers were reinforced and others were not, the simulator refuses to run."""
    brain = Brain()
    a, b = brain.add(Area("A", 60, 20), Area("B", 60, 12))
    dopamine = brain.add(Modulator("dopamine", baseline=0.0))
    for label in ("one", "two"):
        brain.connect(a, b, 0.5, Hebbian(0.5), modulated_by=dopamine, trace=Trace(2, 0.5), label=label)
    sim, calls = Simulator(brain, 1, backend="reference"), []
    sim.present(Assembly("A", range(20)))
    sim.run(brain.fibers, rounds=2)
    backend = sim._engine._backend
    assert backend is not None
    whole = type(backend).reinforce

    def reinforce(self: Any, fiber: int, rate: int) -> None:
        calls.append(fiber)
        if len(calls) == fails_at:
            raise MemoryError("no room")
        whole(self, fiber, rate)

    monkeypatch.setattr(type(backend), "reinforce", reinforce)
    with pytest.raises(MemoryError):
        sim.reinforce(dopamine, 1.0)
    if fails_at == 1:
        assert all(not len(sim.connectome(fiber).learned()[0]) for fiber in brain.fibers)
    else:
        with pytest.raises(SimulationError, match="half-way"):
            sim.run(brain.fibers)
