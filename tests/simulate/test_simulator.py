"""The simulator: rounds, stimuli, gates, probes, recordings, saving, and independence of unrelated parts."""

from __future__ import annotations

import copy
import pickle
import signal
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brainsim import Area, Assembly, Brain, Hebbian, Modulator, SilentWarning, Simulator, UnusedWarning
from brainsim.errors import (
    BackendError,
    BackendMemoryError,
    DeclarationError,
    DumpError,
    SimulationError,
    UnknownNameError,
)

BACKENDS = ["reference", "cpu"]


def two_lexicons(extra: bool = False, renamed: str = "Extra") -> Brain:
    brain = Brain()
    if extra:
        other = brain.add(Area(renamed, 500, 20))
        brain.connect(other, other, p=0.1, plasticity=Hebbian(0.1))
    stimuli = {"a": range(20), "b": range(20, 40)}
    phon, lex1, lex2 = brain.add(Area("Phon", 60, 20, stimuli), Area("Lex1", 1500, 30), Area("Lex2", 900, 25))
    rule = Hebbian(0.1, 20)
    for source, target in ((phon, lex1), (phon, lex2), (lex1, lex1), (lex1, lex2), (lex2, lex1)):
        brain.connect(source, target, p=0.08, plasticity=rule)
    return brain


def played(brain: Brain, **options: Any) -> tuple[Simulator, list[list[int]]]:
    """Run some rounds; return the simulator and the winners after each stimulus."""
    sim = Simulator(brain, **{"seed": 5, "backend": "cpu", **options})
    phon, lex1, lex2 = brain["Phon"], brain["Lex1"], brain["Lex2"]
    seen = []
    for label in ("a", "b", "a"):
        sim.present(phon[label])
        sim.run(phon >> lex1 | phon >> lex2)
        sim.run(brain.fibers.into(lex1) | brain.fibers.into(lex2), rounds=3)
        seen += [list(sim.assembly(lex1)), list(sim.assembly(lex2))]
    return sim, seen


def fingerprint(sim: Simulator) -> Any:
    """Return the state of a simulation in a form that can be compared."""
    weights = {f.name: [c.tolist() for c in sim.connectome(f).learned()] for f in sim.brain.fibers}
    winners = {name: list(sim.assembly(name)) if sim.fires(name) else [] for name in sim.brain.areas}
    return weights, winners, sim.rounds, str(sim.schedule())


def quietly_closed(sim: Simulator) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusedWarning)
        sim.close()


def test_same_seed_same_bits_on_every_backend_and_thread_count() -> None:
    sim, expected = played(two_lexicons(), backend="reference")
    state = fingerprint(sim)
    for threads in (1, 2, 4):
        for cache_mb in (0, 0.01, 256):
            other, seen = played(two_lexicons(), threads=threads, cache_mb=cache_mb)
            assert seen == expected
            assert fingerprint(other) == state
    assert played(two_lexicons(), seed=6)[1] != expected


def test_unrelated_areas_change_nothing() -> None:
    expected = played(two_lexicons())[1]
    assert played(two_lexicons(extra=True))[1] == expected
    assert played(two_lexicons(extra=True, renamed="Another"))[1] == expected


def test_an_assembly_forms_only_with_plasticity() -> None:
    def last_overlap(rule: Hebbian | None) -> float:
        brain = Brain()
        stim, area = brain.add(Area("S", 100, 100, {"s": range(100)}), Area("A", 10_000, 100))
        brain.connect(stim, area, 0.05, rule)
        brain.connect(area, area, 0.05, rule)
        with Simulator(brain, seed=2) as sim:
            sim.present(stim["s"])
            sim.run(stim >> area)
            sim.run(brain.fibers, rounds=15)
            before = sim.assembly(area)
            sim.run(brain.fibers)
            return sim.assembly(area).overlap(before)

    assert last_overlap(Hebbian(0.1)) > 0.97
    assert last_overlap(None) < 0.8


