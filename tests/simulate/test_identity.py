"""The identity of a brain in a saved state: each part of a declaration that changes results is named if it differs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainsim import (
    STDP,
    Area,
    Brain,
    Channels,
    Hebbian,
    Modulator,
    Oscillator,
    Simulator,
    SmallWorld,
    Topographic,
    Trace,
)
from brainsim.build import build
from brainsim.errors import DumpError
from brainsim.simulate.identity import declaration, difference, identity


def brain_of(
    parts: Callable[[Brain], dict[str, Any]] = lambda brain: {"p": 0.3},
    *,
    baseline: float = 0.5,
    period: int = 8,
    channels: int = 10,
) -> Brain:
    """Return a brain with every kind of part, and one fiber with the parts that a function of the brain returns."""
    brain = Brain()
    source = brain.add(Area("S", 60, 6, {"x": range(6), "y": range(6, 12)}))
    target = brain.add(Area("T", n=60, activation=Channels(channels, 2)))
    brain.add(Modulator("da", baseline), Modulator("na"), Oscillator("theta", period))
    given: dict[str, Any] = {"plasticity": Hebbian(0.1, 200, w_min=-200), **parts(brain)}
    brain.connect(source, target, **given)
    return brain


def between(here: Brain, there: Brain) -> str:
    """Return how two brains differ, after their identities were written as JSON and read."""
    one, other = (json.loads(json.dumps(identity(build(brain, 1), brain))) for brain in (here, there))
    assert difference(one, one) is None
    return str(difference(one, other))


def plain(brain: Brain) -> dict[str, Any]:
    return {"p": 0.3}


CASES: dict[str, tuple[Callable[[Brain], dict[str, Any]], Callable[[Brain], dict[str, Any]], str]] = {
    "weight": (plain, lambda b: {"p": 0.3, "weight": 2}, "base of fiber 'S->T' is 65536, here 131072"),
    "w_min": (
        plain,
        lambda b: {"p": 0.3, "plasticity": Hebbian(0.1, 200)},
        "rule of fiber 'S->T' is .*'floor': -13107200",
    ),
    "modulator": (plain, lambda b: {"p": 0.3, "modulated_by": b.modulators["da"]}, "modulated_by .* is 'none', here"),
    "modulators": (
        lambda b: {"p": 0.3, "modulated_by": b.modulators["da"]},
        lambda b: {"p": 0.3, "modulated_by": (b.modulators["da"], b.modulators["na"])},
        r"modulated_by of fiber 'S->T' is \['da'\], here \['da', 'na'\]",
    ),
    "trace": (
        lambda b: {"p": 0.3, "modulated_by": b.modulators["da"], "trace": Trace(3, 0.5)},
        lambda b: {"p": 0.3, "modulated_by": b.modulators["da"], "trace": Trace(3, 0.4)},
        r"trace of fiber 'S->T' is .*\[65536, 32768, 16384\]",
    ),
    "gate": (
        lambda b: {"p": 0.3, "gate": b["T"]},
        lambda b: {"p": 0.3, "gate": b["S"]},
        "gate of fiber 'S->T' is .*'area': 'T'.* here .*'area': 'S'",
    ),
    "assembly": (
        lambda b: {"p": 0.3, "gate": b["S"]["x"]},
        lambda b: {"p": 0.3, "gate": b["S"]["y"]},
        r"gate of fiber 'S->T' is .*\[0, 1, 2, 3, 4, 5\]",
    ),
    "transmits_when": (
        lambda b: {"p": 0.3, "transmits_when": b.modulators["theta"].encoding},  # type: ignore[attr-defined]
        lambda b: {"p": 0.3, "transmits_when": b.modulators["theta"].retrieval},  # type: ignore[attr-defined]
        r"transmits_when of fiber 'S->T' is \['theta', 0, 4\], here \['theta', 4, 8\]",
    ),
    "learns_when": (
        plain,
        lambda b: {"p": 0.3, "learns_when": b.modulators["theta"].encoding},  # type: ignore[attr-defined]
        r"learns_when of fiber 'S->T' is 'none', here \['theta', 0, 4\]",
    ),
    "depression": (
        lambda b: {"p": 0.3, "plasticity": STDP(1, 0.5, 9)},
        lambda b: {"p": 0.3, "plasticity": STDP(1, 0, 9)},
        "depression of fiber 'S->T' is .*, here 'none'",
    ),
    "width": (
        lambda b: {"graph": Topographic(0.3, 0.1)},
        lambda b: {"graph": Topographic(0.3, 0.2)},
        "graph of fiber 'S->T' is .*'width': 0.1",
    ),
    "synapses": (
        lambda b: {"graph": SmallWorld(4, 0.5, 1)},
        lambda b: {"graph": SmallWorld(4, 0.5, 2)},
        "graph of fiber 'S->T' is .*'digest'",
    ),
    "weight of given synapses": (
        lambda b: {"graph": SmallWorld(4, 0.5, 1)},
        lambda b: {"graph": SmallWorld(4, 0.5, 1), "weight": 2},
        "graph of fiber 'S->T' is .*'digest'",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_fiber_that_differs_is_named(case: str) -> None:
    saved, here, message = CASES[case]
    found = between(brain_of(saved), brain_of(here))
    assert between(brain_of(saved), brain_of(saved)) == "None"
    assert re.search(message, found), found


def test_modulators_and_channels_that_differ_are_named() -> None:
    assert "baseline of modulator 'da' is 0.5, here 0.25" in between(brain_of(), brain_of(baseline=0.25))
    assert "period of modulator 'theta' is 8, here 9" in between(brain_of(), brain_of(period=9))
    assert "k of area 'T' is 20, here 30" in between(brain_of(), brain_of(channels=15))
    more = brain_of()
    more.add(Modulator("extra"))
    assert between(brain_of(), more) == "modulator 'extra' is only in this brain"
    assert between(more, brain_of()) == "modulator 'extra' is only in the file"


def test_the_declaration_in_files_of_format_2_differs_for_each_of_these_parts() -> None:
    texts = [declaration(brain_of(parts)) for here, there, _ in CASES.values() for parts in (here, there)]
    assert sum(text == declaration(brain_of()) for text in texts) == sum(each[0] is plain for each in CASES.values())
    assert declaration(brain_of(channels=15)) != declaration(brain_of())


def test_the_identity_of_a_brain_without_these_parts_has_no_entries_for_them() -> None:
    brain = Brain()
    source, target = brain.add(Area("S", 60, 6), Area("T", 60, 6))
    brain.connect(source, target, 0.3, Hebbian(0.1))
    described = identity(build(brain, 1), brain)
    assert set(described) == {"areas", "fibers"}
    assert set(described["fibers"]["S->T"]) == {"source", "target", "graph", "rule", "base"}


@pytest.mark.filterwarnings("ignore::brainsim.UnusedWarning")
def test_a_state_is_loaded_into_the_same_brain_and_refused_by_another(tmp_path: Path) -> None:
    def modulated(brain: Brain) -> dict[str, Any]:
        theta: Any = brain.modulators["theta"]
        windows = {"transmits_when": theta.encoding, "learns_when": theta.window(1, 0)}
        return {"p": 0.3, "modulated_by": brain.modulators["da"], "trace": Trace(2, 0.5), **windows}

    with Simulator(brain_of(modulated), 3, backend="reference") as sim:
        sim.save(tmp_path / "state.h5")
    with Simulator(brain_of(modulated), 3, backend="reference") as sim:
        sim.load(tmp_path / "state.h5")
    wrong = r"is the state of another brain or seed \(learns_when of fiber 'S->T' is \['theta', 1, 0\], here 'none'\)"
    with Simulator(brain_of(plain), 3, backend="reference") as sim, pytest.raises(DumpError, match=wrong):
        sim.load(tmp_path / "state.h5")
