"""The sizes and constants of an emotional cascade, and the number of its parameters."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, Self

from brainsim._arguments import check_record
from brainsim._validation import count, real
from brainsim.errors import DeclarationError
from brainsim.models.cascade.counts import Counts, Part
from brainsim.models.cascade.graphs import Order
from brainsim.models.cascade.norms import CHANNELS

_LARGEST = 10**8
_COUNTS = ("n", "dim", "neighbours", "layers", "heads", "head_dim", "hidden", "window")


@dataclass(frozen=True)
class Cascade:
    """A declaration of the model: graph, cascade layers, attention, feed-forward layers.

    `paper`, `natural` and `tiny` return ready-made declarations; ``dataclasses.replace(cascade, layers=4)`` changes
    one.  `CascadeModel` makes a model from it.

    Parameters
    ----------
    n : int
        Nodes: words.
    dim : int
        Dimensions of their vectors.
    neighbours : int
        Neighbours of a word, on average; even.
    rewire : float
        Fraction of edges that are random.
    order : {"frequency", "semantic", "nearest"}
        How neighbours are chosen; see `word_graph`.
    layers : int
        Cascade layers.
    attention_every : int
        Attention follows every layer whose number is a multiple of this; 0 for no attention.
    heads, head_dim : int
        Number and size of the attention heads; ``head_dim`` is even.
    hidden : int
        Hidden size of the feed-forward layers.
    mix : tuple of float
        Weight of each channel in a layer (lambda), in the order of `CHANNELS`.
    rates : tuple of float
        Learning rate of each channel (alpha), 0 to 1.
    weight : float
        Initial weight of all edges and channels.
    keep : float
        Share of its own vector that a node keeps in a layer; 1 switches the cascade off.
    norm : {"row", "sum"}
        Whether the weights of a node's edges are divided by their sum.
    anchor : float
        Share of its first vector that is added back to a node in a layer.
    window : int
        The last words of a text that are active, and that attention sees; at most 512.
    tau : float
        Temperature of the distribution of the next word.
    everywhere : bool
        Whether all nodes change in a layer.  Otherwise only those of the active words do, which takes milliseconds.
    target : {"input", "cosine"}
        Target of the weights: the emotions of both words times the cosine of their vectors, or that cosine alone.  With
        the cosine alone, the channels differ only in the speed with which they approach it.
    literal : bool
        Use the equations as they were printed: messages are projected onto the node's own vector, so that a layer
        changes nothing, and weights grow without bound.  The tests show both.

    Raises
    ------
    DeclarationError
        If a value is out of range.

    Examples
    --------
    >>> from brainsim.models.cascade import Cascade
    >>> Cascade.natural().counts().total
    19039296
    """

    n: int = 60_000
    dim: int = 128
    neighbours: int = 100
    rewire: float = 0.1
    order: Order = "frequency"
    layers: int = 16
    attention_every: int = 4
    heads: int = 8
    head_dim: int = 16
    hidden: int = 512
    mix: tuple[float, ...] = (0.4, 0.3, 0.3)
    rates: tuple[float, ...] = (0.06, 0.08, 0.07)
    weight: float = 0.5
    keep: float = 0.8
    norm: Literal["row", "sum"] = "row"
    anchor: float = 0.0
    window: int = 512
    tau: float = 0.05
    everywhere: bool = False
    target: Literal["input", "cosine"] = "input"
    literal: bool = False

    def __post_init__(self) -> None:
        check_record(self)
        where = type(self).__name__
        for name in _COUNTS:
            value = count(f"{where}.{name}", getattr(self, name), 1)
            if value > (512 if name == "window" else _LARGEST):
                allowed = f"at most {512 if name == 'window' else _LARGEST}"
                raise DeclarationError(where=f"{where}.{name}", value=value, allowed=allowed)
            object.__setattr__(self, name, value)
        for name, unit in (("neighbours", 2), ("head_dim", 2)):
            if getattr(self, name) % unit:
                raise DeclarationError(where=f"{where}.{name}", value=getattr(self, name), allowed="an even number")
        every = count(f"{where}.attention_every", self.attention_every, 0)
        object.__setattr__(self, "attention_every", every)
        for name in ("rewire", "keep", "anchor"):
            real(f"{where}.{name}", getattr(self, name), 0.0, 1.0)
        real(f"{where}.weight", self.weight, -1.0, 1.0)
        real(f"{where}.tau", self.tau, 1e-4, 1e4)
        for name in ("mix", "rates"):
            _check_channels(f"{where}.{name}", getattr(self, name))

    @classmethod
    def paper(cls) -> Self:
        """Return sizes that give the 82,678,848 parameters of the published description (stated: 82.68 M).

        The shapes stated there give another number.  The size of a head (366) and of the hidden layers (14,649) are
        chosen here to give the stated sums of 6 M and 60 M.
        """
        return cls(head_dim=366, hidden=14_649)

    @classmethod
    def natural(cls) -> Self:
        """Return the usual sizes for vectors of 128 dimensions, 8 heads of 16 and 512 hidden: 19,039,296 parameters."""
        return cls()

    @classmethod
    def tiny(cls) -> Self:
        """Return small sizes, for examples and tests."""
        return cls(n=200, dim=16, neighbours=10, layers=4, attention_every=2, heads=2, head_dim=8, hidden=32, window=32)

    @property
    def edges(self) -> int:
        """Undirected edges of the graph."""
        return self.n * self.neighbours // 2

    @property
    def takes_input(self) -> bool:
        """Whether the emotions of words act on the weights."""
        return self.target == "input" and not self.literal

    @property
    def attention_layers(self) -> tuple[int, ...]:
        """The cascade layers, from 1, that attention follows."""
        return tuple(layer for layer in range(1, self.layers + 1) if self.attends_after(layer))

    def attends_after(self, layer: int) -> bool:
        """Return whether attention follows a layer, from 1."""
        layer = count("Cascade.attends_after.layer", layer, 1)
        return bool(self.attention_every) and layer % self.attention_every == 0

    def counts(self) -> Counts:
        """Return the numbers of parameters by part, computed from the shapes."""
        width = self.heads * self.head_dim
        return Counts(
            (
                Part("emotional weights", ("edges", "channels"), (self.edges, len(CHANNELS))),
                Part("vectors", ("words", "dim"), (self.n, self.dim)),
                Part(
                    "attention",
                    ("layers", "Q K V O", "heads x head_dim", "dim"),
                    (len(self.attention_layers), 4, width, self.dim),
                ),
                Part("feed-forward", ("layers", "in out", "hidden", "dim"), (self.layers, 2, self.hidden, self.dim)),
            )
        )

    def __repr__(self) -> str:
        changed = [
            f"{each.name}={getattr(self, each.name)!r}"
            for each in fields(self)
            if getattr(self, each.name) != each.default
        ]
        return f"{type(self).__name__}({', '.join(changed)})"


def _check_channels(where: str, values: tuple[float, ...]) -> None:
    if len(values) != len(CHANNELS):
        allowed = f"{len(CHANNELS)} numbers, for {', '.join(CHANNELS)}"
        raise DeclarationError(where=where, value=values, allowed=allowed)
    for channel, value in zip(CHANNELS, values, strict=True):
        real(f"{where}[{channel!r}]", value, 0.0, 1.0)
