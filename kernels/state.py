"""Every kind of state that a backend keeps, declared once.

A *kind* defines the owner of the state (each area or each fiber), the columns of a value, and their bounds.
Saving, loading and probes go through `KINDS` and name no kind, except where files of older formats differ.  A backend
says for each kind how it is read and written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels import bounds
from brainsim.kernels.program import Program
from brainsim.kernels.state_kind import Column, StateKind
from brainsim.kernels.vectors import bounds as vector_bounds

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
    """Thresholds, subtracted from the drives of some neurons of an area, ascending; ``amount`` is in fixed point.

    Neurons that are not listed have threshold 0.
    """

    neurons: Neurons
    amount: npt.NDArray[np.int64]


class Drives(NamedTuple):
    """Drives, less thresholds, with which some neurons of an area won, ascending; ``amount`` is in fixed point.

    These are the firing neurons if they have won in a round; none if they were set in another way.
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
    """Return the kind of the neurons that traces remember at one end of their fibers."""
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
"""The kinds of areas that hold vectors, and of the fibers between them."""
KINDS = (WINNERS, WEIGHTS, THRESHOLDS, DRIVES, TRACED_SOURCES, TRACED_TARGETS, *TABLES)
"""In the order of writing: winners before drives, because new winners have no drives."""


def merged(parts: Sequence[Synapses]) -> Synapses:
    """Return the synapses of several parts, which share none, in order."""
    if len(parts) == 1:
        return parts[0]
    pre, post, weight = (np.concatenate([part[column] for part in parts]) for column in range(3))
    order = np.lexsort((post, pre))
    return Synapses(pre[order], post[order], weight[order])


def same(ours: Any, theirs: Any) -> bool:
    """Return whether two values of one kind are equal."""
    return ours is theirs or all(map(same_column, ours, theirs))


def same_column(ours: npt.NDArray[Any], theirs: npt.NDArray[Any]) -> bool:
    """Return whether two arrays of one type have the same bits."""
    return ours is theirs or ours.tobytes() == theirs.tobytes()  # ten times faster than comparing arrays
