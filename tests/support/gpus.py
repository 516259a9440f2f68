"""Shared parts of tests of the gpu backend: devices that can be inspected, small brains, and failures."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np

from brainsim import Area, Assembly, Brain, Hebbian
from brainsim.kernels.gpu.backend import GpuBackend
from brainsim.kernels.law.weights import ONE
from brainsim.kernels.program import Options, Program
from brainsim.kernels.reference import ReferenceBackend
from brainsim.kernels.state import Thresholds
from driving import Driven
from emulator.device import EmulatedDevice, emulated


def one_device(**options: Any) -> tuple[type[GpuBackend], EmulatedDevice]:
    """Return a backend that is always built on one device, and the device."""
    device = EmulatedDevice(**options)
    return type("OnOneDevice", (GpuBackend,), {"device": staticmethod(lambda place: device)}), device


def driven(program: Program, **options: Any) -> tuple[Driven, EmulatedDevice]:
    """Return a backend for a program, and its device."""
    backend_class, device = one_device(**options)
    return Driven(backend_class(program, Options())), device


def both(program: Program) -> list[Driven]:
    """Return the reference and a gpu for a program."""
    return [Driven(backend_class(program, Options())) for backend_class in (ReferenceBackend, emulated(seed=1))]


def run_all(backend: Driven, rounds: Sequence[Any], record: Sequence[int] = ()) -> None:
    """Run the rounds of a scenario."""
    for stimuli, opened, held, learn in rounds:
        for area, neurons in stimuli.items():
            backend.set_winners(area, neurons)
        backend.round(opened, held, learn=learn, record=record)


def state_of(backend: Driven) -> tuple[Any, Any, Any]:
    """Return winners, learned synapses and thresholds, to be compared."""
    areas, fibers = range(len(backend.program.areas)), range(len(backend.program.fibers))
    learned = [[column.tolist() for column in backend.learned(f)] for f in fibers]
    thresholds = [[column.tolist() for column in backend.thresholds(a)] for a in areas]
    return [backend.winners(a).tolist() for a in areas], learned, thresholds


def small_brain(refraction: float = 0.0) -> tuple[Brain, Assembly]:
    """Return a brain of two areas, and a stimulus for the first."""
    brain = Brain()
    stimulus, area = brain.add(Area("S", n=300, k=50), Area("A", n=2000, k=40, refraction=refraction))
    rule = Hebbian(0.2, 20)
    brain.connect(stimulus, area, p=0.1, plasticity=rule)
    brain.connect(area, area, p=0.1, plasticity=rule)
    return brain, Assembly("S", np.arange(50))


def refracting(program: Program) -> Program:
    """Return the program with areas that refract."""
    return replace(program, areas=tuple(replace(area, refraction=ONE // 8) for area in program.areas))


def every(stride: int, amount: int, n: int = 90) -> Thresholds:
    """Return thresholds for some of the first neurons of an area."""
    neurons = np.arange(0, n, stride)
    return Thresholds(neurons, np.full(len(neurons), amount))


class DriverError(RuntimeError):
    """An error that only a real device can raise."""


def fail() -> NoReturn:
    """Fail as a driver does."""
    raise DriverError


def interrupt() -> None:
    """Send the signal of Ctrl-C."""
    os.kill(os.getpid(), signal.SIGINT)
