"""The public API, example arguments for all of it, and nonsense that replaces each of them."""

from __future__ import annotations

import inspect
import math
import tempfile
import types
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
from scipy.sparse import coo_array

import brainsim
import cascades
import feelings
import sentences
import speakers
from brainsim import (
    Area,
    Assembly,
    Batch,
    Brain,
    Channels,
    Cosine,
    Cycle,
    Explicit,
    Fiber,
    FiberSet,
    Hebbian,
    Modulator,
    Oscillator,
    Phase,
    Random,
    Region,
    Relax,
    Simulator,
    SmallWorld,
    Trace,
    VectorArea,
    Window,
    operations,
)
from brainsim.areas import Hippocampus, Striatum, Thalamus
from brainsim.errors import BrainsimError
from brainsim.models.nemo import Heard, Lexicon, Sentence, WordLearner
from brainsim.plots import Curve
from brainsim.simulate.connectome import Connectome
from brainsim.simulate.dumps import write_assemblies
from brainsim.simulate.edges import Edges
from brainsim.simulate.recordings.history import History
from brainsim.simulate.recordings.recording import Recording
from brainsim.simulate.schedule import Schedule
from brainsim.studies.parts import Part
from brainsim.studies.processes.calls import Call
from brainsim.studies.run import Run
from brainsim.studies.settings import Settings
from ranked import ThreadComm

FEW = ("None", "'nonsense'", "an object")
"""Nonsense for a quick test."""

NONSENSE: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "'nonsense'": lambda: "nonsense",
    "-1": lambda: -1,
    "nan": lambda: math.nan,
    "an object": object,
    "a foreign area": lambda: _foreign().lex,
    "''": lambda: "",
    "0": lambda: 0,
    "2**70": lambda: 2**70,
    "inf": lambda: math.inf,
    "[]": list,
    "{}": dict,
    "[None]": lambda: [None],
    "a function": lambda: lambda *_: None,
    "bytes": lambda: b"nonsense",
    "a matrix": lambda: np.zeros((2, 3, 4)),
    "an array of text": lambda: np.array(["a", "b"]),
    "True": lambda: True,
    "a foreign assembly": lambda: Assembly("Elsewhere", [0, 1]),
    "a foreign fiber": lambda: _foreign().forward,
    "a complex number": lambda: 1j,
}


@cache
def _foreign() -> World:
    return world(Path())  # nothing is written into this folder


MEANINGLESS = ("an object",)
"""Values that no parameter can use; a callable that accepts one of them ignores it."""


@dataclass
class World:
    """A small brain, a simulator of it, a folder with files, and other parts of examples."""

    folder: Path
    brain: Brain
    phon: Area
    lex: Area
    sim: Simulator
    forward: Fiber
    recording: Recording

    def fire(self) -> None:
        """Let an assembly fire in each area."""
        self.sim.disinhibit()
        for area in (self.phon, self.lex):
            self.sim.present(area["dog"])
        self.sim.run(self.phon >> self.brain["Arc"])
        self.sim.release()

    def outcomes(self) -> dict[str, Assembly]:
        return {"a": Assembly("Lex", range(10)), "b": Assembly("Lex", range(10, 20))}


