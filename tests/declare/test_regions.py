"""Regions: groups of areas and fibers that are added, inhibited, silenced, held and recorded together."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest

from brainsim import Area, Assembly, Brain, FiberSet, Hebbian, Oscillator, Region, Simulator
from brainsim.errors import DeclarationError, FrozenBrainError, UnknownNameError
from brainsim.simulate.dumps import read_assemblies, read_recordings, write_assemblies

RULE = Hebbian(0.2, w_max=8)


class Hippocampus(Region):
    """A region as a user writes it."""

    def __init__(self, name: str = "Hippocampus", n: int = 80) -> None:
        super().__init__(name)
        self.ec, self.ca3 = self.add(Area("EC", n, 8, {"cue": range(8)}), Area("CA3", n, 8))
        self.encode = self.connect(self.ec, self.ca3, p=0.3, plasticity=RULE)
        self.recall = self.connect("CA3", "CA3", 0.3, RULE, label="recurrent")


def brain_of() -> tuple[Brain, Hippocampus, Area]:
    """A hippocampus between an input area and an output area."""
    brain = Brain()
    cortex = brain.add(Area("Cortex", 60, 6, {"dog": range(6)}))
    memory = brain.add(Hippocampus())
    brain.connect(cortex, memory["EC"], 0.3, RULE)
    brain.connect(memory["CA3"], cortex, 0.3, RULE)
    return brain, memory, cortex


def names(fibers: Any) -> list[str]:
    return [fiber.name for fiber in fibers]


def test_names_of_areas_begin_with_the_name_of_their_region() -> None:
    region = Region("Hippocampus")
    ec = Area("EC", 50, 5, {"cue": [3, 1]})
    assert region.add(ec) is ec
    assert (ec.name, ec.region) == ("Hippocampus.EC", region)
    assert region["EC"] is ec
    assert ec["cue"] == Assembly("Hippocampus.EC", [1, 3])
    assert ec["cue"].label == "cue"
    assert repr(ec) == "Area('Hippocampus.EC', n=50, k=5, 1 patterns)"
    assert dict(region.areas) == {"EC": ec}


def test_several_areas_are_returned_in_order() -> None:
    areas = [Area(name, 10, 2) for name in "ABCD"]
    for number in (2, 3, 4):
        region, given = Region("R"), [Area(area.name, area.n, area.k) for area in areas[:number]]
        assert region.add(*given) == tuple(given)
        assert list(region.areas) == list("ABCD")[:number]


def test_a_region_is_added_with_its_areas_and_fibers() -> None:
    brain, memory, cortex = brain_of()
    assert list(brain.areas) == ["Cortex", "Hippocampus.EC", "Hippocampus.CA3"]
    assert brain["Hippocampus.CA3"] is memory["CA3"] is memory.ca3
    assert dict(brain.regions) == {"Hippocampus": memory}
    assert memory.brain is brain is memory.ca3.brain
    inner = ["Hippocampus.EC->Hippocampus.CA3", "Hippocampus.CA3->Hippocampus.CA3[recurrent]"]
    assert names(brain.fibers) == [*inner, "Cortex->Hippocampus.EC", "Hippocampus.CA3->Cortex"]
    assert names(memory.fibers) == inner
    assert memory.fibers == memory.encode | memory.recall
    assert names(memory.inputs) == ["Cortex->Hippocampus.EC"]
    assert names(memory.outputs) == ["Hippocampus.CA3->Cortex"]
    assert cortex.region is None


def test_fibers_declared_later_between_areas_of_a_region_belong_to_it() -> None:
    brain, memory, _ = brain_of()
    one = brain.connect(memory.ca3, memory.ec, 0.1)
    two = memory.connect("CA3", "EC", p=0.1, label="second")
    assert one in memory.fibers
    assert two in memory.fibers
    assert memory.ca3 >> memory.ec == one | two


def test_a_region_outside_a_brain_selects_its_own_fibers() -> None:
    memory = Hippocampus()
    assert memory.brain is None
    assert memory.ec >> memory.ca3 == FiberSet([memory.encode])
    assert memory.fibers == memory.encode | memory.recall
    assert len(memory.inputs) == len(memory.outputs) == 0
    with pytest.raises(
        UnknownNameError, match=r"Region 'Hippocampus': unknown fiber 'Hippocampus\.CA3->Hippocampus\.EC'"
    ):
        memory.ca3 >> memory.ec
    with pytest.raises(UnknownNameError, match="are the fibers both ways, but there is no fiber"):
        memory.ca3 & memory.ec
    assert memory.ca3 & memory.ca3 == FiberSet([memory.recall])


def test_same_names_and_seed_give_the_same_results_with_and_without_a_region() -> None:
    plain, k = Brain(), 8
    cortex, ec, ca3 = plain.add(
        Area("Cortex", 60, 6, {"dog": range(6)}),
        Area("Hippocampus.EC", 80, k, {"cue": range(8)}),
        Area("Hippocampus.CA3", 80, k),
    )
    plain.connect(ec, ca3, 0.3, RULE)
    plain.connect(ca3, ca3, 0.3, RULE, label="recurrent")
    plain.connect(cortex, ec, 0.3, RULE)
    plain.connect(ca3, cortex, 0.3, RULE)
    fired = []
    for brain in (plain, brain_of()[0]):
        with Simulator(brain, 4, backend="reference") as sim:
            sim.present(brain["Cortex"]["dog"])
            sim.run(brain.fibers, 5)
            fired.append([sim.assembly(area).neurons.tolist() for area in brain.areas])
    assert fired[0] == fired[1]


@pytest.fixture
def world() -> Any:
    brain, memory, cortex = brain_of()
    with Simulator(brain, 2, backend="reference") as sim:
        sim.present(cortex["dog"])
        sim.run(brain.fibers, 4)
        yield sim, memory


@pytest.mark.parametrize("named", [False, True], ids=["region", "name"])
def test_inhibiting_a_region_inhibits_all_its_areas(world: Any, named: bool) -> None:
    sim, memory = world
    region = memory.name if named else memory
    every = names(sim.brain.fibers)
    sim.inhibit(region, lock="sleep")
    assert sim.locks == {"Hippocampus.EC": ("sleep",), "Hippocampus.CA3": ("sleep",)}
    assert names(sim.transmitting(sim.brain.fibers)) == []
    sim.disinhibit(region, lock="sleep")
    assert names(sim.transmitting(sim.brain.fibers)) == every
    sim.inhibit(memory.fibers | memory.outputs)
    assert names(sim.transmitting(sim.brain.fibers)) == ["Cortex->Hippocampus.EC"]


@pytest.mark.parametrize("named", [False, True], ids=["region", "name"])
def test_holding_silencing_and_recording_a_region_act_on_all_its_areas(world: Any, named: bool) -> None:
    sim, memory = world
    region, parts = memory.name if named else memory, ("Hippocampus.EC", "Hippocampus.CA3")
    before = [sim.assembly(part) for part in parts]
    sim.hold(region)
    assert sim.held == ("Cortex", *parts)
    recording = sim.record(region, "Cortex", memory["CA3"])
    assert [area.name for area in recording.areas] == [*parts, "Cortex"]
    sim.run(sim.brain.fibers, 2)
    assert [sim.assembly(part) for part in parts] == before
    assert len(recording) == 2
    assert recording.winners("Hippocampus.CA3")[1].tolist() == list(before[1])
    sim.release(region)
    assert sim.held == ("Cortex",)
    sim.silence(region)
    assert [sim.fires(part) for part in ("Cortex", *parts)] == [True, False, False]


def test_a_recording_of_a_region_is_written_and_read(world: Any, tmp_path: Path) -> None:
    sim, memory = world
    recording = sim.record(memory)
    sim.project({"Hippocampus.EC": ["Hippocampus.CA3"]}, 2)
    fired = sim.assembly("Hippocampus.CA3", "now")
    write_assemblies(tmp_path / "dump.h5", [fired, memory.ec["cue"]], {"run": recording})
    assert read_assemblies(tmp_path / "dump.h5")["Hippocampus.CA3"]["now"] == fired
    again = read_recordings(tmp_path / "dump.h5")["run"]
    assert again.winners("Hippocampus.CA3")[-1].tolist() == list(fired)


def test_a_region_is_refused_where_one_area_is_needed(world: Any) -> None:
    sim, memory = world
    for action in (sim.assembly, sim.drives, sim.fires):
        with pytest.raises(
            DeclarationError, match=r"must be given one area \(got region 'Hippocampus'\); name one of its"
        ):
            action(memory)
        with pytest.raises(
            UnknownNameError, match=r"'Hippocampus' is a region.*brain\.regions\['Hippocampus'\] returns"
        ):
            action("Hippocampus")


def test_a_region_of_another_brain_is_refused(world: Any) -> None:
    sim, _ = world
    with pytest.raises(DeclarationError, match="Region 'Hippocampus' belongs to another brain"):
        sim.silence(brain_of()[1])
    with pytest.raises(DeclarationError, match="Region 'Hippocampus' belongs to no brain yet"):
        sim.inhibit(Hippocampus())


def test_regions_and_brains_of_regions_are_compared_copied_and_pickled() -> None:
    brain, memory, _ = brain_of()
    assert (brain, memory) == brain_of()[:2]
    assert hash(memory) == hash(Hippocampus())
    assert memory != Hippocampus(n=90)
    assert Hippocampus() != Hippocampus("Other")
    assert memory != "Hippocampus"
    for again in (pickle.loads(pickle.dumps(brain)), copy.deepcopy(brain)):
        assert again == brain
        region = again.regions["Hippocampus"]
        assert region.encode in again.fibers
        assert region["CA3"] is again["Hippocampus.CA3"] is region.ca3
        assert region.brain is again
        with Simulator(again, 2, backend="reference") as sim:
            sim.present(again["Cortex"]["dog"])
            sim.run(again.fibers, 2)


def test_the_repr_of_a_region_lists_its_parts() -> None:
    brain, memory, _ = brain_of()
    lines = repr(memory).splitlines()
    assert lines[0] == "Hippocampus 'Hippocampus': 2 areas, 2 fibers"
    assert lines[1] == "  Area('Hippocampus.EC', n=80, k=8, 1 patterns)"
    assert len(lines) == 5
    assert repr(brain).splitlines()[0] == "Brain: 3 areas, 4 fibers, 1 region"
    region = Region("R")
    region.add(Area("A", 5, 1))
    assert repr(region) == "Region 'R': 1 area, 0 fibers\n  Area('R.A', n=5, k=1)"


@pytest.mark.parametrize(
    ("name", "message"),
    [("", "printable text"), (3, "printable text"), ("a->b", "not contain"), ("A.B", "a name without '.'")],
)
def test_the_name_of_a_region_is_checked(name: Any, message: str) -> None:
    with pytest.raises(DeclarationError, match=rf"Region\.name: must .*{message}"):
        Region(name)


def _of_region() -> Area:
    return Region("Other").add(Area("X", 5, 1))


def _of_brain() -> Area:
    return Brain().add(Area("X", 5, 1))


BAD_AREAS: dict[str, tuple[Any, str]] = {
    "nothing": (list, r"Region 'R'\.add: needs at least one area"),
    "no area": (lambda: ["X"], r"Region 'R'\.add: must be given Area objects \(got 'X'\)"),
    "region": (lambda: [Hippocampus()], "got region 'Hippocampus'.; regions do not nest: add both to the brain"),
    "twice": (lambda: [Area("X", 5, 1), Area("X", 5, 1)], "Region 'R': has two areas 'X'"),
    "taken": (lambda: [Area("A", 5, 1)], "Region 'R': has two areas 'A'"),
    "of a region": (lambda: [_of_region()], r"Area 'Other\.X' already belongs to region 'Other'"),
    "of a brain": (lambda: [_of_brain()], "Area 'X' already belongs to a brain"),
}


@pytest.mark.parametrize("mistake", BAD_AREAS)
def test_invalid_areas_are_refused_and_none_is_added(mistake: str) -> None:
    region, good = Region("R"), Area("Good", 5, 1)
    region.add(Area("A", 5, 1))
    given, message = BAD_AREAS[mistake]
    areas = given()
    with pytest.raises(DeclarationError, match=message):
        region.add(*([good, *areas] if areas else []))
    assert list(region.areas) == ["A"]
    assert (good.name, good.region) == ("Good", None)


def test_invalid_fibers_are_refused_when_they_are_declared() -> None:
    memory, outside = Hippocampus(), Area("Outside", 5, 1)
    mistakes: list[tuple[tuple[Any, ...], dict[str, Any], type[Exception], str]] = [
        ((memory.ec, outside, 0.1), {}, DeclarationError, "Area 'Outside' is not an area of region 'Hippocampus'"),
        ((memory.ec, "CA4", 0.1), {}, UnknownNameError, "Region 'Hippocampus': unknown area 'CA4'; did you mean 'CA3'"),
        ((memory.ec, 3, 0.1), {}, DeclarationError, r"must be given an Area or its name \(got 3\)"),
        ((memory.ec, memory.ca3), {}, DeclarationError, "give either p or graph"),
        ((memory.ec, memory.ca3, 1.5), {"label": "x"}, DeclarationError, r"\.p: must be a number between 0 and 1"),
        ((memory.ec, memory.ca3, 0.1), {}, DeclarationError, "exists already; give the second one a label"),
        ((memory.ec, memory.ca3, 0.1, "x"), {"label": "x"}, DeclarationError, "must be a Plasticity rule"),
        ((memory.ec, memory.ca3, 0.1), {"labl": "x"}, TypeError, "labl"),
    ]
    for arguments, keywords, kind, message in mistakes:
        with pytest.raises(kind, match=message):
            memory.connect(*arguments, **keywords)
    assert memory.fibers == memory.encode | memory.recall


def test_connecting_an_area_of_a_region_that_was_not_added_asks_for_the_region() -> None:
    brain, memory = Brain(), Hippocampus()
    cortex = brain.add(Area("Cortex", 5, 1))
    with pytest.raises(DeclarationError, match=r"belongs to no brain yet; add region 'Hippocampus' with brain\.add"):
        brain.connect(cortex, memory.ec, p=0.1)


def test_parts_that_a_brain_refuses_leave_it_unchanged() -> None:
    brain, memory, _ = brain_of()
    before, good = repr(brain), Area("Good", 5, 1)
    other = Hippocampus("Other")
    mistakes: list[tuple[list[Any], str]] = [
        ([memory], "Region 'Hippocampus' already belongs to this brain"),
        ([brain_of()[1]], "Region 'Hippocampus' already belongs to another brain"),
        ([Hippocampus()], r"Region\.name: must be unique in the brain \(got 'Hippocampus' twice\)"),
        ([Hippocampus("Cortex")], r"Region\.name: must be unique in the brain \(got 'Cortex' twice\)"),
        ([Area("Hippocampus", 5, 1)], r"Area\.name: must be unique in the brain \(got 'Hippocampus' twice\)"),
        ([Area("Hippocampus.EC", 5, 1)], r"Area\.name: must be unique in the brain \(got 'Hippocampus.EC' twice\)"),
        (
            [Area("Hippocampus.CA1", 5, 1)],
            r"must not begin like the areas of region 'Hippocampus' \(got 'Hippocampus\.CA1",
        ),
        ([other, Area("Other.x", 5, 1)], "must not begin like the areas of region 'Other'"),
        ([Area("Other.x", 5, 1), other], "must not begin like the areas of region 'Other'"),
        ([other["EC"]], r"Area 'Other\.EC' is part of region 'Other'; add the region instead"),
        ([Region("Empty")], r"Region 'Empty': must have an area before it is added to a brain \(got none\)"),
        ([other, other], "must be unique in the brain"),
        (["Other"], r"must be given Area objects, modulators or regions \(got 'Other'\)"),
    ]
    for parts, message in mistakes:
        with pytest.raises(DeclarationError, match=message):
            brain.add(good, *parts)
        assert repr(brain) == before
        assert good.brain is None
        assert other.brain is None
    assert brain.add(good, other) == (good, other)
    with pytest.raises(DeclarationError, match="belongs to no brain yet"):
        good2 = Area("Good2", 5, 1)
        brain.connect(good2, good, 0.1)


def modulated(theta: Oscillator, gate: Any = None) -> Region:
    region = Region("Memory")
    ec, ca3 = region.add(Area("EC", 60, 6, {"cue": range(6)}), Area("CA3", 60, 6))
    region.connect(ec, ca3, p=0.3, plasticity=RULE, transmits_when=theta.retrieval, learns_when=theta.encoding)
    region.connect(ca3, ca3, p=0.3, plasticity=RULE, modulated_by=theta, gate=ec["cue"] if gate is None else gate)
    return region


def test_fibers_of_a_region_may_name_modulators_added_before_or_with_it() -> None:
    for together in (False, True):
        brain, theta = Brain(), Oscillator("theta", period=4)
        region = modulated(theta)
        if together:
            assert brain.add(region, theta) == (region, theta)
        else:
            brain.add(theta)
            brain.add(region)
        assert [fiber.modulated_by for fiber in region.fibers] == [(), (theta,)]
        assert "gate=Memory.EC['cue']" in repr(region)
        assert pickle.loads(pickle.dumps(brain)) == brain


def test_a_region_that_names_parts_of_another_brain_is_not_added() -> None:
    theta, foreign = Oscillator("theta", period=4), Brain().add(Area("Gate", 60, 6))
    for add, region, message in [
        (
            [],
            modulated(theta),
            r"Fiber 'Memory\.EC->Memory\.CA3'\.transmits_when: Oscillator 'theta' belongs to no brain",
        ),
        (
            [theta],
            modulated(theta, foreign),
            r"Fiber 'Memory\.CA3->Memory\.CA3'\.gate: Area 'Gate' belongs to another",
        ),
        ([theta], modulated(theta, Assembly("EC", [1])), "unknown area 'EC'; did you mean 'Memory.EC'"),
    ]:
        brain = Brain()
        with pytest.raises(DeclarationError, match=message):
            brain.add(*add, region)
        assert brain == Brain()
        assert (theta.brain, region.brain, region["EC"].brain) == (None, None, None)


def test_an_area_whose_region_is_left_out_is_suggested() -> None:
    brain = Brain()
    brain.add(Hippocampus("Left"), Hippocampus("Right"))
    with pytest.raises(UnknownNameError, match=r"unknown area 'CA3'; did you mean 'Left\.CA3' or 'Right\.CA3'\?"):
        brain["CA3"]


def test_names_of_areas_may_contain_a_dot() -> None:
    brain = Brain()
    left, right = brain.add(Area("V1.left", 5, 1), Area("V1.right", 5, 1))
    assert brain["V1.left"] is left
    assert right.region is None
    region = Region("Visual")
    region.add(Area("V2.left", 5, 1))
    brain.add(region)
    assert brain["Visual.V2.left"] is region["V2.left"]


def test_a_region_in_a_brain_accepts_fibers_but_no_areas() -> None:
    brain, memory, _ = brain_of()
    with pytest.raises(
        DeclarationError, match="Region 'Hippocampus': has been added to its brain; add areas to a region"
    ):
        memory.add(Area("CA1", 5, 1))
    with pytest.raises(UnknownNameError, match="unknown area 'CA1'"):
        memory["CA1"]
    Simulator(brain, backend="reference").close()
    with pytest.raises(FrozenBrainError):
        memory.connect("CA3", "EC", 0.1)
    with pytest.raises(FrozenBrainError):
        brain.add(Hippocampus("Other"))
    with pytest.raises(TypeError):
        iter(memory)  # type: ignore[call-overload]


def test_the_operator_and_selects_fibers_in_both_directions() -> None:
    brain, memory, cortex = brain_of()
    brain.connect(memory.ec, cortex, 0.1)
    brain.connect(memory.ec, cortex, 0.1, label="second")
    three = ["Cortex->Hippocampus.EC", "Hippocampus.EC->Cortex", "Hippocampus.EC->Cortex[second]"]
    assert names(cortex & memory.ec) == three
    assert memory.ec & cortex == cortex & memory.ec
    assert memory.ca3 & memory.ca3 == memory.ca3 >> memory.ca3
    cases = [
        (
            memory.ca3,
            cortex,
            "no fiber 'Cortex->Hippocampus.CA3'; between them are declared: 'Hippocampus.CA3->Cortex'",
        ),
        (
            cortex,
            memory.ca3,
            "no fiber 'Cortex->Hippocampus.CA3'; between them are declared: 'Hippocampus.CA3->Cortex'",
        ),
        (memory.ec, memory.ec, "no fiber 'Hippocampus.EC->Hippocampus.EC'; between them are declared: none"),
    ]
    for a, b, message in cases:
        with pytest.raises(UnknownNameError, match=message.replace(".", r"\.")):
            a & b
    lone = Area("Lone", 5, 1)
    with pytest.raises(DeclarationError, match="Area 'Lone' belongs to no brain yet"):
        lone & cortex
    with pytest.raises(DeclarationError, match="Area 'Lone' belongs to no brain yet"):
        cortex & lone
    brain.add(lone)
    with pytest.raises(UnknownNameError, match="no fiber 'Lone->Cortex' and no fiber 'Cortex->Lone'"):
        lone & cortex
    with pytest.raises(TypeError):
        lone & (memory.ec >> cortex)
