"""Whole files of every kind that brainsim writes, and functions that read them."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from brainsim import (
    Area,
    Brain,
    Cosine,
    Hebbian,
    Modulator,
    Relax,
    Simulator,
    SmallWorld,
    Threshold,
    VectorArea,
    cli,
)
from brainsim.errors import BrainsimError
from brainsim.simulate.dumps import read_assemblies, read_recordings, write_assemblies
from checkout import ROOT
from old_brains import of_format_2, of_format_3, of_format_4

Content = Any  # JSON data
SEED = 5
OLD = ROOT / "tests" / "simulate" / "data"


class ChangedError(Exception):
    """A refused file has changed the simulator."""


class UntidyError(Exception):
    """A refusal is not one line, or the content is impossible for a brain."""


STUDY = """
from pathlib import Path
from brainsim import Area, Brain, Hebbian, Simulator, experiment

def learned(run, checkpoint, seed):
    brain = Brain()
    s, a = brain.add(Area("S", 60, 10, patterns={"x": range(10)}), Area("A", 100, 8))
    brain.connect(s, a, p=0.3, plasticity=Hebbian(0.1, w_max=20))
    brain.connect(a, a, p=0.2, plasticity=Hebbian(0.1, w_max=20))
    with Simulator(brain, seed, backend="reference") as sim:
        notes = checkpoint.load(sim) or {"sizes": []}
        while sim.rounds < 6:
            sim.present(s["x"])
            sim.run(brain.fibers)
            notes["sizes"].append(len(sim.support(a)) if hasattr(sim, "support") else sim.rounds)
            checkpoint.save(sim, notes, now=True)
            if sim.rounds == 3 and seed == 2 and Path("stop").exists():
                raise KeyboardInterrupt
        return {"winners": sim.assembly(a).neurons.tolist(), "sizes": notes["sizes"]}

@experiment
def study(run, *, brains: int = 3, word: str = "dog"):
    found = [run.part(f"brain-{seed}", lambda checkpoint: learned(run, checkpoint, seed)) for seed in range(brains)]
    return {"word": word, "found": found}