def world(folder: Path) -> World:
    """Return a brain with a simulator in which something fires, and a folder in which files can be written."""
    brain = Brain()
    phon = Area("Phon", n=30, k=10, patterns={"dog": range(10), "cat": range(10, 20)})
    lex = Area("Lex", n=60, k=10, patterns={"dog": range(10), "cat": range(10, 20)})
    arc = Area("Arc", n=50, k=10)
    theta = Oscillator("theta", period=4)
    brain.add(phon, lex, arc, Modulator("dopamine", baseline=1.0), theta)
    for source, target in ((phon, lex), (lex, phon), (lex, lex), (phon, arc), (lex, arc), (arc, lex), (arc, arc)):
        modulated = source is phon and target is lex
        brain.connect(
            source,
            target,
            p=0.5,
            plasticity=Hebbian(0.1, w_max=20),
            modulated_by=(brain.modulators["dopamine"],) if modulated else (),
            trace=Trace(2, 0.5) if modulated else None,
        )
    brain.connect(arc, phon, p=0.5, plasticity=Hebbian(0.1, w_max=20))
    brain.connect(phon, phon, p=0.5, plasticity=Hebbian(0.1, w_max=20))
    _add_regions(brain, phon, lex)
    words = brain.add(VectorArea("Words", n=20, dim=4, k=3))
    graph, rule = SmallWorld(4, 0.1, symmetric=True), Relax({"joy": 0.1})
    brain.connect(words, words, graph=graph, message=Cosine(0.8), channels={"joy": 1.0}, weight=0.5, plasticity=rule)
    sim = Simulator(brain, seed=1, backend="reference")
    sim.present(phon["dog"])
    recording = sim.record(drives=True)
    sim.run(brain.fibers, rounds=2)
    recording.mark("dog")
    return World(folder, brain, phon, lex, sim, next(iter(phon >> lex)), recording)


def _add_regions(brain: Brain, phon: Area, lex: Area) -> None:
    """Add a small hippocampus, items behind a thalamus, and a striatum."""
    winners = {"k_ec": 4, "k_dg": 4, "k_ca3": 4, "k_ca1": 4}
    brain.add(Hippocampus("H", 12, 16, 12, 12, **winners, rounds=1, replay_rounds=1))
    items, signal = brain.add(Area("Items", n=8, k=8), Modulator("reward", baseline=0.0))
    thalamus, striatum = brain.add(Thalamus("T", 4, 2, 1), Striatum("S", ["a", "b"], dopamine=signal, k=3))
    brain.connect(phon, thalamus.relay, p=0.5)
    brain.connect(items, lex, p=0.5, gate=thalamus.relay)
    striatum.learns_from(phon, p=0.9)


@cache
def _learning() -> tuple[Area, Striatum]:
    """Return an area and a striatum of a brain that can be added to."""
    brain = Brain()
    cue, signal = brain.add(Area("Cue", n=10, k=4), Modulator("reward", baseline=0.0))
    return cue, brain.add(Striatum("S", ["a", "b"], dopamine=signal, k=3))


def with_files(folder: Path) -> World:
    """Return a world with a word list, clauses, a dump and a state in its folder."""
    (folder / "words.csv").write_text("word,class\ndog,noun\ncat,noun\nrun,verb\nsit,verb\n")
    (folder / "clauses.tsv").write_text("role\torder\tsubj\tverb\tobj\nMother\tSV\tdog\trun\t\n")
    given = world(folder)
    given.sim.save(folder / "state.h5")
    write_assemblies(folder / "dump.h5", [Assembly("A", [1], "dog")], {"r": given.recording})
    return given


def _inside(given: World) -> Path:
    """Return a new folder inside the folder of a world."""
    return Path(tempfile.mkdtemp(dir=given.folder))


def _lexicon() -> Lexicon:
    return Lexicon(nouns=("dog", "cat"), verbs=("run", "sit"))


@cache
def _learner() -> WordLearner:
    return WordLearner(_lexicon(), Hebbian(0.1, w_max=20), n=100, k=10, p=0.3, pattern_k=10, backend="reference")


def _fresh(kind: type) -> Any:
    """Return a brain or a region that can be added to."""
    owner = Region("Fresh") if kind is Region else Brain()
    a, b = owner.add(Area("A", n=10, k=2), Area("B", n=10, k=2))
    for source, target in ((a, b), (b, a)):
        owner.connect(source, target, p=0.5)
    return owner


