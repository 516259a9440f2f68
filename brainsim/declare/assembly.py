"""Assemblies: immutable sets of neurons of one area."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim._html import dots, shown
from brainsim._validation import text, whole
from brainsim.declare.neurons import neuron_indices
from brainsim.errors import DeclarationError

_MOST_SHOWN = 200
"""Number of neurons of an assembly that a notebook draws."""

_Join = Callable[[npt.NDArray[np.int64], npt.NDArray[np.int64]], npt.NDArray[Any]]


class Assembly:
    """Some neurons of one area: a snapshot of its winners, or a named stimulus pattern.

    An assembly behaves as a set of neurons (``in``, ``&``, ``|``, ``-``, ``^``, ``<=`` between assemblies of one area)
    and as an array of their indices (``numpy.asarray(assembly)``).

    Parameters
    ----------
    area : str
        Name of the area.
    neurons : array_like of int
        Neuron indices, in any order, each once.
    label : str, optional
        What the assembly stands for, for example a word: any text of at most 32 KiB.

    Attributes
    ----------
    neurons : ndarray of int64, shape (size,)
        Ascending, read-only.

    Raises
    ------
    DeclarationError
        If an index is not a whole number, is negative or is given twice, or the label is not text.

    Examples
    --------
    >>> first, second = Assembly("Lex", [3, 1, 2], "dog"), Assembly("Lex", [2, 3, 4])
    >>> first & second
    <Assembly of Lex: 2 neurons [2, 3]>
    >>> first.overlap(second)
    0.6666666666666666
    >>> (first - second).labelled("only dog")
    <Assembly 'only dog' of Lex: 1 neuron [1]>
    """

    __slots__ = ("_area", "_label", "_neurons")

    # Otherwise NumPy would evaluate `array & assembly`, and combine the bits of neuron numbers.
    __array_ufunc__ = None

    def __init__(self, area: str, neurons: npt.ArrayLike, label: str | None = None) -> None:
        if not isinstance(area, str):
            raise DeclarationError(where="Assembly.area", value=area, allowed="the name of an area")
        if label is not None and not isinstance(label, str):
            raise DeclarationError(where="Assembly.label", value=label, allowed="text or None")
        ordered = neuron_indices(f"Assembly of area {area!r}", neurons)
        ordered.flags.writeable = False
        checked = None if label is None else text(f"Assembly of area {area!r}: label", label)
        self._area, self._neurons, self._label = area, ordered, checked

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

    def labelled(self, label: str | None) -> Assembly:
        """Return the same neurons under a label."""
        return Assembly(self._area, self._neurons, label)

    def overlap(self, other: Assembly) -> float:
        """Return the shared fraction ``|A ∩ B| / min(|A|, |B|)``, 0.0 if either is empty.

        Raises
        ------
        DeclarationError
            If the assemblies belong to different areas.
        """
        self._check_comparable("overlap", other)
        smaller = min(len(self), len(other))
        return len(np.intersect1d(self.neurons, other.neurons)) / smaller if smaller else 0.0

    def __and__(self, other: Assembly) -> Assembly:
        return self._joined("&", other, np.intersect1d)

    def __or__(self, other: Assembly) -> Assembly:
        return self._joined("|", other, np.union1d)

    def __sub__(self, other: Assembly) -> Assembly:
        return self._joined("-", other, np.setdiff1d)

    def __xor__(self, other: Assembly) -> Assembly:
        return self._joined("^", other, np.setxor1d)

    def _joined(self, operator: str, other: Assembly, join: _Join) -> Assembly:
        self._check_comparable(operator, other)
        return Assembly(self._area, join(self._neurons, other.neurons))

    def __le__(self, other: Assembly) -> bool:
        self._check_comparable("<=", other)
        return bool(np.isin(self._neurons, other.neurons).all())

    def __lt__(self, other: Assembly) -> bool:
        return self <= other and len(self) < len(other)

    def _check_comparable(self, operation: str, other: object) -> None:
        if not isinstance(other, Assembly):
            cure = f"Assembly({self.area!r}, neurons) makes one"
            raise DeclarationError(where=operation, value=other, allowed="between assemblies of one area", cure=cure)
        if other.area != self.area:
            raise DeclarationError(
                f"{operation}: assemblies must be of one area (got {self.area!r} and {other.area!r}); "
                "project one into the area of the other first",
                where=operation,
                value=(self.area, other.area),
                allowed="assemblies of one area",
                cure="project one into the area of the other first",
            )

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        wanted = np.dtype(np.int64 if dtype is None else dtype)
        if wanted == np.int64 and not copy:
            return self._neurons
        if copy is False:
            raise ValueError(f"neuron indices are int64; a copy is needed to have them as {wanted}")
        return self._neurons.astype(wanted)

    def __len__(self) -> int:
        return len(self._neurons)

    def __iter__(self) -> Iterator[int]:
        return iter(self._neurons.tolist())

    def __contains__(self, neuron: object) -> bool:
        index = whole(neuron)
        return index is not None and bool(np.isin(index, self._neurons))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Assembly):
            return NotImplemented
        return self.area == other.area and np.array_equal(self.neurons, other.neurons)

    def __hash__(self) -> int:
        return hash((self.area, self._neurons.tobytes()))

    def __repr__(self) -> str:
        label = f" {self.label!r}" if self.label is not None else ""
        shown = ", ".join(map(str, self.neurons[:6])) + (", …" if len(self) > 6 else "")
        return f"<Assembly{label} of {self.area}: {len(self)} {'neuron' if len(self) == 1 else 'neurons'} [{shown}]>"

    def _repr_html_(self) -> str:
        length = int(self.neurons[-1]) + 1 if len(self) else 1
        some = self.neurons[:: max(1, -(-len(self) // _MOST_SHOWN))].tolist()
        strip = dots(
            [(neuron / length, y) for neuron in some for y in (0.2, 0.5, 0.8)], 18, f"neurons 0 to {length - 1}"
        )
        return shown(repr(self).strip("<>"), (), (), strip)