def test_present_holds_an_assembly_until_release() -> None:
    brain = Brain()
    a = brain.add(Area("A", 200, 10, {"x": range(10)}))
    brain.connect(a, a, p=0.3)
    with Simulator(brain, backend="reference") as sim:
        sim.present(a["x"])
        sim.run(a >> a, rounds=2)
        assert sim.assembly(a) == a["x"]
        sim.release(a)
        sim.run(a >> a)
        assert sim.assembly(a) != a["x"]
        sim.hold(a)
        held = sim.assembly(a)
        sim.run(a >> a)
        assert sim.assembly("A") == held
        sim.silence(a)
        with pytest.warns(SilentWarning, match="no neuron of the brain fires"):
            sim.run(a >> a)
        assert len(sim.assembly(a)) == 0


def test_project_with_a_mapping_equals_run_with_fibers() -> None:
    results = []
    for mapping in (True, False):
        brain = two_lexicons()
        phon, lex1, lex2 = brain["Phon"], brain["Lex1"], brain["Lex2"]
        sim = Simulator(brain, seed=1)
        sim.present(phon["a"])
        if mapping:
            sim.project({"Phon": ["Lex1", "Lex2"], lex1: "Lex1"}, rounds=3)
        else:
            sim.run(phon >> lex1 | phon >> lex2 | lex1 >> lex1, rounds=3)
        results.append(fingerprint(sim))
        quietly_closed(sim)
    assert results[0] == results[1]


def test_inhibition_closes_fibers_and_disinhibition_opens_them() -> None:
    brain = two_lexicons()
    phon, lex1, lex2 = brain["Phon"], brain["Lex1"], brain["Lex2"]
    sim = Simulator(brain, backend="reference")
    sim.present(phon["a"])
    sim.inhibit(lex1, phon >> lex2)
    sim.run(brain.fibers)
    assert not sim.fires(lex1)
    assert not sim.fires(lex2)
    assert "inhibited" in str(sim.schedule())
    sim.disinhibit(phon >> lex2)
    sim.run(brain.fibers)
    assert not sim.fires(lex1)
    assert len(sim.assembly(lex2)) == 25
    sim.disinhibit()
    sim.run(brain.fibers)
    assert len(sim.assembly(lex1)) == 30
    kept = sim.assembly(lex1)
    sim.inhibit(lex1)
    sim.run(brain.fibers, rounds=2)
    assert sim.assembly(lex1) == kept


def test_until_stable_stops_when_the_winners_no_longer_change() -> None:
    brain = two_lexicons()
    phon, lex1 = brain["Phon"], brain["Lex1"]
    # Most brains become stable; a few, such as that of seed 0, alternate for many rounds.
    sim = Simulator(brain, seed=1)
    sim.present(phon["a"])
    outcome = sim.run(phon >> lex1 | lex1 >> lex1, until_stable=True, max_rounds=200)
    assert outcome.stable
    assert 2 <= outcome.rounds < 200
    assert sim.rounds == outcome.rounds
    assert not sim.run(phon >> brain["Lex2"], until_stable=True, max_rounds=1).stable
    quietly_closed(sim)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_frozen_probe_changes_nothing(backend: str) -> None:
    probed, _ = played(two_lexicons(), backend=backend)
    untouched, _ = played(two_lexicons(), backend=backend)
    phon = probed.brain["Phon"]
    recording, _ = probed.record("Lex1"), untouched.record("Lex1")
    with pytest.raises(RuntimeError, match="probe broke"), probed.frozen():
        probed.present(phon["b"])
        probed.inhibit("Lex2")
        probed.release("Phon")
        inner = probed.record("Lex1")
        probed.run(probed.brain.fibers, rounds=3)
        with probed.frozen():
            probed.silence()
            with pytest.warns(SilentWarning, match="no neuron of the brain fires"):
                probed.run(probed.brain.fibers)
        assert len(inner) == 3
        raise RuntimeError("probe broke")
    assert inner.stopped
    assert len(recording) == 0
    assert fingerprint(probed) == fingerprint(untouched)
    for sim in (probed, untouched):
        sim.present(phon["b"])
        sim.run(sim.brain.fibers, rounds=2)
    assert fingerprint(probed) == fingerprint(untouched)
    assert len(recording) == 2