BY_ANNOTATION: dict[str, Callable[[World], Any]] = {
    "object": lambda w: None,
    "Activation": lambda w: Channels(5, 2),
    "Area": lambda w: w.lex,
    "Area | Assembly": lambda w: Area("Gate", n=30, k=5),
    "Area | Modulator | Region": lambda w: Area("Fresh", n=10, k=2),
    "Area | str": lambda w: w.lex,
    "AreaLike": lambda w: w.lex,
    "AreaLike | Assembly": lambda w: w.phon["dog"],
    "AreaLike | Region | Iterable[AreaLike]": lambda w: [w.lex],
    "AreasLike": lambda w: w.lex,
    "AreasLike | Fiber | FiberSet": lambda w: w.lex,
    "Assembly": lambda w: w.phon["dog"],
    "Axes": lambda w: _axes(),
    "Brain": lambda w: w.brain,
    "Chooser": lambda w: w.brain.regions["S"],
    "Choice": lambda w: operations.Choice("a", 0.5, 1.0),
    "Any": lambda w: {},
    "Callable[..., Any] | Experiment | str | Path": lambda w: _study,
    "Callable[[Part], Any]": lambda w: lambda part: 1,
    "Callable[[], Figure]": lambda w: lambda: _axes().figure,
    "Connectivity": lambda w: Random(0.1),
    "Literal['row', 'sum']": lambda w: "row",
    "Literal['neighbour', 'self']": lambda w: "self",
    "Goal": lambda w: "cosine",
    "Message": lambda w: Cosine(0.8),
    "Plasticity | Relax": lambda w: Hebbian(0.1),
    "Cycle": lambda w: Cycle(one=Phase(1, w.forward)),
    "EpisodicMemory": lambda w: w.brain.regions["H"],
    "Fiber | FiberSet": lambda w: w.forward,
    "Function": lambda w: lambda run, *, n=1: {},
    "Iterable[AreaLike]": lambda w: [w.lex, "Arc"],
    "Iterable[Assembly]": lambda w: [w.phon["dog"]],
    "Iterable[Fiber]": lambda w: [w.forward],
    "Iterable[Sequence[str]]": lambda w: [("dog", "cat", "dog")],
    "Iterable[str]": lambda w: ["dog", "cat"],
    "Lexicon": lambda w: _lexicon(),
    "Mapping[AreaLike, Iterable[AreaLike] | AreaLike]": lambda w: {"Phon": ["Lex"]},
    "Mapping[AreaLike, Trace]": lambda w: {"Lex": operations.Trace()},
    "Mapping[str, Winners]": lambda w: {area: np.array([1, 2]) for area in w.brain.areas},
    "Mapping[str, Drives]": lambda w: {area: np.array([1.0, 2.0]) for area in w.brain.areas},
    "Mapping[str, Call]": lambda w: {"part": Call(_part, (1,))},
    "Mapping[str, Sequence[Any]]": lambda w: {"n": [1]},
    "Path": _inside,
    "Settings": lambda w: _settings(),
    "Mapping[str, Any]": lambda w: {"right": 1.0},
    "Mapping[float, float]": lambda w: {100.0: 1.0, 200.0: 0.5},
    "Mapping[str, Assembly]": lambda w: w.outcomes(),
    "Mapping[str, Recorded]": lambda w: {"r": w.recording},
    "Mapping[str, Sequence[float]]": lambda w: {"dog": [0.1, 0.2], "cat": [0.3, 0.4]},
    "Mapping[str, Value]": lambda w: {"n": 1},
    "Mapping[str, float]": lambda w: {"Lex1": 0.5},
    "Mapping[str, int]": lambda w: {"adverb": 1},
    "Mapping[str, npt.ArrayLike]": lambda w: {"dog": [1, 2]},
    "Mapping[str, tuple[float, ...]]": lambda w: {},
    "Modulator | Sequence[Modulator]": lambda w: (),
    "Modulator": lambda w: Modulator("reward", baseline=0.0),
    "ModulatorLike": lambda w: "dopamine",
    "Openable": lambda w: w.brain.fibers,
    "Openable | Cycle": lambda w: w.brain.fibers,
    "Oscillator": lambda w: w.brain.modulators["theta"],
    "Phase": lambda w: Phase(1, w.forward),
    "Plasticity": lambda w: Hebbian(0.1),
    "Random": lambda w: 1,
    "Recorded": lambda w: w.recording,
    "Sentence": lambda w: Sentence(("dog", "run"), "dog", "run"),
    "Sequence[Area | str]": lambda w: [w.lex],
    "Sequence[Area]": lambda w: [w.lex],
    "Sequence[Assembly]": lambda w: [w.phon["dog"], w.phon["cat"]],
    "Sequence[Curve]": lambda w: [Curve("a", [1, 2], [[0.1, 0.2]])],
    "Sequence[float]": lambda w: [0.1, 0.2],
    "Sequence[str]": lambda w: ["dog", "cat"],
    "Simulator": lambda w: w.sim,
    "Trace": lambda w: Trace(2, 0.5),
    "Window": lambda w: w.brain.modulators["theta"].encoding,
    "_Fibers": lambda w: w.forward,
    "Synapses": lambda w: ([0], [int(w.sim.connectome(w.forward).row(0)[0])], [2**17]),
    "bool": lambda w: False,
    "float": lambda w: 0.5,
    "int": lambda w: 2,
    "npt.ArrayLike": lambda w: [1, 2],
    "str": lambda w: "dog",
    "str | Assembly": lambda w: "dog",
    "str | Path": lambda w: w.folder / "dump.h5",
    "str | PathLike[str]": lambda w: w.folder / "history.h5",
    "tuple[float, ...]": lambda w: (0.1, 0.2),
    "int | np.random.Generator": lambda w: 1,
    "tuple[int, ...]": lambda w: (1, 2),
    "tuple[str, ...]": lambda w: ("dog", "cat"),
}
"""An example for each annotation (less ``| None``)."""

