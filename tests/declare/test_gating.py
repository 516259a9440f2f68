"""Channels and gates: declarations of areas and fibers, and the programs that backends receive."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from brainsim import Area, Assembly, Brain, Channels, Hebbian, Region
from brainsim.build import build
from brainsim.errors import DeclarationError
from brainsim.kernels import parts


def gated_brain() -> Brain:
    brain = Brain()
    brain.add(
        Area("Items", n=200, k=20),
        Area("Work", n=300, k=20),
        Area("Thalamus", n=100, activation=Channels(size=10, c=2)),
        Area("Mood", n=50, k=5, patterns={"ask": range(5)}),
    )
    return brain


def odd_brain() -> Brain:
    brain = gated_brain()
    brain.add(Area("Odd", n=205, k=20))
    return brain


class TestChannels:
    def test_k_follows_from_the_channels(self) -> None:
        area = Area("T", n=1000, activation=Channels(10, 4))
        assert (area.k, area) == (40, Area("T", 1000, 40, activation=Channels(10, 4)))
        assert repr(area) == "Area('T', n=1_000, k=40, activation=Channels(size=10, c=4))"
        brain = Brain()
        brain.add(area)
        assert build(brain, 1).areas[0].activation == parts.Channels(10)

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (
                lambda: Area("T", 1000, 50, activation=Channels(10, 4)),
                "Area 'T'.k: must be 40 as in Channels(size=10, c=4) (got 50); leave k out",
            ),
            (
                lambda: Area("T", 1005, activation=Channels(10, 4)),
                "Area 'T'.activation: Channels.size: must be a divisor of n = 1005 (got 10); "
                "change n or the size of the channels",
            ),
            (
                lambda: Area("T", 100, activation=Channels(10, 11)),
                "Area 'T'.activation: Channels.c: must be at most n / size = 10 (got 11); lower c or raise n",
            ),
            (lambda: Channels(0, 4), "Channels.size: must be an integer between 1 and 2147483647 (got 0)"),
            (lambda: Channels(10, 0.5), "Channels.c: must be an integer between 1 and 2147483647 (got 0.5)"),
            (
                lambda: Area("T", 1000),
                "Area 'T'.k: must be between 1 and n = 1000 (got None); give the number of winners",
            ),
        ],
    )
    def test_mistakes_are_named(self, make: Any, message: str) -> None:
        with pytest.raises(DeclarationError) as caught:
            make()
        assert str(caught.value) == message


class TestGates:
    def test_an_area_gates_by_its_channels(self) -> None:
        brain = gated_brain()
        fiber = brain.connect(brain["Items"], brain["Work"], 0.2, Hebbian(0.1), gate=brain["Thalamus"])
        assert repr(fiber) == "<Fiber Items->Work p=0.2 Hebbian(beta=0.1, w_max=32767.0) gate=Thalamus>"
        assert build(brain, 1).fibers[0].gate == parts.ChannelGate(area=2, size=10, width=20)

    def test_an_area_without_channels_gates_by_its_neurons(self) -> None:
        brain = gated_brain()
        brain.connect(brain["Items"], brain["Work"], 0.2, gate=brain["Mood"])
        brain.connect(brain["Work"], brain["Work"], 0.2, gate=brain["Mood"])
        assert [fiber.gate for fiber in build(brain, 1).fibers] == [
            parts.ChannelGate(area=3, size=1, width=4),
            parts.ChannelGate(area=3, size=1, width=6),
        ]

    def test_an_assembly_gates_the_whole_fiber(self) -> None:
        brain = gated_brain()
        fiber = brain.connect(brain["Items"], brain["Work"], 0.2, gate=brain["Mood"]["ask"])
        other = brain.connect(brain["Work"], brain["Items"], 0.2, gate=Assembly("Mood", [7, 9]))
        assert [repr(each).split(" ", 4)[-1] for each in (fiber, other)] == [
            "gate=Mood['ask']>",
            "gate=2 neurons of Mood>",
        ]
        gates = [each.gate for each in build(brain, 1).fibers]
        assert gates == [parts.AssemblyGate(3, (0, 1, 2, 3, 4)), parts.AssemblyGate(3, (7, 9))]

    def test_a_fiber_without_a_gate_has_none(self) -> None:
        brain = gated_brain()
        assert "gate" not in repr(brain.connect(brain["Items"], brain["Work"], 0.2))
        assert build(brain, 1).fibers[0].gate is None

    @pytest.mark.parametrize(
        ("gate", "message"),
        [
            (
                lambda brain: brain["Thalamus"],
                r"the 10 channels of area 'Thalamus' must divide n = 205 of the source 'Odd'; change one, or gate by",
            ),
            (lambda brain: brain["Mood"], "the 50 channels of area 'Mood' must divide n = 205 of the source 'Odd'"),
            (
                lambda brain: "Mood",
                r'must be an Area of the brain, such as thalamus\["Relay"\], or an assembly, such as area\["pattern"\] \(got ',
            ),
            (lambda brain: odd_brain()["Odd"], "Area 'Odd' belongs to another brain; use one of this brain"),
            (lambda brain: Area("New", 5, 1), "Area 'New' belongs to no brain yet; add it with"),
            (
                lambda brain: Assembly("Moody", [1]),
                r"must be an assembly of an area of this brain \(unknown area 'Moody'; did you mean 'Mood'\?\)",
            ),
            (
                lambda brain: Assembly("Mood", [49, 50]),
                "must be at least one neuron, below n = 50 of area 'Mood'",
            ),
            (lambda brain: Assembly("Mood", []), "must be at least one neuron, below n = 50 of area 'Mood'"),
        ],
    )
    def test_mistakes_are_named(self, gate: Any, message: str) -> None:
        brain = odd_brain()
        with pytest.raises(DeclarationError, match=rf"Fiber 'Odd->Work'\.gate: {message}"):
            brain.connect(brain["Odd"], brain["Work"], 0.2, gate=gate(brain))
        assert not len(brain.fibers)

    def test_gates_are_copied_with_their_brain(self) -> None:
        brain = gated_brain()
        brain.connect(brain["Items"], brain["Work"], 0.2, gate=brain["Thalamus"])
        brain.connect(brain["Work"], brain["Work"], 0.2, gate=brain["Mood"]["ask"])
        for other in (pickle.loads(pickle.dumps(brain)), copy.deepcopy(brain)):
            assert other == brain
            first, second = other.fibers
            assert first.gate is other["Thalamus"]
            assert second.gate == brain["Mood"]["ask"]


class TestInARegion:
    def region(self, gate: Any = None) -> Region:
        region = Region("Loop")
        cortex = region.add(Area("Cortex", 200, 20))
        thalamus = region.add(Area("Thalamus", 20, 4, {"awake": range(4)}))
        region.connect(cortex, cortex, 0.2, gate=thalamus)
        region.connect(thalamus, cortex, 0.2, gate=gate or thalamus["awake"])
        return region

    def test_areas_of_the_region_gate_its_fibers(self) -> None:
        brain = Brain()
        region = brain.add(self.region())
        assert [fiber.gate for fiber in build(brain, 1).fibers] == [
            parts.ChannelGate(1, 1, 10),
            parts.AssemblyGate(1, (0, 1, 2, 3)),
        ]
        assert region.fibers == brain.fibers

    def test_a_gate_outside_the_brain_is_refused_when_the_region_is_added(self) -> None:
        brain, lone = Brain(), Area("Lone", 20, 4)
        with pytest.raises(DeclarationError, match=r"Loop\.Cortex'\.gate: Area 'Lone' belongs to no brain yet"):
            brain.add(self.region(lone))
        assert not brain.areas
        brain.add(self.region(lone), lone)
        assert len(brain.fibers) == 2
