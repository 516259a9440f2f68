"""Each public callable refuses nonsense by name; Python itself refuses a wrong number of arguments."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest

import nonsense
from nonsense import FEW, MEANINGLESS, NONSENSE, Target, World, call, outcome, targets

_EXTENSION = "a hook: brainsim calls it with values that it has checked"
_FORMULA = "the formula of a rule; update and depressed check what they are given"
_RESULT = "a result, which brainsim makes; it holds what it is given"

EXEMPT = {
    r"BrainsimError": "an error holds whatever value was wrong",
    r"(History|Connectome|Edges|Schedule)": "brainsim makes it; sim.record, sim.connectome and others do the checks",
    r"(History|Recording)\.append": "the simulator calls it in every round",
    r"\w+\.(check|checked|law|pairs|synapses)": _EXTENSION,
    r"\w+\.(step|depress)": _FORMULA,
    r"Relax\.part": _EXTENSION,
    r"Part\.compute": "the run calls it, with what the function of the part is given",
    r"\w+\.value_after": "the simulator calls it in every round, on integers",
    r"(nemo\.(Heard|Scores)|operations\.(ReadOut|Separation|Recall|Replay|Routed|Choice|Feeling))": _RESULT,
    r"operations\.(Chooser|EpisodicMemory|Feeler)": "a protocol for regions; it has no instances",
    r"cascade\.(Counts|Felt|Part|Reply)": _RESULT,
    r"cascade\.WordGraph\.\w+": _EXTENSION,
    r"cascade\.(begin|resume)_training": "needs PyTorch; test_cascade_training.py gives it nonsense",
    r"language\.(Dependency|Parsed|Understood)": _RESULT,
    r"studies\.Sweep(\.\w+)?": _RESULT,
    r"Random": "checked by the fiber, which the message names",
}
"""Names that may accept nonsense, and the reason for each."""

CHECKED = [t for t in targets() if t.replaceable and not any(re.fullmatch(each, t.name) for each in EXEMPT)]


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> World:
    return nonsense.with_files(tmp_path_factory.mktemp("world"))


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ignore warnings about accepted nonsense; work in a new folder, since some text is taken for a file name."""
    warnings.simplefilter("ignore")
    monkeypatch.chdir(tmp_path)


def refuses(target: Target, given: World, names: tuple[str, ...]) -> None:
    """Fail if nonsense for an argument raises another error than BrainsimError, or is accepted without a meaning."""
    given.fire()
    call(target, given)
    wrong = []
    for parameter in target.replaceable:
        for name in names:
            found = outcome(target, given, parameter.name, NONSENSE[name]())
            if found == "accepted":
                given.fire()
            if found not in ("refused", "accepted") or (found == "accepted" and name in MEANINGLESS):
                wrong.append(f"{parameter.name} = {name}: {found}")
    assert not wrong


@pytest.mark.parametrize("target", CHECKED, ids=lambda target: target.name)
def test_nonsense_is_refused_by_name(target: Target, given: World) -> None:
    refuses(target, given, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("target", CHECKED, ids=lambda target: target.name)
def test_any_nonsense_is_refused_by_name(target: Target, given: World) -> None:
    refuses(target, given, tuple(NONSENSE))


def test_all_public_callables_are_found() -> None:
    """Introspection makes the list, so that new callables are tested."""
    found = {target.name for target in CHECKED}
    assert {
        "Area",
        "Simulator.run",
        "operations.project",
        "plots.raster",
        "nemo.WordLearner.test",
        "Brain.connect",
    } <= found
    assert len(found) > 130
    unused = {each for each in EXEMPT if not any(re.fullmatch(each, target.name) for target in targets())}
    assert not unused
