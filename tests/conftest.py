"""Settings that must be made before Numba is imported, and shared fixtures."""

from __future__ import annotations

import os

os.environ.setdefault("MPLBACKEND", "Agg")

from importlib.util import find_spec
from pathlib import Path

import pytest

from brainsim.kernels.gpu import cuda_device
from brainsim.kernels.gpu.backend import GpuBackend
from checkout import SHARED_DATA


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests of networks where PyTorch is not installed."""
    if item.get_closest_marker("torch") and not (find_spec("torch") and find_spec("safetensors")):
        pytest.skip("PyTorch is not installed: pip install 'brainsim[torch]'")


@pytest.fixture
def emulated_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``backend="gpu"`` run here, on an emulated device."""
    from emulator.device import EmulatedDevice

    monkeypatch.setattr(cuda_device, "why_not", lambda: None)
    monkeypatch.setattr(cuda_device, "versions", lambda: {"device": "emulated device"})
    monkeypatch.setattr(GpuBackend, "device", staticmethod(EmulatedDevice))


@pytest.fixture
def real_data() -> Path:
    """The folder of real data; tests that need it are skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real data are in ../shared/data, which is absent")
    return SHARED_DATA
