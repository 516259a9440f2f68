"""Fixtures of the tests of the simulator."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["reference", "cpu", "gpu"])
def backend(request: pytest.FixtureRequest) -> str:
    """Every backend in turn, the gpu on an emulated device; tests that name backends themselves override it."""
    if request.param == "gpu":
        request.getfixturevalue("emulated_gpu")
    return str(request.param)
