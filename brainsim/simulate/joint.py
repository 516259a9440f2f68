"""Simulators of one brain under many seeds whose rounds one backend carries out together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from brainsim.build import build
from brainsim.declare.brain import Brain
from brainsim.kernels.joint import Joint
from brainsim.kernels.program import Options
from brainsim.simulate import backends
from brainsim.simulate.engine import named_errors
from brainsim.simulate.simulator import Simulator


class JointSimulators(NamedTuple):
    """Some simulators, what joins them, and what closes them."""

    joint: Joint
    simulators: list[Simulator]
    opened: ExitStack


def joint_simulators(brain: Brain, seeds: Sequence[int], options: Mapping[str, Any]) -> JointSimulators:
    """Build simulators that share the launches of a GPU; ``options`` are those of each."""
    programs = [build(brain, seed) for seed in seeds]
    with named_errors():
        joint = Joint(programs, Options(), backends.class_of(options["backend"]))
    views = iter(joint.views)
    with ExitStack() as opening, backends.built_by(lambda _program: next(views)):
        simulators = [opening.enter_context(Simulator(brain, seed, **options)) for seed in seeds]
        return JointSimulators(joint, simulators, opening.pop_all())
