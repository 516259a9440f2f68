"""Formulas of two variables: text that is parsed once and evaluated on arrays, without Python's ``eval``."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim._validation import text
from brainsim.errors import DeclarationError

Floats = npt.NDArray[np.float64]


def _whole(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of integers that takes whole floats."""
    return lambda *values: function(*(np.asarray(value).astype(np.int64) for value in values))


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in ("sqrt", "exp", "log", "log10", "sin", "cos", "cosh", "tanh", "abs")},
    **{name: getattr(np, name) for name in ("arcsin", "arctan2", "floor", "minimum", "maximum", "mod", "where")},
    "gcd": _whole(np.gcd),
    "lcm": _whole(np.lcm),
    "comb": np.vectorize(lambda n, k: math.comb(int(n), int(k)), otypes=[float]),
    "factorial": np.vectorize(lambda n: math.factorial(int(n)), otypes=[float]),
    "bit_and": _whole(np.bitwise_and),
    "bit_or": _whole(np.bitwise_or),
    "bit_xor": _whole(np.bitwise_xor),
    "popcount": np.vectorize(lambda n: int(n).bit_count(), otypes=[float]),
}
"""Functions that formulas may call."""

_BINARY: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
}
_COMPARED: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
}


@dataclass(frozen=True)
class Formula:
    """A formula of the variables ``a`` and ``b``, in Python's notation.

    Parameters
    ----------
    text : str
        Numbers, ``a``, ``b``, ``pi``, arithmetic, comparisons (1 if true, 0 if not) and the functions in `FUNCTIONS`.

    Raises
    ------
    DeclarationError
        If the text contains anything else.

    Examples
    --------
    >>> from brainsim.networks.operations import Formula
    >>> Formula("sqrt(a ** 2 + b ** 2)")([3.0, 6.0], [4.0, 8.0])
    array([ 5., 10.])
    """

    text: str
    _tree: ast.expr = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        source = text("Formula.text", self.text)
        try:
            tree = ast.parse(source, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise DeclarationError(
                where="Formula.text", value=source, allowed="a formula in Python's notation"
            ) from None
        object.__setattr__(self, "_tree", tree)
        _check(tree)

    def __call__(self, a: npt.ArrayLike, b: npt.ArrayLike) -> Floats:
        """Return the values at points, an array of the shape of ``a`` and ``b``.

        Raises
        ------
        DeclarationError
            If a variable does not consist of numbers.
        """
        values = {"pi": math.pi}
        for name, given in (("a", a), ("b", b)):
            try:
                values[name] = np.asarray(given, np.float64)  # type: ignore[assignment]
            except (TypeError, ValueError):
                raise DeclarationError(where=f"Formula.{name}", value=given, allowed="numbers") from None
        found = np.asarray(_value(self._tree, values), np.float64)
        return np.broadcast_to(found, np.broadcast_shapes(np.shape(a), np.shape(b))).copy()


def _check(node: ast.expr) -> None:
    """Refuse what `_value` cannot evaluate."""
    ok = (
        (isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool))
        or (isinstance(node, ast.Name) and node.id in ("a", "b", "pi"))
        or (isinstance(node, ast.BinOp) and type(node.op) in _BINARY)
        or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub))
        or (isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARED)
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS)
    )
    if not ok or (isinstance(node, ast.Call) and node.keywords):
        allowed = f"made of numbers, a, b, pi, arithmetic, comparisons and {', '.join(FUNCTIONS)}"
        raise DeclarationError(where="Formula.text", value=ast.unparse(node), allowed=allowed)
    for inner in node.args if isinstance(node, ast.Call) else ast.iter_child_nodes(node):
        if isinstance(inner, ast.expr):
            _check(inner)


def _value(node: ast.expr, values: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant():
            return float(node.value)  # type: ignore[arg-type]
        case ast.Name():
            return values[node.id]
        case ast.BinOp():
            return _BINARY[type(node.op)](_value(node.left, values), _value(node.right, values))
        case ast.UnaryOp():
            return -_value(node.operand, values)
        case ast.Compare():
            compared = _COMPARED[type(node.ops[0])](_value(node.left, values), _value(node.comparators[0], values))
            return np.asarray(compared, np.float64)
        case ast.Call():
            return FUNCTIONS[node.func.id](*(_value(each, values) for each in node.args))  # type: ignore[attr-defined]
    raise AssertionError(f"{ast.unparse(node)} was checked")
