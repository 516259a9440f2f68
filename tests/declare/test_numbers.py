"""Numbers that users give: other values, and numbers that are too large, are refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from brainsim import STDP, Area, Brain, Modulator, Topographic, Trace
from brainsim.errors import DeclarationError


@pytest.mark.parametrize("value", [True, np.True_, "1", b"1", object(), 1j, [1.0], float("nan"), 10**400])
def test_values_that_are_no_numbers_are_refused_by_name(value: Any) -> None:
    brain = Brain()
    area = brain.add(Area("A", 50, 5))
    for make, where in (
        (lambda: Modulator("m", baseline=value), r"Modulator 'm'\.baseline"),
        (lambda: Trace(3, value), r"Trace\.decay"),
        (lambda: STDP(value, 1, 9), r"STDP\.ltp"),
        (lambda: Topographic(0.5, value), r"Topographic\.width"),
        (lambda: brain.connect(area, area, 0.1, weight=value), r"Fiber 'A->A'\.weight"),
        (lambda: brain.connect(area, area, value), r"Fiber 'A->A'\.p"),
    ):
        with pytest.raises(DeclarationError, match=rf"{where}: must be a number between "):
            make()
    assert not len(brain.fibers)
