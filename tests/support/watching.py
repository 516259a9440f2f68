"""Runs a `varied.Varied` brain on a backend and records its whole state after every round, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from brainsim.kernels.backend import Backend
from brainsim.kernels.program import Options
from brainsim.kernels.reference import ReferenceBackend
from brainsim.kernels.state import KINDS
from driving import Driven
from varied import SMALL, Round, Varied, varied

Seen = dict[str, Any]


def begun(backend_class: type[Backend], case: Varied, options: Options) -> Driven:
    """Return a backend with the stored graphs of a scenario."""
    backend = Driven(backend_class(case.program, options))
    for fiber, synapses in case.synapses.items():
        backend.set_learned(fiber, synapses)
    return backend


def seen_at_last(backend_class: type[Backend], case: Varied, options: Options) -> Seen:
    """Run a scenario without reading anything before its end, and return the state."""
    backend = begun(backend_class, case, options)
    for each in case.rounds:
        run_round(backend, each, range(len(case.program.areas)))
        for fiber, rate in each.reinforced:
            backend.reinforce(fiber, rate)
    seen = state(backend)
    backend.close()
    return seen


def watched(backend_class: type[Backend], case: Varied, options: Options) -> Seen:
    """Run a scenario and return the states after all rounds, as plain lists in the order of the rounds."""
    backend = begun(backend_class, case, options)
    seen: Seen = {}
    for number, each in enumerate(case.rounds):
        run_round(backend, each, range(len(case.program.areas)))
        seen |= {f"round {number}: {name}": value for name, value in state(backend).items()}
        for fiber, rate in each.reinforced:
            backend.reinforce(fiber, rate)
        if each.reinforced:
            seen |= {f"reinforced after {number}: {name}": value for name, value in state(backend).items()}
    backend.close()
    return seen


def run_round(backend: Driven, each: Round, areas: range) -> None:
    """Set the stimuli and thresholds of a round, and run it."""
    for area, neurons in each.stimuli.items():
        backend.set_winners(area, neurons)
    for area, thresholds in each.thresholds.items():
        backend.set_thresholds(area, thresholds)
    backend.round(each.opened, each.held, learn=each.learn, learning=each.learning, record=areas, drives=areas[1:])


def state(backend: Driven) -> Seen:
    """Return every kind of state of every owner, the recordings, and the transmissions."""
    program: Any = backend.backend.program
    seen: Seen = {"stable": backend.stable()}
    for kind in KINDS:
        for name, owner in kind.named(program).items():
            seen[f"{kind.name} of {name}"] = [column.tolist() for column in backend.backend.read(kind, owner)]
    for f, fiber in enumerate(program.fibers):
        seen[f"transmissions of {fiber.name}"] = backend.backend.transmissions(f).tolist()
    seen["recorded"] = _plain(backend.recorded())
    seen["recorded drives"] = _plain(backend.recorded_drives())
    return seen


def _plain(recorded: list[Mapping[int, Any]]) -> list[dict[int, list[int]]]:
    return [{area: values.tolist() for area, values in each.items()} for each in recorded]


def difference(ours: Seen, theirs: Seen) -> str:
    """Return the first difference between two brains, "" if there is none."""
    for name in theirs:
        if ours.get(name) != theirs[name]:
            return f"{name}: {_shortened(ours.get(name))} is not {_shortened(theirs[name])}"
    return "" if ours.keys() == theirs.keys() else "other names"


def against_the_reference(backend_class: type[Backend], kind: str, number: int) -> str:
    """Return the first difference between a backend and the reference in a small scenario, "" if there is none."""
    case = varied(kind, number, SMALL)
    return difference(watched(backend_class, case, Options()), watched(ReferenceBackend, case, Options()))


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 400 else f"{text[:400]}..."