@pytest.mark.parametrize("first", BACKENDS)
@pytest.mark.parametrize("second", BACKENDS)
def test_saved_state_continues_bit_for_bit(tmp_path: Path, first: str, second: str) -> None:
    sim, _ = played(two_lexicons(), backend=first)
    sim.inhibit("Lex2")
    sim.save(tmp_path / "state.h5", note="half-way")
    later = Simulator(two_lexicons(), seed=5, backend=second)
    assert later.load(tmp_path / "state.h5") == "half-way"
    assert fingerprint(later) == fingerprint(sim)
    for one in (sim, later):
        one.disinhibit()
        one.present(one.brain["Phon"]["b"])
        one.run(one.brain.fibers, rounds=4)
    assert fingerprint(later) == fingerprint(sim)


def test_a_foreign_state_is_refused_and_nothing_changes(tmp_path: Path) -> None:
    sim, _ = played(two_lexicons())
    sim.save(tmp_path / "state.h5")
    for other in (Simulator(two_lexicons(), seed=6), Simulator(two_lexicons(extra=True), seed=5)):
        before = fingerprint(other)
        with pytest.raises(DumpError, match="is the state of another brain or seed"):
            other.load(tmp_path / "state.h5")
        assert fingerprint(other) == before
    (tmp_path / "junk.h5").write_text("junk")
    with pytest.raises(DumpError, match="cannot be read as HDF5"):
        sim.load(tmp_path / "junk.h5")
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["junk.h5", "state.h5"]


def test_a_recording_holds_the_winners_and_the_marks() -> None:
    brain = two_lexicons()
    sim = Simulator(brain)
    phon, lex1 = brain["Phon"], brain["Lex1"]
    recording = sim.record(lex1)
    recording.mark("a")
    sim.present(phon["a"])
    sim.run(phon >> lex1, rounds=2)
    recording.mark("b")
    sim.present(phon["b"])
    sim.run(phon >> lex1)
    recording.stop()
    sim.run(phon >> lex1)
    assert len(recording) == 3
    assert [(mark.round, mark.label) for mark in recording.marks] == [(0, "a"), (2, "b")]
    assert [len(winners) for winners in recording.winners("Lex1")] == [30, 30, 30]
    assert 30 < recording.support(lex1) <= 90
    quietly_closed(sim)


def test_weights_can_be_read() -> None:
    sim, _ = played(two_lexicons(), backend="cpu")
    fiber = sim.brain["Phon"] >> sim.brain["Lex1"]
    connectome = sim.connectome(fiber)
    matrix = connectome.to_scipy()
    pre, post, weight = connectome.learned()
    assert weight.min() >= 1.1 - 1e-4
    assert np.array_equal(np.asarray(matrix[pre, post]).ravel(), weight)
    assert connectome.weight(int(pre[0]), int(post[0])) == weight[0]
    assert matrix.sum() == pytest.approx(sum(len(connectome.row(i)) for i in range(60)) + (weight - 1).sum())
    absent = next(j for j in range(1500) if not connectome.contains(0, j))
    assert connectome.weight(0, absent) == 0
    unlearned = next(j for j in connectome.row(59).tolist() if not ((pre == 59) & (post == j)).any())
    assert connectome.weight(59, unlearned) == 1
    quietly_closed(sim)


def test_unused_parts_are_reported_once() -> None:
    brain = two_lexicons(extra=True)
    sim = Simulator(brain)
    sim.present(brain["Phon"]["a"])
    sim.run(brain["Phon"] >> brain["Lex1"])
    with pytest.warns(UnusedWarning) as caught:
        sim.close()
        sim.close()
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert "area 'Extra' never fired" in str(caught[0].message)
    assert "fiber 'Phon->Lex2' was never opened" in str(caught[0].message)


def test_the_report_at_the_end_of_a_block_names_the_line_of_the_block() -> None:
    with pytest.warns(UnusedWarning) as caught, Simulator(two_lexicons(extra=True)) as sim:
        sim.present(sim.brain["Phon"]["a"])
        sim.run(sim.brain["Phon"] >> sim.brain["Lex1"])
    assert [warning.filename for warning in caught] == [__file__]


def test_an_area_without_winners_is_reported_as_never_fired() -> None:
    brain = two_lexicons()
    sim = Simulator(brain)
    with pytest.warns(SilentWarning, match="no neuron of the brain fires"):
        sim.run(brain["Phon"] >> brain["Lex1"])
    assert "area 'Phon' never fired" in sim.unused()
    assert "area 'Lex1' never fired" in sim.unused()
    quietly_closed(sim)


