"""Fixtures of the tests of the gpu backend."""

from __future__ import annotations

import pytest

from brainsim.kernels.gpu import overlay
from brainsim.kernels.gpu.backend import GpuBackend
from emulator.device import EmulatedDevice


@pytest.fixture
def device(emulated_gpu: None, monkeypatch: pytest.MonkeyPatch) -> EmulatedDevice:
    """The device that `Simulator(brain, backend="gpu")` uses."""
    device = EmulatedDevice()
    monkeypatch.setattr(GpuBackend, "device", staticmethod(lambda place: device))
    return device


@pytest.fixture
def no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin with almost no memory for learned synapses, so that rounds stall."""
    monkeypatch.setattr(overlay, "first_room", lambda _memory: (1, 1))
