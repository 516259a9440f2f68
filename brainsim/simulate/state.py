"""The state of a simulator: that of the backend (`brainsim.kernels.state`) and that of the brain as a whole.

Probes, saving and loading go through `StateTable` and name no kind of state.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from brainsim.kernels.interrupts import uninterrupted
from brainsim.kernels.program import Program
from brainsim.kernels.state import KINDS, WEIGHTS, same
from brainsim.kernels.state_kind import StateKind
from brainsim.simulate import modulator_values
from brainsim.simulate.agreement import disagreement
from brainsim.simulate.engine import Engine
from brainsim.simulate.locks import Locks, from_pairs, to_pairs


@dataclass(frozen=True)
class BrainKind:
    """A kind of state that the brain as a whole has.

    It is a set of areas or fibers, their locks, a count of rounds, or the values of modulators.

    Attributes
    ----------
    name : str
        The attribute of `BrainState`, and the name in files.
    of : {"areas", "fibers", "rounds", "modulators"}
        Content of the value.
    restored : bool
        Whether a probe restores it.
    locks : bool
        Whether it holds the locks of each of them, rather than a set of them.
    """

    name: str
    of: Literal["areas", "fibers", "rounds", "modulators"]
    restored: bool = True
    locks: bool = False


_MOST_ROUNDS = 2**62

BRAIN_KINDS = (
    BrainKind("held", "areas"),
    BrainKind("area_locks", "areas", locks=True),
    BrainKind("fiber_locks", "fibers", locks=True),
    BrainKind("rounds", "rounds"),
    BrainKind("modulators", "modulators"),
    # A fiber that only probes open has been used, so probes do not restore the record of used parts.
    BrainKind("opened", "fibers", restored=False),
    BrainKind("fired", "areas", restored=False),
)


@dataclass
class BrainState:
    """Held areas, locks, the clock, modulators, and what has been used so far; areas and fibers by index.

    Of modulators, the values that are away from their baselines are listed, by name, with 16 fractional bits.
    """

    held: set[int] = field(default_factory=set)
    area_locks: Locks = field(default_factory=dict)
    fiber_locks: Locks = field(default_factory=dict)
    rounds: int = 0
    modulators: dict[str, int] = field(default_factory=dict)
    opened: set[int] = field(default_factory=set)
    fired: set[int] = field(default_factory=set)

    def get(self, kind: BrainKind) -> Any:
        """Return a copy of a value: a set, a mapping or a count."""
        return _copied(getattr(self, kind.name))

    def set(self, kind: BrainKind, value: Any) -> None:
        """Replace a value."""
        setattr(self, kind.name, _copied(value))


def _copied(value: Any) -> Any:
    return value if isinstance(value, int) else value.copy()


@dataclass(frozen=True)
class Snapshot:
    """A whole state by name, so that it fits any backend and any order of declaration.

    Attributes
    ----------
    values : mapping of str to mapping
        For each `StateKind` by name, the value of each owner by name.
    brain : mapping of str to object
        For each `BrainKind` by name, a tuple of names, a tuple of pairs of owner and lock, a count, or values by name.
    """

    values: Mapping[str, Mapping[str, Any]]
    brain: Mapping[str, Any]


class Kept(NamedTuple):
    """The state that a probe restores: values of the brain by kind, and of the backend in the order of the table."""

    brain: Sequence[tuple[BrainKind, Any]]
    values: Sequence[Any]


class StateTable:
    """Every value of the state of one simulator; ``modulators`` are the names of those that can be set."""

    def __init__(self, engine: Engine, brain: BrainState, modulators: Collection[str] = ()) -> None:
        self._engine = engine
        self._brain = brain
        self._program = engine.program
        self._modulators = modulators
        self._unlearned = [(k, owner) for k in KINDS if not k.learned for owner in k.owners(self._program)]

    def kept(self) -> Kept:
        """Return the state that a probe restores: all that a round without learning can change."""
        brain = [(kind, self._brain.get(kind)) for kind in BRAIN_KINDS if kind.restored]
        return Kept(brain, self._engine.read_all(self._unlearned))

    def put_back(self, kept: Kept) -> None:
        """Write what `kept` returned, where it has changed; an interruption waits until all of it is written."""
        with uninterrupted():
            for kind, value in kept.brain:
                self._brain.set(kind, value)
            if self._engine.usable:
                # Drives belong to winners, so to write winners leaves no drives in place that were found unchanged.
                found = self._engine.read_all(self._unlearned)
                for (owned, owner), ours, theirs in zip(self._unlearned, kept.values, found, strict=True):
                    if not same(ours, theirs):
                        self._engine.write(owned, owner, ours)

    def snapshot(self) -> Snapshot:
        """Return the state without stored synapses, which may be too many for one rank."""
        values = {
            kind.name: {name: self._engine.read(kind, owner) for name, owner in kind.named(self._program).items()}
            for kind in KINDS
            if kind is not WEIGHTS
        }
        return Snapshot(values, {kind.name: self._names(kind, self._brain.get(kind)) for kind in BRAIN_KINDS})

    def restore(self, snapshot: Snapshot) -> None:
        """Restore a snapshot in which `fault` finds nothing wrong; an interruption waits until then."""
        values = [
            (kind, owner, snapshot.values[kind.name][name])
            for kind in KINDS
            for name, owner in kind.named(self._program).items()
        ]
        with uninterrupted():
            self._engine.write_all(values)
            for kind in BRAIN_KINDS:
                self._brain.set(kind, self._indices(kind, snapshot.brain[kind.name]))

    def fault(self, snapshot: Snapshot) -> str | None:
        """Return what is wrong with a snapshot for this brain, ``None`` if it can be restored."""
        return fault(self._program, self._modulators, snapshot)

    def _index(self, kind: BrainKind) -> dict[str, int]:
        return _index(self._program, kind)

    def _names(self, kind: BrainKind, value: Any) -> Any:
        if kind.of in ("rounds", "modulators"):
            return value
        if kind.locks:
            return to_pairs(value, self._index(kind))
        return tuple(name for name, index in self._index(kind).items() if index in value)

    def _indices(self, kind: BrainKind, value: Any) -> Any:
        if kind.of in ("rounds", "modulators"):
            return value
        index = self._index(kind)
        return from_pairs(value, index) if kind.locks else {index[name] for name in value}


def _index(program: Program, kind: BrainKind) -> dict[str, int]:
    if kind.of == "areas":
        return {area.name: index for index, area in enumerate(program.areas)}
    return {fiber.name: index for index, fiber in enumerate(program.fibers)}


def fault(program: Program, modulators: Collection[str], snapshot: Snapshot) -> str | None:
    """Return what is wrong with a snapshot for a program and its settable modulators, ``None`` if it can be restored.

    Of the program, the sizes, the bounds of weights, and what has a state matter.
    """
    faults = [_fault_of_kind(program, kind, snapshot.values.get(kind.name, {})) for kind in KINDS]
    faults += [_fault_of_brain(program, modulators, kind, snapshot.brain.get(kind.name)) for kind in BRAIN_KINDS]
    return next((found for found in faults if found), None) or disagreement(snapshot.values)


def _fault_of_kind(program: Program, kind: StateKind, values: Mapping[str, Any]) -> str | None:
    owners = kind.named(program)
    for name in (*(owners.keys() - values.keys()), *(values.keys() - owners.keys())):
        state = "is missing" if name in owners else "belongs to nothing in this brain"
        return f"{kind.name} of {kind.owner} {name!r} {state}"
    for name, owner in owners.items():
        found = kind.fault(program, owner, values[name])
        if found:
            return f"{kind.name} of {kind.owner} {name!r}: {found}"
    return None


def _fault_of_brain(program: Program, modulators: Collection[str], kind: BrainKind, value: Any) -> str | None:
    if kind.of == "rounds":
        right = isinstance(value, int) and 0 <= value <= _MOST_ROUNDS
        return None if right else f"{kind.name} must be a count of at most {_MOST_ROUNDS} (got {value!r})"
    if value is None:
        return f"{kind.name} is missing"
    if kind.of == "modulators":
        return modulator_values.fault(value, modulators)
    named = [owner for owner, _ in value] if kind.locks else value
    if len(set(value)) < len(value):
        return f"{kind.name} names something twice"
    unknown = [name for name in named if name not in _index(program, kind)]
    return f"{kind.name} names {unknown[0]!r}, which this brain does not have" if unknown else None
