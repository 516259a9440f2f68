"""Episodic memory: episodes are stored once, recalled from a part, recognised, replayed, and taught to cortex."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from brainsim import Area, Assembly, Brain, Cycle, Hebbian, OneToOne, Phase, Region, SaturatingHebbian, Simulator
from brainsim.areas import Hippocampus
from brainsim.errors import DeclarationError, SimulationError
from brainsim.operations import complete, consolidate, cue_of, familiar, recall, replay, store

SMALL = {"n_ec": 500, "n_dg": 2000, "n_ca3": 1000, "n_ca1": 1000}
TINY = {"n_ec": 100, "n_dg": 300, "n_ca3": 150, "n_ca1": 150, "k_ec": 20, "k_dg": 15, "k_ca3": 25, "k_ca1": 25}


def episodes_of(memory: Hippocampus, count: int, seed: int = 1) -> list[Assembly]:
    rng, entry = np.random.default_rng(seed), memory.entry
    return [Assembly(entry.name, rng.choice(entry.n, entry.k, replace=False)) for _ in range(count)]


def recalled_fraction(answer: Assembly, episode: Assembly) -> float:
    return len(np.intersect1d(answer.neurons, episode.neurons)) / len(episode)


@pytest.fixture(scope="module")
def filled() -> Any:
    """Yield a simulator, a memory of 15 episodes, the episodes, and their assemblies in CA3."""
    brain = Brain()
    memory = brain.add(Hippocampus(**SMALL))
    episodes = episodes_of(memory, 15)
    with Simulator(brain, 1, backend="cpu", threads=1) as sim:
        yield sim, memory, episodes, [store(sim, memory, each) for each in episodes]


def test_an_episode_that_is_stored_once_is_recalled_from_half_of_it(filled: Any) -> None:
    sim, memory, episodes, stored = filled
    answers = [recall(sim, memory, cue_of(each, 0.5)) for each in episodes]
    assert np.mean([each.completed.overlap(own) for each, own in zip(answers, stored, strict=True)]) > 0.95
    assert np.mean([recalled_fraction(each.answer, own) for each, own in zip(answers, episodes, strict=True)]) > 0.9
    assert all(each.known for each in answers)
    assert np.mean([each.first.overlap(each.completed) for each in answers]) < 0.95, (
        "completion changes the first response to a cue"
    )


def test_a_cue_that_was_never_stored_is_not_known(filled: Any) -> None:
    sim, memory, episodes, _ = filled
    new = [cue_of(each, 0.5) for each in episodes_of(memory, 15, seed=2)]
    answers = [recall(sim, memory, each) for each in new]
    assert not any(each.known for each in answers)
    old = [recall(sim, memory, cue_of(each, 0.5)) for each in episodes]
    assert min(each.drive for each in old) > max(each.drive for each in answers)
    assert familiar(sim, memory, episodes[0])
    assert not familiar(sim, memory, new[0])
    assert familiar(sim, memory, new[0], at_least=0.0)


def test_recall_and_replay_change_nothing(filled: Any) -> None:
    sim, memory, episodes, _ = filled
    before = {fiber.name: sim.connectome(fiber).learned() for fiber in memory.fibers if fiber.plasticity}
    rounds = sim.rounds
    recall(sim, memory, episodes[0])
    replay(sim, memory, rng=1)
    after = {name: sim.connectome(next(f for f in memory.fibers if f.name == name)).learned() for name in before}
    assert all(np.array_equal(a, b) for name in before for a, b in zip(before[name], after[name], strict=True))
    assert sim.rounds == rounds
    assert not any(sim.fires(area) for area in memory.areas.values())


def test_without_learning_nothing_is_recalled() -> None:
    brain = Brain()
    memory = brain.add(Hippocampus(**SMALL, plasticity=Hebbian(0.0, 9.0)))
    episodes = episodes_of(memory, 15)
    with Simulator(brain, 1, backend="cpu", threads=1) as sim:
        for each in episodes:
            store(sim, memory, each)
        answers = [recall(sim, memory, cue_of(each, 0.5)) for each in episodes]
        assert (
            np.mean([recalled_fraction(each.answer, own) for each, own in zip(answers, episodes, strict=True)]) < 0.25
        )
        assert not any(each.known for each in answers)


def test_replay_from_random_activity_gives_stored_episodes() -> None:
    brain = Brain()
    memory = brain.add(Hippocampus())
    with Simulator(brain, 1, backend="cpu", threads=1) as sim:
        stored = [store(sim, memory, each) for each in episodes_of(memory, 20)]
        rng = np.random.default_rng(1)
        replays = [replay(sim, memory, rng=rng) for _ in range(30)]
        assert replay(sim, memory, rng=3) == replay(sim, memory, rng=3)
    nearest = [int(np.argmax([each.completed.overlap(own) for own in stored])) for each in replays]
    found = [each.completed.overlap(stored[at]) for each, at in zip(replays, nearest, strict=True)]
    assert np.mean(np.array(found) > 0.9) > 0.9
    assert len(set(nearest)) > 10


def test_replay_teaches_cortex_the_stored_episodes() -> None:
    brain = Brain()
    memory = brain.add(Hippocampus(**SMALL))
    cortex = brain.add(Area("Cortex", 500, 50))
    inner = brain.connect(cortex, cortex, 0.5, SaturatingHebbian(0.4, 9.0))
    teaches = brain.connect(memory.exit, cortex, graph=OneToOne())
    episodes = episodes_of(memory, 3)
    with Simulator(brain, 1, backend="cpu", threads=1) as sim:
        for each in episodes:
            store(sim, memory, each)
        parts = [cue_of(Assembly("Cortex", each.neurons), 0.5) for each in episodes]
        before = [recalled_fraction(complete(sim, part), own) for part, own in zip(parts, episodes, strict=True)]
        replays = consolidate(sim, memory, Cycle(teach=Phase(2, teaches, learn=inner)), 60, rng=1)
        after = [recalled_fraction(complete(sim, part), own) for part, own in zip(parts, episodes, strict=True)]
    assert len(replays) == 60
    assert max(before) < 0.8
    assert min(after) > 0.9


def results(backend: str) -> list[Any]:
    """Let a memory store, recall, replay and consolidate; return all results and all learned weights."""
    brain = Brain()
    memory = brain.add(Hippocampus(**TINY, rounds=3))
    cortex = brain.add(Area("Cortex", 100, 20))
    inner = brain.connect(cortex, cortex, 0.5, SaturatingHebbian(0.4, 9.0))
    teaches = brain.connect(memory.exit, cortex, graph=OneToOne())
    seen: list[Any] = []
    with Simulator(brain, 3, backend=backend) as sim:
        for each in episodes_of(memory, 4):
            seen.append(store(sim, memory, each).neurons.tolist())
            answer = recall(sim, memory, cue_of(each, 0.5))
            seen.append((answer.answer.neurons.tolist(), answer.completed.neurons.tolist(), answer.drive))
        for replayed in consolidate(sim, memory, Cycle(teach=Phase(2, teaches, learn=inner)), 3, rng=1):
            seen.append((replayed.answer.neurons.tolist(), replayed.completed.neurons.tolist()))
        seen += [[column.tolist() for column in sim.connectome(fiber).learned()] for fiber in brain.fibers]
    return seen


@pytest.mark.parametrize("backend", ["cpu", "gpu"])
def test_memory_is_the_same_on_every_backend(backend: str, emulated_gpu: None) -> None:
    assert results(backend) == results("reference")


class Loop(Region):
    """A region with an attractor, but no phases."""

    def __init__(self) -> None:
        super().__init__("Loop")
        self.attractor = self.add(Area("A", 10, 2))


def test_invalid_arguments_are_refused(filled: Any) -> None:
    sim, memory, episodes, _ = filled
    with pytest.raises(DeclarationError, match=r"store: must be given an assembly of area 'Hippocampus\.EC'"):
        store(sim, memory, Assembly(memory.attractor.name, [1, 2]))
    with pytest.raises(DeclarationError, match=r"recall: the stimulus in area 'Hippocampus\.EC' has no neurons"):
        recall(sim, memory, Assembly(memory.entry.name, []))
    with pytest.raises(
        DeclarationError, match=r"recall\.memory: must be a region that has the parts of EpisodicMemory"
    ):
        recall(sim, Loop(), episodes[0])  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match=r"recall\.at_least: must be a number between 0 and 1 \(got 2\)"):
        recall(sim, memory, episodes[0], at_least=2.0)
    with pytest.raises(DeclarationError, match="belongs to no brain yet"):
        replay(sim, Hippocampus(**SMALL), rng=1)
    with sim.frozen(), pytest.raises(SimulationError, match="store: a probe must not change weights"):
        store(sim, memory, episodes[0])
    with sim.frozen(), pytest.raises(SimulationError, match="consolidate: a probe must not change weights"):
        consolidate(sim, memory, memory.replaying, 1, rng=1)
    with pytest.raises(DeclarationError, match=r"consolidate\.cycle: must be a Cycle, whose phases lead to cortex"):
        consolidate(sim, memory, memory.fibers, 1, rng=1)  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match=r"consolidate\.replays: must be an integer of at least 1 \(got 0\)"):
        consolidate(sim, memory, memory.replaying, 0, rng=1)


def test_storing_in_an_inhibited_memory_is_an_error(filled: Any) -> None:
    sim, memory, episodes, _ = filled
    sim.inhibit(memory["DG"])
    with pytest.raises(SimulationError, match=r"store: area 'Hippocampus\.CA3' does not fire; disinhibit"):
        store(sim, memory, episodes[0])
    sim.disinhibit()
    sim.silence()