BY_NAME: dict[str, Callable[[World], Any]] = {
    "Brain.area.area": lambda w: "A",
    "Brain.fibers_between.source": lambda w: "A",
    "Brain.fibers_both_ways.a": lambda w: "A",
    "Brain.connect.source": lambda w: "A",
    "Brain.fibers_between.target": lambda w: "B",
    "Brain.fibers_both_ways.b": lambda w: "B",
    "Region.fibers_between.source": lambda w: "A",
    "Region.fibers_both_ways.a": lambda w: "A",
    "Region.connect.source": lambda w: "A",
    "Region.fibers_between.target": lambda w: "B",
    "Region.fibers_both_ways.b": lambda w: "B",
    "Region.connect.p": lambda w: 0.5,
    "Brain.connect.target": lambda w: "A",
    "Region.connect.target": lambda w: "A",
    "Region.add.areas": lambda w: Area("C", n=10, k=2),
    "Brain.connect.label": lambda w: "fresh",
    "Region.connect.label": lambda w: "fresh",
    "Channels.check.n": lambda w: 10,
    "Window.end": lambda w: 3,
    "Window.start": lambda w: 1,
    "Oscillator.window.start": lambda w: 0,
    "Oscillator.window.end": lambda w: 1,
    "Oscillator.period": lambda w: 4,
    "STDP.floor": lambda w: None,
    "nemo.Heard.areas_by.measure": lambda w: "readback",
    "operations.read_out.known": lambda w: {"a": w.phon["dog"], "b": w.phon["cat"]},
    "operations.evoke.fibers": lambda w: w.forward,
    "Connectivity.checked.source": lambda w: w.lex,
    "operations.normalize.fibers": lambda w: w.forward,
    "operations.normalize.total": lambda w: 20.0,
    "VectorArea.k": lambda w: 1,
    "Brain.connect.message": lambda w: None,
    "Fiber.message": lambda w: None,
    "Fiber.channels": lambda w: (),
    "Batch.each.do": lambda w: lambda sim: sim.rounds,
    "Batch.seeds": lambda w: [1],
    "Batch.backend": lambda w: "reference",
    "Batch.workers": lambda w: 1,
    "Simulator.comm": lambda w: ThreadComm(0, [None], Barrier(1)),
    "Simulator.edges.fiber": lambda w: _messages(w),
    "Simulator.vectors.area": lambda w: "Words",
    "Simulator.set_vectors.area": lambda w: "Words",
    "Simulator.set_vectors.vectors": lambda w: np.ones((20, 4)),
    "Edges.replace.weights": lambda w: np.zeros((40, 1)),
    "Edges.set_input.values": lambda w: np.zeros((20, 1)),
    "Explicit.weights": lambda w: coo_array(np.eye(60)),
    "Area.n": lambda w: 20,
    "Brain.connect.p": lambda w: 0.5,
    "Region.connect.keywords": lambda w: "x",
    "Simulator.project.mapping": lambda w: {"Phon": ["Lex"]},
    "Brain.connect.modulated_by": lambda w: (),
    "Recording.append.winners": lambda w: {"Lex": np.array([1])},
    "Recording.append.drives": lambda w: {"Lex": np.array([1.0])},
    "Area.k": lambda w: 1,
    "Area.activation": lambda w: None,
    "Simulator.backend": lambda w: "reference",
    "Simulator.assembly.label": lambda w: "dog",
    "Simulator.load.path": lambda w: w.folder / "state.h5",
    "Simulator.save.path": lambda w: w.folder / "saved.h5",
    "Simulator.run.learn": lambda w: None,
    "Simulator.run.cycles": lambda w: None,
    "Simulator.set_thresholds.values": lambda w: 0.1,
    "Simulator.temporary_thresholds.values": lambda w: 0.1,
    "Simulator.record.to": lambda w: None,
    "Simulator.record.every": lambda w: None,
    "nemo.read_lexicon.path": lambda w: w.folder / "words.csv",
    "nemo.read_lexicon.features": lambda w: (),
    "nemo.read_clauses.path": lambda w: w.folder / "clauses.tsv",
    "nemo.WordLearner.k": lambda w: 1,
    "nemo.WordLearner.n": lambda w: 50,
    "nemo.WordLearner.pattern_k": lambda w: 4,
    "nemo.WordLearner.simulator": lambda w: None,
    "Part.load.simulator": lambda w: w.sim,
    "Part.record.to": lambda w: "file.h5",
    "Run.abandon.status": lambda w: "failed",
    "dumps.write_assemblies.path": lambda w: w.folder / "written.h5",
    "export.write_nwb.path": lambda w: w.folder / "written.nwb",
    "export.write_sonata.path": lambda w: w.folder / "written.h5",
    "studies.sweep.jobs": lambda w: 1,
    "operations.attach.target": lambda w: "Arc",
    "operations.attach.alone": lambda w: 1,
    "operations.attach.trace": lambda w: operations.Trace(),
    "operations.choose.target": lambda w: "Lex",
    "operations.choose.context": lambda w: w.phon["dog"],
    "areas.Striatum.learns_from.cues": lambda w: _learning()[0],
    "areas.Striatum.learns_from.label": lambda w: f"fiber {len(_learning()[1].inputs)}",
    "operations.store.episode": lambda w: Assembly("H.EC", range(4)),
    "operations.recall.cue": lambda w: Assembly("H.EC", range(4)),
    "operations.familiar.cue": lambda w: Assembly("H.EC", range(4)),
    "operations.route.items": lambda w: Assembly("Items", range(8)),
    "operations.merge.source_b": lambda w: "Phon",
    "operations.reciprocal_project.source": lambda w: "Phon",
}
"""Examples for single parameters, where that of the annotation does not fit."""


