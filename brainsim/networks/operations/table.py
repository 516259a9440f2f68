"""The table of operations: reading it, and their values on grids of operands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from brainsim._arguments import check_record, checked
from brainsim._validation import integer
from brainsim.errors import DeclarationError
from brainsim.networks.operations.formula import Formula

FIELDS = ("mathematics", "physics", "chemistry", "biology", "logic")

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Operation:
    """A named function of two operands.

    Attributes
    ----------
    name : str
        Unique in the table.
    field : str
        One of `FIELDS`.
    formula : Formula
        The formula of the operands ``a`` and ``b``.
    a, b : str
        Their domains: ``"0:10"`` for real numbers, ``"0..7"`` for integers.
    unit : str
        Unit of the result; ``"1"`` for a pure number.
    description, paraphrase, held_out : str
        Three descriptions in different words.
    """

    name: str
    field: str
    formula: Formula
    a: str
    b: str
    unit: str
    description: str
    paraphrase: str
    held_out: str

    def __post_init__(self) -> None:
        check_record(self)
        if self.field not in FIELDS:
            raise DeclarationError(where="Operation.field", value=self.field, allowed=" or ".join(FIELDS))
        for operand in ("a", "b"):
            _domain(f"Operation.{operand}", getattr(self, operand))

    @checked()
    def operands(self, operand: str, levels: int) -> Floats:
        """Return levels of an operand, from the smallest to the largest value of its domain.

        Parameters
        ----------
        operand : str
            ``"a"`` or ``"b"``.
        levels : int
            How many; 2 or more.

        Returns
        -------
        float64 array, shape (levels,)
            Evenly spaced; rounded for an integer domain.
        """
        if operand not in ("a", "b"):
            raise DeclarationError(where="Operation.operands.operand", value=operand, allowed="'a' or 'b'")
        count = integer("Operation.operands.levels", levels, 2, 10_000)
        low, high, whole = _domain(f"Operation.{operand}", getattr(self, operand))
        spaced = np.linspace(low, high, count)
        return np.round(spaced) if whole else spaced

    @checked()
    def grid(self, levels: int) -> Floats:
        """Return the values at all pairs of levels of the operands, shape ``(levels, levels)``, ``a`` along the rows.

        Examples
        --------
        >>> from brainsim.networks.operations import operations
        >>> xor = next(each for each in operations() if each.name == "bitwise_xor")
        >>> float(xor.grid(8)[5, 3])
        6.0
        """
        return self.formula(self.operands("a", levels)[:, None], self.operands("b", levels)[None, :])

    @checked()
    def symbols(self, levels: int, results: int) -> npt.NDArray[np.int64]:
        """Return `grid` sorted into ``results`` bins with equal numbers of values; equal values are in the same bin.

        Bins of equal width would put most values of a steep function into one.

        Returns
        -------
        int64 array, shape (levels, levels)
            0 to ``results - 1``; the least value is in bin 0.
        """
        values, count = self.grid(levels), integer("Operation.symbols.results", results, 2, 10_000)
        smaller = np.searchsorted(np.sort(values, axis=None), values)
        return (smaller * count // values.size).astype(np.int64)


@cache
def operations() -> tuple[Operation, ...]:
    """Return the 184 operations in the order of the table.

    Examples
    --------
    >>> from brainsim.networks.operations import operations
    >>> len(operations()), operations()[11].description
    (184, 'The hypotenuse of a right triangle.')
    """
    lines = files(__package__).joinpath("table.tsv").read_text(encoding="utf-8").splitlines()
    return tuple(_operation(line.split("\t")) for line in lines[1:])


def _operation(cells: list[str]) -> Operation:
    name, field, formula, *rest = cells
    return Operation(name, field, Formula(formula), *rest)


def _domain(where: str, text: str) -> tuple[float, float, bool]:
    whole = ".." in text
    try:
        low, high = (float(each) for each in text.split(".." if whole else ":"))
    except ValueError:
        low = high = np.nan
    if not low < high:
        raise DeclarationError(where=where, value=text, allowed="a domain such as '0:10', or '0..7' of integers")
    return low, high, whole
