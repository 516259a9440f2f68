"""Every kind of state that a backend keeps, declared once.

A *kind* says who owns the state (each area or each fiber), what columns a value has, and what may stand in them.
Saving, loading and probes go through `KINDS` and name no kind, except where files of older formats differ.  A backend
says for each kind how it is read and written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels import bounds
from brainsim.kernels.program import Program
from brainsim.kernels.vectors import bounds as vector_bounds
from brainsim.kernels.vectors.parts import UNIT_TOLERANCE

Neurons = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


class Firing(NamedTuple):
    """The neurons of an area that fired last, ascending."""

    neurons: Neurons


class Synapses(NamedTuple):
    """Stored synapses of one fiber, sorted by ``(pre, post)``; ``weight`` is in fixed point."""

    pre: Neurons
    post: Neurons
    weight: npt.NDArray[np.int64]


class Thresholds(NamedTuple):
    """What is subtracted from the drives of some neurons of an area, ascending; ``amount`` is in fixed point.

    Neurons that are not listed have threshold 0.
    """

    neurons: Neurons
    amount: npt.NDArray[np.int64]


class Drives(NamedTuple):
    """With which drive, less the threshold, some neurons of an area won, ascending; ``amount`` is in fixed point.

    These are the neurons that fire, if they have won in a round; none, if the area has not, or has been given others.
    """

    neurons: Neurons
    amount: npt.NDArray[np.int64]


class Events(NamedTuple):
    """Neurons of one end of a fiber that took part in rounds that its trace remembers, sorted by ``(age, neuron)``.

    The last round has age 0.
    """

    age: npt.NDArray[np.int64]
    neuron: Neurons


class Table(NamedTuple):
    """One row of float32 numbers for each node or edge: vectors, weights of channels, or inputs."""

    rows: Floats


Value = Firing | Synapses | Thresholds | Drives | Events | Table

_NONE: npt.NDArray[np.int64] = np.empty(0, np.int64)
NO_FIRING = Firing(_NONE)
NO_SYNAPSES = Synapses(_NONE, _NONE, _NONE)
NO_THRESHOLDS = Thresholds(_NONE, _NONE)
NO_DRIVES = Drives(_NONE, _NONE)
NO_EVENTS = Events(_NONE, _NONE)
NO_TABLE = Table(np.empty((0, 0), np.float32))


def without_zeros(thresholds: Thresholds) -> Thresholds:
    """Return the thresholds that are not 0: the same object if all are."""
    if thresholds.amount.all():
        return thresholds
    kept = thresholds.amount != 0
    return Thresholds(thresholds.neurons[kept], thresholds.amount[kept])


def amounts_at(known: Thresholds | Drives, neurons: Neurons) -> npt.NDArray[np.int64]:
    """Return the amounts of some neurons, ascending, with zeros where none is known."""
    amounts = np.zeros(len(neurons), np.int64)
    _, at, listed = np.intersect1d(neurons, known.neurons, assume_unique=True, return_indices=True)
    amounts[at] = known.amount[listed]
    return amounts


@dataclass(frozen=True)
class Column:
    """One column of a kind: int64 values, or a table of float32 values.

    Attributes
    ----------
    name : str
        The field of the kind's record.
    low, high : callable
        The smallest and the largest value that an owner, an index of a program, may have.
    sorts : bool
        Whether items are in the order of this column.
    unit : bool
        Whether the rows of a table have length 1.
    """

    name: str
    low: Callable[[Program, int], float]
    high: Callable[[Program, int], float]
    sorts: bool = False
    unit: bool = False


@dataclass(frozen=True, eq=False)
class StateKind:
    """One kind of state.

    Attributes
    ----------
    name : str
        As it stands in files and memory reports.
    owner : {"area", "fiber"}
        What has a value of this kind each.
    per : {"neuron", "synapse"}
        What an item of a value describes.
    record : type
        The `NamedTuple` of a value: int64 arrays of one length, in ascending order of the columns that sort, each once.
    columns : tuple of Column
        One for each field of ``record``.
    empty : NamedTuple
        The value in a new simulation.
    learned : bool
        Whether only rounds that learn change it, so that a probe need not put it back.
    owners : callable
        The indices of the areas or fibers of a program that can have a value other than ``empty``.
    limit : callable, optional
        How many items the value of an owner can have at most; by default, as many as the sorting columns allow.
    shape : callable, optional
        For kinds whose value is one `Table`, the shape that it has.
    """

    name: str
    owner: Literal["area", "fiber"]
    per: Literal["neuron", "synapse"]
    record: Callable[..., Any]
    columns: tuple[Column, ...]
    empty: Any
    learned: bool
    owners: Callable[[Program], Sequence[int]]
    limit: Callable[[Program, int], int] | None = None
    shape: Callable[[Program, int], tuple[int, int]] | None = None

    def named(self, program: Program) -> dict[str, int]:
        """Return the owners in a program, by name."""
        parts = program.areas if self.owner == "area" else program.fibers
        return {parts[index].name: index for index in self.owners(program)}

    def shape_of(self, program: Program, owner: int) -> tuple[int, int]:
        """Return the shape of a value of a kind whose values are tables."""
        assert self.shape is not None, f"{self.name} is no table"
        return self.shape(program, owner)

    def most(self, program: Program, owner: int) -> int:
        """Return how many items a value can have."""
        if self.shape is not None:
            return prod(self.shape(program, owner))
        if self.limit is not None:
            return self.limit(program, owner)
        sorting = [column for column in self.columns if column.sorts]
        return prod(max(0, int(column.high(program, owner) - column.low(program, owner)) + 1) for column in sorting)

    def fault(self, program: Program, owner: int, value: Any) -> str | None:
        """Return what is wrong with a value, ``None`` if a backend may be given it."""
        if self.shape is not None:
            return self._fault_of_table(self.shape(program, owner), program, owner, value.rows)
        lengths = {np.shape(column) for column in value}
        if len(lengths) > 1 or len(next(iter(lengths))) != 1:
            return f"its columns must be of one length (got shapes {sorted(lengths)})"
        if len(value[0]) > self.most(program, owner):
            return f"it must have at most {self.most(program, owner):_} items (got {len(value[0]):_})"
        for column, items in zip(self.columns, value, strict=True):
            if items.dtype != np.int64:
                return f"{column.name} must be integers of 64 bits (got {items.dtype})"
            low, high = column.low(program, owner), column.high(program, owner)
            if len(items) and not (low <= int(np.min(items)) and int(np.max(items)) <= high):
                return f"{column.name} must lie between {low} and {high}"
        return None if self._sorted(value) else "its items must be in ascending order, each once"

    def _fault_of_table(self, shape: tuple[int, int], program: Program, owner: int, rows: Any) -> str | None:
        if rows.shape != shape:
            return f"it must be of shape {shape} (got {rows.shape})"
        if rows.dtype != np.float32:
            return f"it must be numbers in single precision (got {rows.dtype})"
        (column,) = self.columns
        low, high = column.low(program, owner), column.high(program, owner)
        # Single precision rounds the bounds, too.  A number that is none fails every comparison.
        if rows.size and not (np.float32(low) <= np.min(rows) and np.max(rows) <= np.float32(high)):
            return f"{column.name} must be numbers between {low:g} and {high:g}"
        if column.unit and not (np.abs(np.einsum("ij,ij->i", rows, rows) - 1) <= 2 * UNIT_TOLERANCE).all():
            return f"{column.name} must have rows of length 1"
        return None

    def _sorted(self, value: Any) -> bool:
        """Return whether consecutive items ascend in the first sorting column in which they differ."""
        keys = [np.asarray(items) for column, items in zip(self.columns, value, strict=True) if column.sorts]
        ascends = np.zeros(max(0, len(keys[0]) - 1), np.bool_)
        for key in reversed(keys):
            ascends = (key[1:] > key[:-1]) | ((key[1:] == key[:-1]) & ascends)
        return bool(ascends.all())


WINNERS = StateKind(
    name="winners",
    owner="area",
    per="neuron",
    record=Firing,
    columns=(Column("neurons", bounds.zero, bounds.last_neuron, sorts=True),),
    empty=NO_FIRING,
    learned=False,
    owners=bounds.every_area,
)
WEIGHTS = StateKind(
    name="learned",
    owner="fiber",
    per="synapse",
    record=Synapses,
    columns=(
        Column("pre", bounds.zero, bounds.last_source, sorts=True),
        Column("post", bounds.zero, bounds.last_target, sorts=True),
        Column("weight", bounds.smallest_weight, bounds.largest_weight),
    ),
    empty=NO_SYNAPSES,
    learned=True,
    owners=bounds.storing_fibers,
)
THRESHOLDS = StateKind(
    name="thresholds",
    owner="area",
    per="neuron",
    record=Thresholds,
    columns=(
        Column("neurons", bounds.zero, bounds.last_neuron, sorts=True),
        Column("amount", bounds.smallest_amount, bounds.largest_amount),
    ),
    empty=NO_THRESHOLDS,
    learned=False,
    owners=bounds.every_area,
)
DRIVES = StateKind(
    name="drives",
    owner="area",
    per="neuron",
    record=Drives,
    columns=(
        Column("neurons", bounds.zero, bounds.last_neuron, sorts=True),
        Column("amount", bounds.one, bounds.largest_drive),
    ),
    empty=NO_DRIVES,
    learned=False,
    owners=bounds.every_area,
    limit=bounds.most_winners,
)


def _traced(name: str, last: Callable[[Program, int], int]) -> StateKind:
    """Return the kind of what traces remember of one end of their fibers."""
    return StateKind(
        name=name,
        owner="fiber",
        per="neuron",
        record=Events,
        columns=(
            Column("age", bounds.zero, bounds.oldest_age, sorts=True),
            Column("neuron", bounds.zero, last, sorts=True),
        ),
        empty=NO_EVENTS,
        learned=True,
        owners=bounds.tracing_fibers,
    )


TRACED_SOURCES = _traced("traced_sources", bounds.last_source)
TRACED_TARGETS = _traced("traced_targets", bounds.last_target)


def _table(
    name: str,
    owner: Literal["area", "fiber"],
    column: Column,
    owners: Callable[[Program], Sequence[int]],
    shape: Callable[[Program, int], tuple[int, int]],
    *,
    edges: bool = False,
) -> StateKind:
    """Return a kind whose value is a `Table` with a row for each node, or for each edge."""
    return StateKind(
        name=name,
        owner=owner,
        per="synapse" if edges else "neuron",
        record=Table,
        columns=(column,),
        empty=NO_TABLE,
        learned=edges,
        owners=owners,
        shape=shape,
    )


_COMPONENTS = Column("rows", vector_bounds.lowest_component, vector_bounds.highest_component, unit=True)
VECTORS = _table("vectors", "area", _COMPONENTS, vector_bounds.holding_areas, vector_bounds.vector_shape)
ANCHORS = _table("anchors", "area", _COMPONENTS, vector_bounds.anchored_areas, vector_bounds.vector_shape)
CHANNEL_WEIGHTS = _table(
    "channel_weights",
    "fiber",
    Column("rows", vector_bounds.lowest_weight, vector_bounds.highest_weight),
    vector_bounds.carrying_fibers,
    vector_bounds.weight_shape,
    edges=True,
)
INPUTS = _table(
    "inputs",
    "fiber",
    Column("rows", vector_bounds.lowest_input, vector_bounds.highest_input),
    vector_bounds.fibers_with_input,
    vector_bounds.input_shape,
)
TABLES = (VECTORS, ANCHORS, CHANNEL_WEIGHTS, INPUTS)
"""What areas that hold vectors and the fibers between them have."""
KINDS = (WINNERS, WEIGHTS, THRESHOLDS, DRIVES, TRACED_SOURCES, TRACED_TARGETS, *TABLES)
"""In the order in which they are written: who fires before with which drive, since new winners have none."""


def same(ours: Any, theirs: Any) -> bool:
    """Return whether two values of one kind are equal."""
    return ours is theirs or all(map(same_column, ours, theirs))


def same_column(ours: npt.NDArray[Any], theirs: npt.NDArray[Any]) -> bool:
    """Return whether two arrays of one type have the same bits."""
    return ours is theirs or ours.tobytes() == theirs.tobytes()  # ten times faster than comparing arrays
