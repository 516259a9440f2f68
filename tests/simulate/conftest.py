"""Fixtures of the tests of the simulator."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["reference", "cpu", "gpu"])
def backend(request: pytest.FixtureRequest) -> str:
    """Return each backend in turn, with the gpu on an emulated device.  A test that parametrizes it overrides it."""
    if request.param == "gpu":
        request.getfixturevalue("emulated_gpu")
    return str(request.param)
