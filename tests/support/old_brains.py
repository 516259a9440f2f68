"""The brains of states that were saved in earlier formats; the files are in tests/simulate/data."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array

from brainsim import Area, Brain, Explicit, Hebbian, Modulator, SaturatingHebbian, Threshold, Trace


def of_format_2() -> Brain:
    """The brain of format 2, and of format 1."""
    brain = Brain()
    s, a, t = brain.add(
        Area("S", 300, 30, patterns={"x": range(30)}), Area("A", 400, 20, refraction=0.1), Area("T", 350, 15)
    )
    brain.connect(s, a, p=0.2, plasticity=Hebbian(beta=0.1, w_max=20.0))
    brain.connect(a, a, p=0.2, plasticity=SaturatingHebbian(beta=0.3))
    brain.connect(a, t, p=0.3)
    brain.connect(s, t, p=0.1, plasticity=Hebbian(beta=0.0))
    return brain


def of_format_3() -> Brain:
    """The brain of format 3."""
    brain = Brain()
    s, a, t, u = brain.add(
        Area("S", 120, 20, patterns={"x": range(20)}),
        Area("A", 200, 12, refraction=0.1),
        Area("T", 150, 10),
        Area("U", 40, 8, activation=Threshold(1.5)),
    )
    brain.connect(s, a, p=0.2, plasticity=Hebbian(beta=0.1, w_max=20.0))
    brain.connect(a, a, p=0.2, plasticity=SaturatingHebbian(beta=0.3))
    brain.connect(a, t, p=0.3)
    given = coo_array((1 + np.arange(150) % 3, (np.arange(150), np.arange(150) % 40)), shape=(150, 40))
    brain.connect(t, u, graph=Explicit(given), plasticity=Hebbian(beta=0.5, w_max=4.0))
    return brain


def of_format_4() -> Brain:
    """The brain of format 4, which has state of every kind."""
    brain = Brain()
    s, a, t, u = brain.add(
        Area("S", 120, 20, patterns={"x": range(20), "y": range(20, 40)}),
        Area("A", 200, 12, refraction=0.1),
        Area("T", 150, 10),
        Area("U", 40, 8, activation=Threshold(1.5)),
    )
    dopamine = brain.add(Modulator("dopamine", baseline=0.5, decay=0.5))
    brain.connect(s, a, p=0.2, plasticity=Hebbian(beta=0.1, w_max=20.0), modulated_by=dopamine)
    brain.connect(a, a, p=0.2, plasticity=SaturatingHebbian(beta=0.3))
    brain.connect(a, t, p=0.3, plasticity=Hebbian(beta=0.5, w_max=4.0), modulated_by=dopamine, trace=Trace(3, 0.8))
    brain.connect(t, u, p=0.4, weight=2.0)
    return brain