ALWAYS = (
    "Area.k",
    "VectorArea.k",
    "Brain.connect.p",
    "Brain.connect.label",
    "Recording.append.drives",
    "studies.sweep.jobs",
    "Region.connect.label",
    "Region.connect.p",
    "areas.Striatum.learns_from.label",
    "operations.normalize.total",
    *cascades.ALWAYS,
    *feelings.ALWAYS,
    *sentences.ALWAYS,
    *speakers.ALWAYS,
)
"""Optional parameters that the examples need."""


def _history(given: World) -> Any:
    history = given.sim.record(drives=True, to=_inside(given) / "history.h5")
    given.sim.run(given.brain.fibers)
    return history


def _run(given: World, *, begun: bool = True) -> Run:
    run = Run(_inside(given), _settings())
    if begun:
        run.begin(resume=False)
    return run


def _settings() -> Settings:
    return Settings("study.py", "0" * 64, seed=1, quick=True, parameters={}, backend="reference")


def _part(part: Part, number: int) -> int:
    return number


def _study(*, n: int = 1, seed: int = 0) -> dict[str, int]:
    return {"n": n, "seed_was": seed}


def _axes() -> Any:
    from matplotlib.figure import Figure

    return Figure().subplots()


def _messages(given: World) -> Fiber:
    return next(iter(given.brain["Words"] >> given.brain["Words"]))


