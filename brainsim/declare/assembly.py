"""Assemblies: immutable sets of neurons of one area."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from brainsim.errors import DeclarationError


class Assembly:
    """Some neurons of one area: a snapshot of its winners, or a named stimulus pattern.

    Parameters
    ----------
    area : str
        Name of the area.
    neurons : array_like of int
        Neuron indices, in any order, each once.
    label : str, optional
        What the assembly stands for, for example a word.

    Attributes
    ----------
    neurons : ndarray of int64, shape (size,)
        Ascending, read-only.

    Raises
    ------
    DeclarationError
        If an index is not a whole number, is negative or comes twice.
    """

    __slots__ = ("_area", "_label", "_neurons")

    def __init__(self, area: str, neurons: npt.ArrayLike, label: str | None = None) -> None:
        if not isinstance(area, str):
            raise DeclarationError(f"Assembly.area: must be the name of an area (got {area!r})")
        given = np.asarray(neurons)
        if given.size and (given.ndim != 1 or given.dtype.kind not in "iu"):
            raise DeclarationError(f"Assembly of area {area!r}: neurons must be a list of indices (got {neurons!r})")
        ordered = given.astype(np.int64).ravel()
        if not (ordered[1:] > ordered[:-1]).all():
            ordered = np.unique(ordered)
        if len(ordered) != given.size:
            raise DeclarationError(f"Assembly of area {area!r}: a neuron is listed twice; give each index once")
        if len(ordered) and ordered[0] < 0:
            raise DeclarationError(f"Assembly of area {area!r}: neuron {ordered[0]} is negative; indices start at 0")
        ordered.flags.writeable = False
        self._area, self._neurons, self._label = area, ordered, label

    def __reduce__(self) -> tuple[type[Assembly], tuple[str, npt.NDArray[np.int64], str | None]]:
        return Assembly, (self._area, self._neurons, self._label)

    @property
    def area(self) -> str:
        """Name of the area."""
        return self._area

    @property
    def neurons(self) -> npt.NDArray[np.int64]:
        """Neuron indices, ascending and read-only."""
        return self._neurons

    @property
    def label(self) -> str | None:
        """What the assembly stands for."""
        return self._label

    def overlap(self, other: Assembly) -> float:
        """Return the shared fraction ``|A ∩ B| / min(|A|, |B|)``, 0.0 if either is empty.

        Raises
        ------
        DeclarationError
            If the assemblies belong to different areas.
        """
        if other.area != self.area:
            raise DeclarationError(
                f"overlap: assemblies must be of one area (got {self.area!r} and {other.area!r}); "
                "project one into the area of the other first"
            )
        smaller = min(len(self), len(other))
        return len(np.intersect1d(self.neurons, other.neurons)) / smaller if smaller else 0.0

    def __len__(self) -> int:
        return len(self._neurons)

    def __iter__(self) -> Iterator[int]:
        return iter(self._neurons.tolist())

    def __contains__(self, neuron: object) -> bool:
        return isinstance(neuron, int | np.integer) and bool(np.isin(neuron, self._neurons))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Assembly):
            return NotImplemented
        return self.area == other.area and np.array_equal(self.neurons, other.neurons)

    def __hash__(self) -> int:
        return hash((self.area, self._neurons.tobytes()))

    def __repr__(self) -> str:
        label = f" {self.label!r}" if self.label is not None else ""
        shown = ", ".join(map(str, self.neurons[:6])) + (", …" if len(self) > 6 else "")
        return f"<Assembly{label} of {self.area}: {len(self)} neurons [{shown}]>"