"""


def with_vectors() -> Brain:
    """Return a brain in which an area holds vectors, and the edges of a fiber have weights that learn."""
    brain = Brain()
    words, joy = brain.add(VectorArea("Words", n=40, dim=4, k=5), Modulator("joy", baseline=1.0, decay=0.5))
    brain.connect(
        words,
        words,
        graph=SmallWorld(6, 0.2),
        message=Cosine(0.8, anchor=0.1),
        channels={"safety": 0.4, "joy": 0.6},
        weight=0.5,
        plasticity=Relax({"safety": 0.1, "joy": 0.5}),
        modulated_by=joy,
    )
    s = brain.add(Area("S", 60, 10, patterns={"x": range(10)}))
    brain.connect(s, words, p=0.3, plasticity=Hebbian(0.1))
    return brain


def _save_with_vectors(path: Path) -> None:
    with Simulator(with_vectors(), SEED, backend="reference") as sim:
        brain, rng = sim.brain, np.random.default_rng(SEED)
        sim.set_vectors("Words", rng.normal(size=(40, 4)))
        sim.edges(brain["Words"] >> brain["Words"]).set_input(rng.random((40, 2)))
        sim.present(brain["S"]["x"])
        sim.run(brain.fibers, 3)
        sim.set_modulator("joy", 2.0)
        sim.save(path, "three rounds")


def _simulated(backend: str) -> tuple[Simulator, Any]:
    sim = Simulator(of_format_4(), SEED, backend=backend)
    brain = sim.brain
    recording = sim.record(drives=True)
    recording.mark("x")
    sim.present(brain["S"]["x"])
    sim.run(brain.fibers, 4)
    recording.mark("y")
    sim.present(brain["S"]["y"])
    sim.run(brain.fibers, 3)
    recording.stop()
    sim.set_modulator("dopamine", 0.5)
    sim.inhibit(brain["S"] >> brain["A"], lock="closed")
    sim.inhibit("T")
    sim.hold("S")
    return sim, recording


def make(folder: Path) -> dict[str, Path]:
    """Write a whole specimen of each kind into a folder; return their paths by kind."""
    found = {kind: folder / kind.replace(" ", "_") for kind in KINDS}
    sim, recording = _simulated("reference")
    with sim:
        sim.save(found["state"], "seven rounds")
        assemblies = [sim.brain["S"]["x"], *(sim.assembly(area, label) for area, label in (("A", "a"), ("T", "狗")))]
        write_assemblies(found["dump"], assemblies, {"life": recording, "again": recording})
    _save_with_vectors(found["state of vectors"])
    _histories(found["history"], found["open history"])
    for version in (2, 3, 4):
        shutil.copy(OLD / f"state_format_{version}.h5", found[f"state of format {version}"])
    shutil.copy(OLD / "state_format_2.h5", found["state of format 1"])
    with h5py.File(found["state of format 1"], "r+") as file:
        file.attrs["brainsim_format"] = 1
        del file["thresholds"], file["learned/S->T"]
    _run_folder(found["run folder"])
    return found


def _histories(closed: Path, unclosed: Path) -> None:
    with Simulator(of_format_4(), SEED, backend="reference") as sim:
        history = sim.record(drives=True, to=closed, every=2)
        history.mark("x")
        sim.present(sim.brain["S"]["x"])
        sim.run(sim.brain.fibers, 7)
        history.mark("y")
        sim.run(sim.brain.fibers, 2)
        shutil.copy(closed, unclosed)  # as after a kill of the process
        history.stop()


def _run_folder(folder: Path) -> None:
    """Make the folder of an interrupted run: two parts are finished, and one has begun."""
    folder.mkdir()
    (folder / "study.py").write_text(STUDY)
    (folder / "stop").touch()
    with contextlib.chdir(folder):
        code, said = run_command("run", "study.py", "--out", "out", "--backend", "reference", "--jobs", "1")
        (folder / "stop").unlink()
    assert code == 130, said
    (folder / "out" / "metrics.json").write_text("{}\n")


def run_command(*arguments: str) -> tuple[int, str]:
    """Run the command line in this process; return its exit code and its stderr."""
    before, sys.argv = sys.argv, ["brainsim", *arguments]
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            cli.main()
    except SystemExit as stop:
        return int(stop.code or 0), said.getvalue()
    finally:
        sys.argv = before
    return 0, said.getvalue()


def raw(path: Path) -> dict[str, str]:
    """Return what plain h5py finds in a file: type, shape and digest of each dataset, and the attributes, by name."""
    found: dict[str, str] = {}

    def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
        for key, value in item.attrs.items():
            found[f"{name}@{key}"] = f"{getattr(value, 'dtype', '')} {value!r}"
        if isinstance(item, h5py.Dataset):
            value = item[()]
            data = value.tobytes() if item.dtype.kind != "O" and hasattr(value, "tobytes") else repr(value).encode()
            found[name] = f"{item.dtype} {item.shape} {hashlib.sha256(data).hexdigest()}"

    with h5py.File(path, "r") as file:
        visit("", file)
        file.visititems(visit)
    return found


@contextlib.contextmanager
def _scratch(path: Path) -> Iterator[Path]:
    again = path.with_name(f"{path.name}.again")
    try:
        yield again
    finally:
        again.unlink(missing_ok=True)


def _state(brain: Callable[[], Brain], path: Path, backend: str) -> Content:
    with Simulator(brain(), SEED, backend=backend) as sim, _scratch(path) as again:
        sim.save(again)
        before = raw(again)
        try:
            note = sim.load(path)
        except BrainsimError:
            sim.save(again)
            if raw(again) != before:
                raise ChangedError from None
            raise
        sim.save(again, note)
        content = raw(again)
        sim.disinhibit()
        for kept in sim.locks.items():
            sim.disinhibit(kept[0], lock=kept[1][0])
        for _ in range(2):
            sim.run(sim.brain.fibers)
        _check_areas(sim)
    return content


def _check_areas(sim: Simulator) -> None:
    for area in sim.brain.areas.values():
        neurons = sim.assembly(area).neurons
        most = area.n if isinstance(area.activation, Threshold) else area.k
        if (len(neurons) > most and area.name not in sim.held) or (len(neurons) and neurons[-1] >= area.n):
            raise UntidyError(f"area {area.name!r} fires {len(neurons)} of {most} neurons")


def _dump(path: Path, backend: str) -> Content:
    del backend
    assemblies, recordings = read_assemblies(path), read_recordings(path)
    with _scratch(path) as again:
        write_assemblies(again, [each for of_area in assemblies.values() for each in of_area.values()], recordings)
        return raw(again)


def _history(path: Path, backend: str) -> Content:
    """Return a text for each round, with its marks."""
    del backend
    (recording,) = read_recordings(path).values()
    rounds = [
        repr([mark.label for mark in recording.marks if mark.round == number]) for number in range(len(recording))
    ]
    for area in recording.areas:
        for number, found in enumerate(zip(recording.winners(area), recording.drives(area), strict=True)):
            rounds[number] += f" {area.name} {[each.tolist() for each in found]}"
    return rounds


def _run(path: Path, backend: str) -> Content:
    del backend
    with contextlib.chdir(path):
        code, said = run_command("run", "--resume", "--out", "out", "--backend", "reference", "--jobs", "1")
        if code:
            lines = said.strip().splitlines()
            if len(lines) != 1 or not lines[0].startswith("brainsim: "):
                raise UntidyError(f"exit code {code}: {said}")
            raise BrainsimError(lines[0])
        metrics = json.loads((path / "out" / "metrics.json").read_text())
    return {key: value for key, value in metrics.items() if key not in ("seconds", "peak_rss_mb", "versions")}


KINDS: Mapping[str, Callable[[Path, str], Content]] = {
    "state": lambda path, backend: _state(of_format_4, path, backend),
    "state of vectors": lambda path, backend: _state(with_vectors, path, backend),
    "dump": _dump,
    "history": _history,
    "open history": _history,
    "run folder": _run,
    "state of format 1": lambda path, backend: _state(of_format_2, path, backend),
    "state of format 2": lambda path, backend: _state(of_format_2, path, backend),
    "state of format 3": lambda path, backend: _state(of_format_3, path, backend),
    "state of format 4": lambda path, backend: _state(of_format_4, path, backend),
}
"""A function for each kind of file: it reads the file, checks that a brain can use it, and returns JSON data."""