SELVES: dict[type | str, Callable[[World], Any]] = {
    "Run.begin": lambda w: _run(w, begun=False),
    Area: lambda w: w.lex,
    Assembly: lambda w: w.phon["dog"],
    Brain: lambda w: _fresh(Brain),
    Connectome: lambda w: w.sim.connectome(w.forward),
    Cycle: lambda w: Cycle(one=Phase(1, w.forward)),
    Edges: lambda w: w.sim.edges(_messages(w)),
    Explicit: lambda w: Explicit(coo_array(np.eye(60))),
    Batch: lambda w: Batch(w.brain, [1], backend="reference"),
    Fiber: lambda w: w.forward,
    FiberSet: lambda w: w.brain.fibers,
    History: lambda w: _history(w),
    Oscillator: lambda w: w.brain.modulators["theta"],
    Region: lambda w: _fresh(Region),
    Recording: lambda w: Recording([w.lex], drives=True),
    Part: lambda w: _run(w)._parts.new("part", ["file.h5"]),
    Run: _run,
    Schedule: lambda w: w.sim.schedule(),
    Simulator: lambda w: w.sim,
    Striatum: lambda w: _learning()[1],
    Window: lambda w: w.brain.modulators["theta"].encoding,
    operations.FiniteStateMachine: lambda w: operations.FiniteStateMachine(w.sim, "Phon", "Lex", "Arc"),
    operations.MarkovChain: lambda w: operations.MarkovChain(w.sim, "Phon", "Lex"),
    WordLearner: lambda w: _learner(),
    Lexicon: lambda w: _lexicon(),
    Heard: lambda w: Heard({"Lex1": 1.0}, {"Lex1": 1.0}),
}


BY_ANNOTATION.update(cascades.BY_ANNOTATION)
BY_NAME.update(cascades.BY_NAME)
SELVES.update(cascades.SELVES)
BY_ANNOTATION.update(feelings.BY_ANNOTATION)
BY_NAME.update(feelings.BY_NAME)
SELVES.update(feelings.SELVES)
BY_ANNOTATION.update(sentences.BY_ANNOTATION)
BY_NAME.update(sentences.BY_NAME)
SELVES.update(sentences.SELVES)
BY_ANNOTATION.update(speakers.BY_ANNOTATION)
BY_NAME.update(speakers.BY_NAME)
SELVES.update(speakers.SELVES)


