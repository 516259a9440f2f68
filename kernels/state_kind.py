"""Kinds of state: their owners, the columns of their values, and the bounds of these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np

from brainsim.kernels.program import Program
from brainsim.kernels.vectors.parts import UNIT_TOLERANCE


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
        Name in files and memory reports.
    owner : {"area", "fiber"}
        The parts that have a value of this kind.
    per : {"neuron", "synapse"}
        What an item of a value describes.
    record : type
        The `NamedTuple` of a value: int64 arrays of one length, in ascending order of the columns that sort, each once.
    columns : tuple of Column
        One for each field of ``record``.
    empty : NamedTuple
        The value in a new simulation.
    learned : bool
        Whether only rounds that learn change it, so that a probe need not restore it.
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
        # Single precision rounds the bounds, too.  NaN fails every comparison.
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
