"""Parameters, counted from shapes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from brainsim._arguments import check_record

BYTES = 4
"""Bytes of a parameter: float32."""


@dataclass(frozen=True)
class Part:
    """A part of a model and the shape of its parameters.

    Attributes
    ----------
    name : str
        Its name.
    axes : tuple of str
        Names of the axes of the shape.
    shape : tuple of int
        Shape of all its parameters together.
    """

    name: str
    axes: tuple[str, ...]
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        check_record(self)

    @property
    def parameters(self) -> int:
        """Number of parameters."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Counts:
    """The parameters of a model, part by part; ``print`` shows them as a table.

    Attributes
    ----------
    parts : tuple of Part
        The parts.

    Examples
    --------
    >>> from brainsim.models.cascade import Cascade
    >>> print(Cascade.paper().counts())
    part               shape                                                    parameters
    emotional weights  3000000 edges x 3 channels                                9,000,000
    vectors            60000 words x 128 dim                                     7,680,000
    attention          4 layers x 4 Q K V O x 2928 heads x head_dim x 128 dim    5,996,544
    feed-forward       16 layers x 2 in out x 14649 hidden x 128 dim            60,002,304
    total              330.7 MB in float32                                      82,678,848
    """

    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        check_record(self)

    def __getitem__(self, name: str) -> int:
        """Return the parameters of a part."""
        return next(part.parameters for part in self.parts if part.name == name)

    @property
    def total(self) -> int:
        """Number of all parameters."""
        return sum(part.parameters for part in self.parts)

    @property
    def megabytes(self) -> float:
        """Memory of all parameters in float32, in units of 10**6 bytes."""
        return self.total * BYTES / 1e6

    def __str__(self) -> str:
        rows = [("part", "shape", "parameters")]
        for part in self.parts:
            shape = " x ".join(f"{size} {axis}" for size, axis in zip(part.shape, part.axes, strict=True))
            rows.append((part.name, shape, f"{part.parameters:,}"))
        rows.append(("total", f"{self.megabytes:.1f} MB in float32", f"{self.total:,}"))
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        return "\n".join(f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}" for a, b, c in rows)
