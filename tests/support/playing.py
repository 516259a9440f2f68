"""Runs plays through the public API, on any backend, and records everything that can be observed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from brainsim import Area, Assembly, Cycle, Phase, SilentWarning, Simulator, UnusedWarning
from brainsim.declare.fiber import Fiber, FiberSet
from brainsim.simulate.recordings.recording import Recording
from plays import (
    Bias,
    Disinhibit,
    Forget,
    Hold,
    Inhibit,
    Load,
    Modulate,
    Play,
    Present,
    Probe,
    Recall,
    Reinforce,
    Release,
    Run,
    RunCycle,
    Save,
    Silence,
    Step,
    Trace,
    declared,
)


def play(description: Play, backend: str, folder: Path, **options: Any) -> Trace:
    """Run a play on a backend and return everything that can be observed; saves go into ``folder``."""
    return _played(description, _Player(description, backend, folder, options, None))


def play_in(sim: Simulator, description: Play, folder: Path) -> Trace:
    """Run a play in a simulator of its brain and seed, then close it; return what `play` does."""
    return _played(description, _Player(description, f"batch-{sim.seed}", folder, {}, sim))


def _played(description: Play, player: _Player) -> Trace:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SilentWarning)  # random plays run silent brains, too
        player.do(description.steps)
        return player.finished()


class _Player:
    def __init__(
        self, description: Play, backend: str, folder: Path, options: dict[str, Any], sim: Simulator | None
    ) -> None:
        self._play, self._backend, self._folder, self._options = description, backend, folder, options
        self._brain = declared(description) if sim is None else sim.brain
        self._fibers: list[Fiber] = list(self._brain.fibers)
        self._sim = self._simulator(backend) if sim is None else sim
        self._continued = False
        self._recording = self._record()
        self._formed: list[list[Assembly]] = [[] for _ in description.sizes]
        self._drawn: list[set[int]] = [set() for _ in description.links]
        self._budget = description.budget
        self._saves: list[Path] = []
        self._trace = Trace()

    def _simulator(self, backend: str) -> Simulator:
        options = self._options if backend == self._backend else {}
        return Simulator(self._brain, self._play.seed, backend=backend, **options)

    def _record(self) -> Recording:
        return self._sim.record(drives=self._play.seed % 2 == 0)

    def do(self, steps: Sequence[Step]) -> None:
        for step in steps:
            self._trace.facts[type(step).__name__] += 1
            self._do(step)

    def _do(self, step: Step) -> None:
        sim = self._sim
        match step:
            case Present():
                self._present(step)
            case Recall():
                self._recall(step)
            case Bias():
                self._bias(step)
            case Hold(areas):
                sim.hold(*self._areas(areas))
            case Release(areas):
                sim.release(*self._areas(areas))
            case Silence(areas):
                sim.silence(*self._areas(areas))
            case Inhibit(areas, links, lock):
                sim.inhibit(*self._areas(areas), *self._set(links), lock=lock)
            case Disinhibit(areas, links, lock):
                sim.disinhibit(*self._areas(areas), *self._set(links), lock=lock)
            case Forget(links):
                sim.forget(self._set(links))
            case Run():
                self._run(step)
            case RunCycle():
                self._run_cycle(step)
            case Modulate(signal, value):
                sim.set_modulator(f"M{signal}", value)
            case Reinforce():
                self._reinforce(step)
            case Probe(steps):
                self._probe(steps)
            case Save():
                self._save()
            case Load():
                self._load(step)

    def _areas(self, numbers: Sequence[int]) -> list[Area]:
        return [self._brain[f"A{number}"] for number in numbers]

    def _set(self, numbers: Sequence[int]) -> FiberSet:
        return FiberSet(self._fibers[number] for number in numbers)

    def _present(self, step: Present) -> None:
        n = self._play.sizes[step.area].n
        neurons = sorted({(step.first + at * step.stride) % n for at in range(min(step.count, n))})
        self._trace.facts["presented more than 255"] += len(neurons) > 255
        self._sim.present(Assembly(f"A{step.area}", neurons))

    def _recall(self, step: Recall) -> None:
        formed = self._formed[step.area]
        if not formed:
            return
        then = formed[-1 - step.back % len(formed)]
        self._trace.facts["recalled another than fires"] += then != self._sim.assembly(then.area)
        others = np.setdiff1d(np.arange(self._play.sizes[step.area].n), then.neurons)[: step.come]
        self._sim.present(Assembly(then.area, np.concatenate([then.neurons[step.gone :], others])))

    def _bias(self, step: Bias) -> None:
        values = np.zeros(self._play.sizes[step.area].n)
        if step.thresholds:
            values[:: step.stride] = np.resize(step.thresholds, len(values[:: step.stride]))
        name = f"A{step.area}"
        # The limit of thresholds below 0 is for the sum over a channel.
        self._sim.set_thresholds(name, np.maximum(values, -(2.0**46) / self._brain[name].activation.channel))

    def _run(self, step: Run) -> None:
        rounds = self._affordable(step.links, step.rounds)
        self._trace.facts["cut short"] += rounds < step.rounds
        if not rounds:
            return
        how: dict[str, Any] = {"until_stable": True, "max_rounds": rounds} if step.until_stable else {"rounds": rounds}
        if step.learn is not None:
            how["learn"] = self._set(step.learn)
            self._trace.facts["learned without transmitting"] += not set(step.learn) <= set(step.links)
        self._note_run(lambda: self._sim.run(self._set(step.links), **how))

    def _run_cycle(self, step: RunCycle) -> None:
        rounds = 2 * step.rounds * step.cycles
        if self._affordable(step.links, rounds) == rounds:
            first = Phase(step.rounds, self._set(step.links))
            second = Phase(step.rounds, self._set(step.links), self._set(step.learn))
            self._note_run(lambda: self._sim.run(Cycle(first=first, second=second), cycles=step.cycles))

    def _note_run(self, run: Callable[[], Any]) -> None:
        before = len(self._recording)
        outcome = run()
        for name, area in self._brain.areas.items():
            winners = [self._sim.assembly(area).neurons, *self._recording.winners(area)[before:]]
            drives = self._recording.drives(area)[before:] if self._recording.has_drives else []
            seen = [
                [ids.tolist() for ids in winners],
                [each.tolist() for each in drives],
                self._sim.drive(area).tolist(),
            ]
            self._trace.events.append((name, outcome, seen))
            self._trace.facts["drives"] += any(map(any, drives))
            self._note_firing(winners)
        for formed, area in zip(self._formed, self._brain.areas.values(), strict=True):
            now = self._sim.assembly(area)
            formed += [now] if len(now) else []

    def _reinforce(self, step: Reinforce) -> None:
        before = [self._sim.connectome(fiber).learned() for fiber in self._fibers]
        self._sim.reinforce(f"M{step.signal}", step.value)
        after = [self._sim.connectome(fiber).learned() for fiber in self._fibers]
        changed = any(not all(map(np.array_equal, *pair)) for pair in zip(before, after, strict=True))
        self._trace.facts["reinforcement changed weights"] += changed

    def _note_firing(self, winners: list[Any]) -> None:
        pairs = pairwise(winners[1:])
        self._trace.facts["winners changed"] += sum(not np.array_equal(a, b) for a, b in pairs)
        self._trace.facts["more than 255 fired"] += any(len(ids) > 255 for ids in winners)

    def _affordable(self, links: Sequence[int], wanted: int) -> int:
        """Return the number of rounds that the budget allows, from an upper estimate of the work of the reference.

        The estimate depends only on winners, so that all correct backends run the same rounds.
        """
        first = later = 1
        reached = {self._play.links[number].target for number in links}
        for number in links:
            link = self._play.links[number]
            n, k = self._play.sizes[link.target].n, self._play.sizes[link.target].k
            firing = set(self._sim.assembly(f"A{link.source}"))
            new = len(firing - self._drawn[number])
            self._drawn[number] |= firing
            first += int(new * (30 + link.p * n) + len(firing) * (30 + link.p * k))
            most = self._play.sizes[link.source].k if link.source in reached else len(firing)
            later += int(most * (30 + link.p * k + link.p * n / 4))
        if first > self._budget:
            return 0
        rounds = min(wanted, 1 + (self._budget - first) // later)
        self._budget -= first + (rounds - 1) * later
        return rounds

    def _probe(self, steps: Sequence[Step]) -> None:
        before, outside = self._state(), self._recording
        with self._sim.frozen():
            self._recording = self._record()
            self.do(steps)
            self._trace.events.append(("probe", self._state()))
        self._recording = outside
        after = {**self._state(), "unused": before["unused"]}  # what only a probe used counts as used
        assert after == before, "a probe changed the state"

    def _save(self) -> None:
        self._saves.append(self._folder / f"{self._backend}-{len(self._saves)}.h5")
        self._sim.save(self._saves[-1])

    def _load(self, step: Load) -> None:
        if not self._saves:
            return
        path = self._saves[step.slot % len(self._saves)]
        self._continued |= step.into != "here"
        if step.into == "here" or self._backend == "reference":
            self._sim.load(path)
        else:
            self._continue_in_another(path, handed_on=step.into == "reference")
        self._trace.events.append(("loaded", self._state()))

    def _continue_in_another(self, path: Path, handed_on: bool) -> None:
        if handed_on:
            between = self._simulator("reference")
            between.load(path)
            path = self._folder / f"{self._backend}-handed-on.h5"
            between.save(path)
            _close(between)
        _close(self._sim)
        self._sim = self._simulator(self._backend)
        self._sim.load(path)
        self._recording = self._record()

    def _state(self) -> dict[str, Any]:
        sim = self._sim
        return {
            "rounds": sim.rounds,
            "locks": sim.locks,
            "modulators": [sim.modulator(name) for name in self._brain.modulators],
            "schedule": str(sim.schedule()),
            "unused": sim.unused(),
            **{name: sim.assembly(name).neurons.tolist() for name in self._brain.areas},
            **{f"thresholds of {name}": self._thresholds(name) for name in self._brain.areas},
            **{f"drives of {name}": sim.drive(name).tolist() for name in self._brain.areas},
            **{fiber.name: [column.tolist() for column in sim.connectome(fiber).learned()] for fiber in self._fibers},
        }

    def _thresholds(self, area: str) -> list[list[float]]:
        values = self._sim.thresholds(area)
        neurons = np.flatnonzero(values)
        return [neurons.tolist(), values[neurons].tolist()]

    def finished(self) -> Trace:
        """Return the trace and close the simulator."""
        self._trace.end = self._state()
        if not self._continued:  # a simulator counts the events of its own rounds
            self._trace.end["events"] = self._sim.events()
        for number, fiber in enumerate(self._fibers):
            source = self._play.sizes[self._play.links[number].source]
            rows = [self._sim.connectome(fiber).row(i).tolist() for i in {0, source.n // 2, source.n - 1}]
            self._trace.end[f"rows of {fiber.name}"] = rows
            learned = len(self._trace.end[fiber.name][0])
            weights = self._trace.end[fiber.name][2]
            self._trace.facts["learned"] += learned
            self._trace.facts["learned below the weight of the fiber"] += any(w < fiber.weight for w in weights)
            self._trace.facts["negative weights"] += any(w < 0 for w in weights)
            self._trace.facts["learned over several tiles"] += learned * (fiber.target.n > 16_384)
        for number, size in enumerate(self._play.sizes):
            self._trace.facts["refracted"] += bool(size.refraction and self._trace.end[f"thresholds of A{number}"][0])
        _close(self._sim)
        return self._trace


def _close(sim: Simulator) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusedWarning)
        sim.close()