def test_an_error_in_the_block_is_not_hidden_by_the_report() -> None:
    with pytest.raises(ZeroDivisionError), Simulator(two_lexicons()) as sim:
        sim.present(sim.brain["Phon"]["a"])
        sim.run(sim.brain["Phon"] >> sim.brain["Lex1"])
        raise ZeroDivisionError
    with pytest.raises(SimulationError):
        sim.run(sim.brain.fibers)


def test_recordings_and_assemblies_are_read_as_they_were_written(tmp_path: Path) -> None:
    from brainsim.simulate.dumps import read_assemblies, read_recordings, write_assemblies

    brain = two_lexicons()
    sim = Simulator(brain)
    recording, empty = sim.record("Lex1", "Phon"), sim.record("Lex2")
    empty.stop()
    for label in ("x", "y"):
        recording.mark(label)
    sim.present(brain["Phon"]["a"])
    sim.run(brain["Phon"] >> brain["Lex1"], rounds=2)
    recording.mark("end")
    found = sim.assembly("Lex1", "a")
    write_assemblies(tmp_path / "dump.h5", [found], {"training": recording, "nothing": empty})
    back = read_recordings(tmp_path / "dump.h5")
    assert back["training"].marks == recording.marks
    assert [area.name for area in back["training"].areas] == ["Lex1", "Phon"]
    for area in ("Lex1", "Phon"):
        assert list(map(list, back["training"].winners(area))) == list(map(list, recording.winners(area)))
    assert len(back["nothing"]) == 0
    assert read_assemblies(tmp_path / "dump.h5") == {"Lex1": {"a": found}}
    for bad in ([Assembly("Lex1", [1])], [Assembly("Lex1", [1], "he/she"), Assembly("Lex1", [2], "he/she")]):
        with pytest.raises(DumpError, match="assemblies need labels, each once in its area"):
            write_assemblies(tmp_path / "bad.h5", bad)
    assert [path.name for path in tmp_path.iterdir()] == ["dump.h5"]
    quietly_closed(sim)


def test_the_schedule_lists_the_steps_of_a_round() -> None:
    brain = two_lexicons()
    sim = Simulator(brain)
    sim.present(brain["Phon"]["a"])
    sim.record("Lex1")
    text = str(sim.schedule(brain["Phon"] >> brain["Lex1"]))
    assert text.splitlines() == [
        "stimulate  Phon        keeps firing its held assembly",
        "project    Phon->Lex1  adds its weights to the drive of Lex1",
        "select     Lex1        the 30 most driven of 1_500 win",
        "learn      Phon->Lex1  strengthens fired -> just won",
        "record     Lex1        its winners are recorded",
    ]


def test_requests_with_invalid_values_are_refused() -> None:
    brain, other = two_lexicons(), two_lexicons()
    sim = Simulator(brain, backend="reference")
    phon, lex1 = brain["Phon"], brain["Lex1"]
    with pytest.raises(DeclarationError, match="Fiber 'Phon->Lex1' belongs to another brain"):
        sim.run(other["Phon"] >> other["Lex1"])
    with pytest.raises(UnknownNameError, match="unknown area 'Lex3'; did you mean 'Lex"):
        sim.project({"Phon": ["Lex3"]})
    with pytest.raises(UnknownNameError, match="unknown area 'Fon'"):
        sim.present(Assembly("Fon", [1]))
    with pytest.raises(DeclarationError, match=r"neurons to present must be below n = 60 \(got 60\)"):
        sim.present(Assembly("Phon", [60]))
    with pytest.raises(DeclarationError, match="one assembly per area"):
        sim.present(phon["a"], phon["b"])
    with pytest.raises(DeclarationError, match="not both"):
        sim.run(phon >> lex1, rounds=2, until_stable=True)
    with pytest.raises(DeclarationError, match=r"rounds: must be an integer of at least 1 \(got 0\)"):
        sim.run(phon >> lex1, rounds=0)
    assert sim.rounds == 0
    sim.close()


