"""Saved states: earlier formats are read, damaged files are refused by name."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.sparse import coo_array

from brainsim import (
    Area,
    Assembly,
    Brain,
    Explicit,
    Hebbian,
    Simulator,
)
from brainsim.errors import DeclarationError, DumpError
from brainsim.kernels.reference import ReferenceBackend
from brainsim.kernels.state import Synapses
from forging import forged
from old_brains import of_format_2, of_format_3, of_format_4


def brain_of() -> Brain:
    brain = Brain()
    source, target = brain.add(Area("S", 50, 20), Area("T", 400, 15))
    brain.connect(source, target, 0.3, Hebbian(0.1, w_max=5.0))
    brain.connect(target, target, 0.1, Hebbian(0.1))
    given = coo_array((np.ones(400), (np.arange(400), np.arange(400) % 40)), shape=(400, 40))
    brain.connect(target, brain.add(Area("U", 40, 5)), graph=Explicit(given), plasticity=Hebbian(0.1))
    return brain


OLD = Path(__file__).parent / "data"


@pytest.mark.parametrize("backend", ["reference", "cpu"])
@pytest.mark.parametrize("format_", [1, 2])
def test_a_state_of_an_earlier_format_is_loaded(tmp_path: Path, format_: int, backend: str) -> None:
    path, expected = tmp_path / "old.h5", json.loads((OLD / "state_format_2.json").read_text())
    shutil.copy(OLD / "state_format_2.h5", path)
    if format_ == 1:  # which had no thresholds, and listed no fibers that learn nothing
        with h5py.File(path, "r+") as file:
            file.attrs["brainsim_format"] = 1
            del file["thresholds"], file["learned/S->T"]
    brain = of_format_2()
    with Simulator(brain, 5, backend=backend) as sim:
        assert sim.load(path) == "six rounds"
        assert (sim.rounds, sim.held) == (6, ("S",))
        assert {f.name for f in brain.fibers} - {f.name for f in sim.transmitting(brain.fibers)} == {
            *("S->A", "A->T", "S->T")
        }
        assert {name: sim.assembly(name).neurons.tolist() for name in "AT"} == {name: expected[name] for name in "AT"}
        learned = sim.connectome(brain["A"] >> brain["A"]).learned()
        assert [column.tolist() for column in learned] == expected["learned"]
        thresholds = expected["thresholds"] if format_ == 2 else [0.0] * 400
        assert sim.thresholds("A").tolist() == thresholds
        sim.disinhibit()
        sim.run(brain.fibers)
        sim.save(tmp_path / "new.h5")
    with Simulator(brain, 5, backend=backend) as again:
        again.load(tmp_path / "new.h5")
        assert again.rounds == 7


def firing(sim: Simulator) -> dict[str, list[int]]:
    return {name: sim.assembly(name).neurons.tolist() for name in "SATU"}


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_a_state_of_format_3_is_loaded_and_continues_as_it_did_then(tmp_path: Path, backend: str) -> None:
    expected, brain = json.loads((OLD / "state_format_3.json").read_text()), of_format_3()
    with Simulator(brain, 5, backend=backend) as sim:
        assert sim.load(OLD / "state_format_3.h5") == "six rounds"
        assert (sim.rounds, sim.held) == (6, ("S",))
        assert firing(sim) == {name: expected[name] for name in "SATU"}
        learned = {f.name: [c.tolist() for c in sim.connectome(f).learned()] for f in brain.fibers if f.plasticity}
        assert learned == expected["learned"]
        assert {name: sim.thresholds(name).tolist() for name in "SATU"} == expected["thresholds"]
        assert [f.name for f in sim.transmitting(brain.fibers)] == ["A->A", "A->T"]
        sim.run(brain.fibers, 2)
        assert firing(sim) == expected["after"]
        sim.save(tmp_path / "new.h5")
        sim.disinhibit()
        sim.run(brain.fibers, 2)
        assert firing(sim) == expected["open"]
    with Simulator(brain, 5, backend=backend) as again:
        again.load(tmp_path / "new.h5")
        assert [f.name for f in again.transmitting(brain.fibers)] == ["A->A", "A->T"]
        again.disinhibit(brain["U"], brain["S"] >> brain["A"])
        again.run(brain.fibers, 2)
        assert firing(again) == expected["open"]


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_a_state_of_format_4_is_loaded_and_continues_as_it_did_then(backend: str) -> None:
    expected, brain = json.loads((OLD / "state_format_4.json").read_text()), of_format_4()
    with Simulator(brain, 5, backend=backend) as sim:
        assert sim.load(OLD / "state_format_4.h5") == "six rounds"
        assert firing(sim) == {name: expected[name] for name in "SATU"}
        assert sim.modulator("dopamine") == expected["modulator"]
        assert {name: list(locks) for name, locks in sim.locks.items()} == expected["locks"]
        assert {name: sim.thresholds(name).tolist() for name in "AT"} == expected["thresholds"]
        sim.run(brain.fibers, 2)
        assert firing(sim) == expected["after"]
        sim.disinhibit()
        sim.run(brain.fibers, 2)
        assert firing(sim) == expected["open"]
        learned = {f.name: [c.tolist() for c in sim.connectome(f).learned()] for f in brain.fibers if f.plasticity}
        assert learned == expected["learned"]


@pytest.mark.parametrize("after", ["reference", "cpu", "gpu"])
@pytest.mark.parametrize("before", ["reference", "cpu", "gpu"])
def test_a_state_saved_on_one_backend_continues_on_any(
    tmp_path: Path, before: str, after: str, emulated_gpu: None
) -> None:
    brain = of_format_4()
    with Simulator(brain, 5, backend=before) as sim:
        sim.present(Assembly("S", range(20)))
        sim.run(brain.fibers, 3)
        sim.set_modulator("dopamine", 2.0)
        sim.save(tmp_path / "state.h5")
        sim.run(brain.fibers, 3)
        expected = firing(sim), [[c.tolist() for c in sim.connectome(f).learned()] for f in brain.fibers]
    with Simulator(brain, 5, backend=after) as sim:
        sim.load(tmp_path / "state.h5")
        sim.run(brain.fibers, 3)
        found = firing(sim), [[c.tolist() for c in sim.connectome(f).learned()] for f in brain.fibers]
    assert found == expected


def test_a_state_of_an_earlier_format_without_learned_weights_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "old.h5"
    shutil.copy(OLD / "state_format_2.h5", path)
    with h5py.File(path, "r+") as file:
        del file["learned/A->A"]
    with Simulator(of_format_2(), 5, backend="reference") as sim:
        with pytest.raises(DumpError, match="learned of fiber 'A->A' is missing"):
            sim.load(path)
        assert sim.rounds == 0


def test_a_state_of_an_earlier_format_is_refused_by_another_brain() -> None:
    other = brain_of()
    with Simulator(other, 5) as sim, pytest.raises(DumpError, match="its declaration differs"):
        sim.load(OLD / "state_format_2.h5")


DAMAGES: dict[str, tuple[Callable[[h5py.File], None], str]] = {
    "repeated": (lambda file: _put(file, "thresholds/T", neurons=[3, 3], amount=[1, 1]), "ascending order, each once"),
    "unequal": (lambda file: _put(file, "thresholds/T", neurons=[3, 4], amount=[1]), "of one length"),
    "floats": (lambda file: _put(file, "winners/T", neurons=[1.5]), "must be integers"),
    "outside": (lambda file: _put(file, "winners/T", neurons=[400]), "must lie between 0 and 399"),
    "negative": (lambda file: _put(file, "winners/T", neurons=[-1]), "must lie between 0 and 399"),
    "heavy": (lambda file: _put(file, "learned/S->T", pre=[0], post=[0], weight=[2**31]), "must lie between 0 and"),
    "missing": (lambda file: file.__delitem__("winners/T"), "winners of area 'T' is missing"),
    "narrow": (lambda file: _put(file, "winners/T", neurons=np.array([3], np.uint8)), "must be integers of 64 bits"),
    "above w_max": (
        lambda file: _put(file, "learned/S->T", pre=[0], post=[0], weight=[5 * 2**16 + 1]),
        "weight must lie between 0 and 327680",
    ),
    "foreign": (lambda file: file.create_group("winners/V"), ""),
    "names": (lambda file: _put(file, "", held=["V"]), "held names 'V', which this brain does not have"),
    "locked": (lambda file: _put(file, "", area_locks='[["V", "x"]]'), "area_locks names 'V', which this brain does"),
    "lock": (lambda file: _put(file, "", fiber_locks='[["T->T", ""]]'), "lock: must be the name of a lock"),
    "pairs": (lambda file: _put(file, "", fiber_locks='[["T->T"]]'), "locks must be pairs of an owner and a lock"),
    "driven": (
        lambda file: _put(file, "drives/T", neurons=[0], amount=[1]),
        "drives of area 'T': its neurons must be those that fire",
    ),
    "undriven": (lambda file: _put(file, "drives/S", neurons=[1], amount=[0]), "amount must lie between 1 and"),
    "crowded": (
        lambda file: (
            [_put(file, f"{kind}/T", neurons=np.arange(16)) for kind in ("winners", "drives")]
            + [_put(file, "drives/T", amount=np.ones(16, np.int64))]
        ),
        "drives of area 'T': .*at most 15 items",
    ),
    "too many": (
        lambda file: _put(file, "winners/T", neurons=np.arange(401)),
        "winners of area 'T': must have columns of at most 400 items .'neurons' has 401",
    ),
    "no such synapse": (
        lambda file: _put(file, "learned/S->T", pre=[0] * 400, post=np.arange(400), weight=[2**16] * 400),
        "learned of fiber 'S->T': synapse 0 -> .* does not exist in the random graph, nor do .* others",
    ),
    "given": (
        lambda file: _put(file, "learned/T->U", post=np.arange(1, 401) % 40),
        "learned of fiber 'T->U': its synapses must be those of its graph",
    ),
    "twice": (lambda file: _put(file, "", held=["S", "S"]), "held names something twice"),
    "another part": (lambda file: file.create_dataset("delays", data=[1]), "holds 'delays', which a state of format 5"),
    "another column": (
        lambda file: file["winners/T"].create_dataset("x", data=[1]),
        "winners of area 'T': .*'x' has 1",
    ),
    "another attribute": (lambda file: file.attrs.create("x", 1), "holds 'x', which a state of format 5"),
    "clock": (lambda file: _put(file, "", rounds=-1), "rounds must be a count"),
}


def _put(file: h5py.File, group: str, **columns: Any) -> None:
    for name, values in columns.items():
        path = f"{group}/{name}" if group else name
        del file[path]
        file[path] = values


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_is_refused_by_name_and_changes_nothing(tmp_path: Path, damage: str) -> None:
    brain = brain_of()
    with Simulator(brain, 2) as sim:
        sim.present(Assembly("S", np.arange(20)))
        sim.run(brain.fibers, 2)
        sim.save(tmp_path / "state.h5")
        sim.run(brain.fibers, 2)
        before = sim.assembly("T"), sim.rounds, sim.held
        spoil, message = DAMAGES[damage]
        with forged(tmp_path / "state.h5") as file:
            spoil(file)
        with pytest.raises(DumpError, match=f"is damaged.*{message}"):
            sim.load(tmp_path / "state.h5")
        assert (sim.assembly("T"), sim.rounds, sim.held) == before
        sim.run(brain.fibers)
        after = sim.assembly("T")
    with Simulator(brain, 2) as other:
        other.present(Assembly("S", np.arange(20)))
        other.run(brain.fibers, 5)
        assert other.assembly("T") == after


WRONG: dict[str, Any] = {
    "text": "abc",
    "bytes": b"12",
    "number": 1.5,
    "nan": np.nan,
    "negative": -5,
    "truth": True,
    "floats": np.array([1.0, 2.0]),
    "complex": np.array([1j]),
    "matrix": np.zeros((2, 2), np.int64),
    "narrow": np.array([1, 2], np.uint8),
    "unsigned": np.array([1, 2**64 - 1], np.uint64),
    "record": np.zeros(2, [("a", "i8")]),
    "nothing": h5py.Empty("i8"),
    "list": "[]",
    "deep": "[" * 100_000,
    "no areas": '{"areas": {"S": null}, "fibers": 5}',
}


def _saved(path: Path, sim: Simulator) -> list[str]:
    """Save a state that uses every part of the format; return the names of its groups and datasets."""
    sim.present(Assembly("S", np.arange(20)))
    sim.run(sim.brain.fibers, 2)
    sim.set_thresholds("T", 0.5)
    sim.inhibit("S", sim.brain["T"] >> sim.brain["T"])
    sim.save(path)
    names: list[str] = []
    with h5py.File(path) as file:
        file.visit(names.append)
    return names


@pytest.mark.parametrize("step", [11, pytest.param(1, marks=pytest.mark.slow)])
def test_a_wrong_value_in_any_part_is_refused(tmp_path: Path, step: int) -> None:
    good, bad = tmp_path / "good.h5", tmp_path / "bad.h5"
    with Simulator(brain_of(), 2, backend="reference") as sim:
        names = [(name, wrong) for name in _saved(good, sim) for wrong in WRONG][::step]
        accepted = []
        for name, wrong in names:
            shutil.copy(good, bad)
            with forged(bad) as file:
                del file[name]
                file[name] = WRONG[wrong]
            try:
                sim.load(bad)
                accepted.append((name, wrong))
            except DumpError:
                assert sim.rounds == 2
    texts = {"text", "bytes", "list", "deep", "no areas"}
    no_locks = {("area_locks", "list"), ("fiber_locks", "list")}  # an empty list is a list of locks
    assert set(accepted) == ({("note", wrong) for wrong in texts} | no_locks) & set(names)


def test_a_wrong_value_in_any_attribute_is_refused(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.h5", tmp_path / "bad.h5"
    with Simulator(brain_of(), 2, backend="reference") as sim:
        _saved(good, sim)
        with h5py.File(good) as file:
            attributes = list(file.attrs)
        assert len(attributes) == 4
        for name in attributes:
            for wrong in WRONG.keys() - {"deep"}:  # it is too long for an attribute
                shutil.copy(good, bad)
                with forged(bad) as file:
                    file.attrs[name] = WRONG[wrong]
                with pytest.raises(DumpError):
                    sim.load(bad)


@pytest.mark.parametrize("name", ["graph", "ties"])
def test_a_state_of_another_version_of_the_law_is_refused_by_name(tmp_path: Path, name: str) -> None:
    with Simulator(brain_of(), 2, backend="reference") as sim:
        _saved(tmp_path / "state.h5", sim)
        with forged(tmp_path / "state.h5") as file:
            file.attrs[f"{name}_version"] = 99
        with pytest.raises(DumpError, match=f"belongs to {name} version 99, here"):
            sim.load(tmp_path / "state.h5")


def test_a_state_of_a_brain_with_parts_unknown_here_is_refused(tmp_path: Path) -> None:
    with Simulator(brain_of(), 2, backend="reference") as sim:
        _saved(tmp_path / "state.h5", sim)
        with forged(tmp_path / "state.h5") as file:
            identity = json.loads(file["identity"].asstr()[()])
            identity["fibers"]["S->T"]["delay"] = 3
            _put(file, "", identity=json.dumps(identity))
        with pytest.raises(DumpError, match=r"delay of fiber 'S->T' is 3, here 'none'"):
            sim.load(tmp_path / "state.h5")


def test_an_interruption_waits_until_a_state_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Simulator(brain_of(), 2, backend="reference") as sim:
        _saved(tmp_path / "state.h5", sim)
    whole = ReferenceBackend.write

    def interrupted(*arguments: Any) -> None:
        whole(*arguments)
        signal.raise_signal(signal.SIGINT)

    brain = brain_of()
    with Simulator(brain, 2, backend="reference") as sim:
        with monkeypatch.context() as patch:
            patch.setattr(ReferenceBackend, "write", interrupted)
            with pytest.raises(KeyboardInterrupt):
                sim.load(tmp_path / "state.h5")
        assert (sim.rounds, sim.held, len(sim.assembly("T"))) == (2, ("S",), 15)
        assert [fiber.name for fiber in sim.transmitting(brain.fibers)] == ["T->U"]


def test_an_interruption_waits_until_a_probe_is_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    brain = brain_of()
    with Simulator(brain, 2, backend="reference") as sim:
        sim.present(Assembly("S", np.arange(20)))
        sim.run(brain.fibers, 2)
        before = sim.assembly("S"), sim.assembly("T"), sim.thresholds("T").tolist(), sim.rounds, sim.held
        whole = ReferenceBackend.write

        def interrupted(*arguments: Any) -> None:
            whole(*arguments)
            signal.raise_signal(signal.SIGINT)

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt), sim.frozen():
            sim.present(Assembly("S", np.arange(30, 50)))
            sim.run(brain.fibers, 3)
            sim.set_thresholds("T", 1.0)
            sim.release()
            patch.setattr(ReferenceBackend, "write", interrupted)
        assert before == (sim.assembly("S"), sim.assembly("T"), sim.thresholds("T").tolist(), sim.rounds, sim.held)
        assert sim.learning


@pytest.mark.parametrize("backend", ["reference", "cpu", "gpu"])
def test_arrays_that_are_returned_or_given_are_copies(backend: str, emulated_gpu: None) -> None:
    brain = brain_of()
    with Simulator(brain, 2, backend=backend) as sim:
        sim.present(Assembly("S", np.arange(20)))
        recording = sim.record()
        sim.run(brain.fibers, 2)
        before = sim.assembly("T"), [column.tolist() for column in sim.connectome(brain["S"] >> brain["T"]).learned()]
        for area in "ST":
            recording.winners(area)[-1][:] = 0
        for column in sim.connectome(brain["S"] >> brain["T"]).learned():
            column[:] = 0
        sim.thresholds("T")[:] = 7.0
        after = sim.assembly("T"), [column.tolist() for column in sim.connectome(brain["S"] >> brain["T"]).learned()]
        assert before == after
        assert not sim.thresholds("T").any()
        connectome = sim.connectome(brain["S"] >> brain["T"])
        post = int(connectome.row(3)[0])
        given = [np.array([column]) for column in (3, post, 2**17)]
        connectome.replace(Synapses(*given))
        for column in (*given, *connectome.learned()):
            column[:] = 0
        assert [column.tolist() for column in connectome.learned()] == [[3], [post], [2.0]]


SYNAPSES = {
    "ascending order": Synapses(np.array([3, 1]), np.array([0, 0]), np.array([1, 1])),
    "each once": Synapses(np.array([1, 1]), np.array([2, 2]), np.array([1, 1])),
    "pre must lie between 0 and 49": Synapses(np.array([50]), np.array([0]), np.array([1])),
    "weight must lie between 0 and 327680": Synapses(np.array([1]), np.array([0]), np.array([6 * 2**16])),
}


@pytest.mark.parametrize("backend", ["reference", "cpu", "gpu"])
def test_replacing_synapses_that_do_not_exist_is_refused(backend: str, emulated_gpu: None) -> None:
    brain = brain_of()
    with Simulator(brain, 2, backend=backend) as sim:
        connectome, given = sim.connectome(brain["S"] >> brain["T"]), sim.connectome(brain["T"] >> brain["U"])
        row = connectome.row(3)
        absent = np.setdiff1d(np.arange(400), row)[:2]
        ones = np.full(2, 2**16)
        for post in (absent, np.sort([absent[0], row[0]])):
            with pytest.raises(DeclarationError, match=f"synapse 3 -> {absent[0]} does not exist in the random graph"):
                connectome.replace(Synapses(np.array([3, 3]), post, ones))
        connectome.replace(Synapses(np.array([3, 3]), row[:2], ones))
        with pytest.raises(DeclarationError, match="its synapses must be those of its graph"):
            given.replace(Synapses(np.array([0, 1]), np.array([0, 1]), ones))
        given.replace(Synapses(np.arange(400), np.arange(400) % 40, np.full(400, 2**17)))
        assert given.learned()[2].tolist() == [2.0] * 400


@pytest.mark.parametrize("message", SYNAPSES)
def test_replacing_synapses_by_invalid_ones_is_refused(message: str) -> None:
    brain = brain_of()
    with Simulator(brain, 2, backend="reference") as sim:
        connectome = sim.connectome(brain["S"] >> brain["T"])
        with pytest.raises(DeclarationError, match=message):
            connectome.replace(SYNAPSES[message])
        assert len(connectome.learned()[0]) == 0