@dataclass(frozen=True)
class Target:
    """A public function, constructor or method."""

    name: str
    kind: type | None
    method: str

    function: Callable[..., Any]

    def bound(self, given: World) -> Callable[..., Any]:
        """Return the callable, bound to an example of its class."""
        if not self.method:
            return self.function
        make = SELVES.get(self.name) or (SELVES.get(self.kind) if self.kind else None)
        return getattr(make(given) if make else self._instance(given), self.method)

    def _instance(self, given: World) -> Any:
        assert self.kind is not None
        maker = Target(self.name.rpartition(".")[0], self.kind, "", self.kind)
        return call(maker, given)

    @property
    def replaceable(self) -> list[inspect.Parameter]:
        """The public parameters that nonsense can replace; Python refuses unknown keywords."""
        named = [each for each in self.parameters if each.kind is not inspect.Parameter.VAR_KEYWORD]
        return [each for each in named if not each.name.startswith("_")]

    @property
    def parameters(self) -> list[inspect.Parameter]:
        found = list(inspect.signature(self.function).parameters.values())
        return found[1:] if self.method else found

    def example(self, parameter: inspect.Parameter, given: World) -> Any:
        """Return an example for a parameter; a KeyError if there is none."""
        own = f"{self.name}.{parameter.name}"
        if own in BY_NAME:
            return BY_NAME[own](given)
        annotation = str(parameter.annotation).removesuffix(" | None").removeprefix("None | ")
        if annotation not in BY_ANNOTATION:
            raise KeyError(f"{own}: give an example for annotation {annotation!r}")
        return BY_ANNOTATION[annotation](given)


def targets() -> Iterator[Target]:
    """Return every public function, constructor and method, by introspection."""
    seen = {id(Simulator.close)}  # it has no parameters, and it would close the simulator of the examples
    for prefix, thing in _things():
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if not isinstance(thing, type):
            yield Target(prefix, None, "", thing)
            continue
        if issubclass(thing, Warning):  # warnings accept any text
            continue
        if not inspect.isabstract(thing):
            yield Target(prefix, thing, "", thing)
        for name in dir(thing):
            method = inspect.getattr_static(thing, name)
            if not name.startswith("_") and inspect.isfunction(method) and id(method) not in seen:
                seen.add(id(method))
                if not inspect.isabstract(thing):
                    yield Target(f"{prefix}.{name}", thing, name, method)


def _things() -> Iterator[tuple[str, Any]]:
    yield from (("Connectome", Connectome), ("Edges", Edges), ("Part", Part), ("Schedule", Schedule))
    for name in brainsim.__all__:
        thing = getattr(brainsim, name)
        if isinstance(thing, types.ModuleType):
            own = [n for n, v in vars(thing).items() if getattr(v, "__module__", "") == thing.__name__ and n[0] != "_"]
            for inner in getattr(thing, "__all__", own):
                if callable(getattr(thing, inner)):
                    yield f"{name}.{inner}", getattr(thing, inner)
        elif callable(thing):
            yield name, thing


def call(target: Target, given: World, replaced: str = "", value: object = None) -> Any:
    """Call a target with examples, one of them replaced."""
    positional, named = [], {}
    for parameter in target.parameters:
        wrong = parameter.name == replaced
        if parameter.kind is inspect.Parameter.VAR_KEYWORD and target.kind is not Cycle and not wrong:
            continue
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL and target.kind is Cycle and not wrong:
            continue
        optional = parameter.default is not inspect.Parameter.empty
        if not wrong and optional and parameter.name != "ax" and f"{target.name}.{parameter.name}" not in ALWAYS:
            continue
        chosen = value if wrong else target.example(parameter, given)
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            positional.append(chosen)
        elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
            named["unknown"] = chosen
        elif parameter.kind is inspect.Parameter.KEYWORD_ONLY or named or _skipped(target, parameter, replaced):
            named[parameter.name] = chosen
        else:
            positional.append(chosen)
    result = target.bound(given)(*positional, **named)
    if isinstance(result, AbstractContextManager) and target.function.__name__ not in ("open",):
        with result as entered:
            if isinstance(entered, Path):
                entered.write_text("content")
    return result


def _skipped(target: Target, parameter: inspect.Parameter, replaced: str) -> bool:
    """Return whether an earlier parameter keeps its default, so that this one must be given by name."""
    names = [each.name for each in target.parameters]
    before = target.parameters[: names.index(parameter.name)]
    return any(each.default is not inspect.Parameter.empty and each.name != replaced for each in before)


def outcome(target: Target, given: World, parameter: str, value: object) -> str:
    """Return ``refused``, ``accepted``, or a description of another error."""
    try:
        call(target, given, parameter, value)
    except BrainsimError:
        return "refused"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:90]}"
    return "accepted"