def test_a_closed_simulator_refuses_what_would_have_no_effect() -> None:
    brain = two_lexicons()
    brain.add(Modulator("dopamine"))
    sim = Simulator(brain, backend="reference")
    sim.close()
    refused = (
        *(lambda: sim.run(brain.fibers), lambda: sim.project({"Phon": ["Lex1"]})),
        *(
            lambda: sim.hold("Lex1"),
            lambda: sim.release("Lex1"),
            lambda: sim.silence("Lex1"),
            lambda: sim.record("Lex1"),
        ),
        *(lambda: sim.inhibit("Lex1"), lambda: sim.disinhibit("Lex1"), sim.disinhibit, sim.schedule),
        *(lambda: sim.set_modulator("dopamine", 1.0), lambda: sim.reinforce("dopamine", 1.0)),
        *(lambda: sim.forget(brain.fibers), lambda: sim.drive("Lex1"), sim.events, lambda: sim.assembly("Lex1")),
    )
    for call in refused:
        with pytest.raises(SimulationError, match="is closed; build a new one"):
            call()
    assert sim.rounds == 0
    assert sim.held == ()
    assert sim.locks == {}


@pytest.mark.parametrize("where", ["project", "select", "strengthen", "learn"])
def test_an_interrupted_round_is_completed_or_has_no_effect(where: str, monkeypatch: Any) -> None:
    from brainsim.kernels.cpu import backend, learn

    sim, _ = played(two_lexicons())
    twin, _ = played(two_lexicons())
    phon = sim.brain["Phon"]
    sim.present(phon["b"])
    twin.present(phon["b"])

    owner, name = {
        "project": (backend, "project"),
        "select": (backend, "select"),
        "strengthen": (learn, "strengthen"),
        "learn": (backend, "learn"),
    }[where]
    whole = getattr(owner, name)

    def interrupt(*arguments: Any) -> Any:
        result = whole(*arguments)
        signal.raise_signal(signal.SIGINT)
        return result

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, interrupt)
        with pytest.raises(KeyboardInterrupt):
            sim.run(sim.brain.fibers)
    if where in ("strengthen", "learn"):
        twin.run(twin.brain.fibers)
    assert sim.rounds == twin.rounds  # a completed round is counted
    assert sim.unused() == twin.unused()
    weights = [[c.tolist() for c in sim.connectome(f).learned()] for f in sim.brain.fibers]
    assert weights == [[c.tolist() for c in twin.connectome(f).learned()] for f in twin.brain.fibers]
    for one in (sim, twin):
        one.present(one.brain["Phon"]["a"])
        one.run(one.brain.fibers, rounds=3)
    assert fingerprint(sim)[:2] == fingerprint(twin)[:2]


def test_a_simulator_refuses_to_run_after_a_round_failed_while_learning(tmp_path: Path, monkeypatch: Any) -> None:
    from brainsim.kernels.cpu import overlay

    sim, _ = played(two_lexicons())
    sim.save(tmp_path / "good.h5")
    before = fingerprint(sim)

    def no_memory(*arguments: Any) -> Any:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(overlay.Overlay, "add", no_memory)
        sim.present(sim.brain["Phon"]["b"])
        with pytest.raises(MemoryError):
            sim.run(sim.brain.fibers, rounds=5)
    with pytest.raises(
        SimulationError, match="half-way through learning, or a load did; load a saved state or build a new one"
    ):
        sim.run(sim.brain.fibers)
    sim.load(tmp_path / "good.h5")
    assert fingerprint(sim) == before
    sim.run(sim.brain.fibers)


def test_wrong_kinds_of_argument_are_refused_by_name() -> None:
    brain = two_lexicons()
    sim = Simulator(brain, backend="reference")
    calls: list[tuple[Any, str]] = [
        (lambda: sim.present("a"), r"must be given assemblies \(got 'a'\); take a pattern by area\[label\]"),  # type: ignore[arg-type]
        (lambda: sim.present(brain["Phon"]), "must be given assemblies"),  # type: ignore[arg-type]
        (lambda: sim.run(None), r"must be given fibers, as in a >> b \| b >> c \(got None\)"),  # type: ignore[arg-type]
        (lambda: sim.run(brain), "must be given fibers"),  # type: ignore[arg-type]
        (lambda: sim.run(["Phon"]), "must be given fibers"),  # type: ignore[list-item]
        (lambda: sim.connectome(brain.fibers), "must be given one fiber"),
        (lambda: sim.run(brain["Phon"]), r"must be given fibers.*; a >> a are the fibers of area a to itself"),  # type: ignore[arg-type]
        (lambda: sim.run("Phon->Lex1"), r"\(got 'Phon->Lex1'\); Simulator\.project takes names of areas"),  # type: ignore[arg-type]
        (lambda: sim.schedule({"Phon": ["Lex1"]}), r"\(got {'Phon': \['Lex1'\]}\); Simulator\.project takes names"),  # type: ignore[arg-type]
        (lambda: sim.run(brain.fibers, learn=False), r"\(got False\); learn=\(\) lets none learn"),  # type: ignore[arg-type]
        (lambda: sim.project(["Phon"]), "must be given a mapping"),  # type: ignore[arg-type]
        (lambda: sim.project({"Phon": None}), "'Phon' must map to areas"),  # type: ignore[dict-item]
        (lambda: Simulator(None), "Simulator.brain: must be a Brain"),  # type: ignore[arg-type]
    ]
    for call, message in calls:
        with pytest.raises(DeclarationError, match=message):
            call()
    with pytest.raises(DumpError, match=r"nowhere/state\.h5: cannot be written"):
        sim.save("nowhere/state.h5")
    with pytest.raises(UnknownNameError, match="unknown area 'Lex'; did you mean 'Lex"):
        sim.record("Lex1").winners("Lex")
    with sim.frozen(), pytest.raises(SimulationError, match=r"cannot replace the state inside frozen\(\)"):
        sim.load("anything.h5")


def test_bad_settings_are_refused() -> None:
    with pytest.raises(BackendError, match="unknown backend 'cppu'; did you mean 'cpu'"):
        Simulator(two_lexicons(), backend="cppu")
    with pytest.raises(BackendError, match="'gpu' does not run here"):
        Simulator(two_lexicons(), backend="gpu")
    with pytest.raises(DeclarationError, match=r"Simulator.seed: .* \(got -1\)"):
        Simulator(two_lexicons(), seed=-1)
    with pytest.raises(DeclarationError, match=r"Simulator.threads: must be an integer of at least 1 \(got 0\)"):
        Simulator(two_lexicons(), threads=0)
    with pytest.raises(DeclarationError, match="must have at least one area"):
        Simulator(Brain())


def test_drives_that_could_overflow_are_refused_by_name() -> None:
    brain = Brain()
    sources = brain.add(*(Area(f"S{i}", 2**31 - 1, 10) for i in range(4)))
    target = brain.add(Area("T", 10, 1))
    for source in sources:
        brain.connect(source, target, p=0.1, plasticity=Hebbian(0.1))
    with pytest.raises(BackendError, match="Area 'T': drives could reach"):
        Simulator(brain)


def test_counts_that_could_overflow_are_refused_by_name() -> None:
    brain = Brain()
    sources = brain.add(*(Area(f"S{i}", 2**31 - 1, 10) for i in range(3)))
    target = brain.add(Area("T", 10, 1))
    for source in sources:
        brain.connect(source, target, p=0.1)
    with pytest.raises(BackendError, match="Area 'T': 6_442_450_941 neurons could fire at it at once, above the limit"):
        Simulator(brain)


def test_a_simulator_cannot_be_copied_or_pickled() -> None:
    """Its kernels use the addresses of arrays, which would be shared or wrong in a copy."""
    brain = Brain()
    brain.add(Area("A", n=10, k=2))
    sim = Simulator(brain)
    for copied in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match=r"cannot be copied or pickled; save\(\) it"):
            copied(sim)
    sim.close()


def test_a_brain_that_does_not_fit_into_memory_is_refused_with_ways_out(monkeypatch: Any) -> None:
    from brainsim.kernels.reference import ReferenceBackend

    def no_memory(*arguments: Any) -> Any:
        raise MemoryError("no room")

    monkeypatch.setattr(ReferenceBackend, "__init__", no_memory)
    brain = Brain()
    brain.add(Area("A", 1000, 10))
    with pytest.raises(BackendMemoryError, match=r"1_000 neurons \(no room\); lower n, or share .* mpiexec -n 4"):
        Simulator(brain, backend="reference")
