"""The surface key: the exact words before a fact address it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from brainsim._arguments import check_record
from brainsim._validation import integer, real
from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.declare.fiber import Fiber
from brainsim.declare.region import Region
from brainsim.networks.memory.addressing import check_settings
from brainsim.networks.memory.coding import Whitened, trace_code
from brainsim.networks.memory.language import Floats, Read, TokenArray
from brainsim.simulate.simulator import Simulator

HIDDEN_N, HIDDEN_K = 2000, 50
TRACE_N = 20_000


@dataclass(frozen=True)
class SurfaceKey:
    """Addresses facts by the hidden state of the language model and a trace of the recent tokens.

    The hidden state fires an assembly of area ``"Hidden"``: it is whitened with background text and projected onto 2000
    fixed random directions, and the 50 directions with the largest projections fire.  The trace fires one of area
    ``"Trace"``: each token has a code of ``k_token`` neurons, and the token ``lag`` steps back fires the first
    ``round(k_token * decay ** lag)`` of them.  Both areas drive the code area of the memory through random fibers.

    Parameters
    ----------
    decay : float
        Decay of the trace, 0 to .99.
    k_token : int
        Neurons of the last token, 1 to 1000.
    p : float
        Connection probability of the fibers.
    use : str
        What drives the code area: ``"both"``, ``"hidden"`` or ``"trace"``.

    Raises
    ------
    DeclarationError
        If a value is out of range.

    Examples
    --------
    >>> from brainsim.networks.memory import SurfaceKey
    >>> SurfaceKey(decay=0.8)
    SurfaceKey(decay=0.8, k_token=30, p=0.05, use='both')
    """

    decay: float = 0.85
    k_token: int = 30
    p: float = 0.05
    use: Literal["both", "hidden", "trace"] = "both"

    def __post_init__(self) -> None:
        check_record(self)
        object.__setattr__(self, "decay", real("SurfaceKey.decay", self.decay, 0.0, 0.99))
        object.__setattr__(self, "k_token", integer("SurfaceKey.k_token", self.k_token, 1, 1000))
        object.__setattr__(self, "p", real("SurfaceKey.p", self.p, 0.0, 1.0))

    def declare(self, region: Region, code: Area, width: int, seed: int) -> SurfaceAddressing:
        """Add areas ``"Hidden"`` and ``"Trace"``, and fibers from them to the code area."""
        hidden, trace = region.add(Area("Hidden", HIDDEN_N, HIDDEN_K), Area("Trace", TRACE_N, TRACE_N))
        sources = {"both": (hidden, trace), "hidden": (hidden,), "trace": (trace,)}[self.use]
        fibers = [region.connect(source, code, self.p) for source in sources]
        return SurfaceAddressing(self, fibers, Whitened(width, HIDDEN_N, HIDDEN_K, seed), seed)


class SurfaceAddressing:
    """A `SurfaceKey` in a brain."""

    def __init__(self, key: SurfaceKey, fibers: Sequence[Fiber], coding: Whitened, seed: int) -> None:
        self._key, self._fibers, self._coding, self._seed = key, list(fibers), coding, seed

    def fit(self, background: Sequence[TokenArray], reads: Callable[[TokenArray], Read]) -> None:
        """Whiten hidden states by those of background text."""
        self._coding.fit(np.concatenate([reads(piece).hidden for piece in background]))

    def fire(self, sim: Simulator, read: Read, at: int) -> bool:
        """Make the code area fire."""
        sim.present(*(self._assembly(fiber.source, read, at) for fiber in self._fibers))
        sim.run(self._fibers, learn=())
        return True

    def _assembly(self, area: Area, read: Read, at: int) -> Assembly:
        if area.n == HIDDEN_N:
            return Assembly(area.name, self._coding.neurons(read.hidden[at]))
        return Assembly(
            area.name, trace_code(read.tokens[: at + 1], self._key.decay, TRACE_N, self._key.k_token, self._seed)
        )

    def state(self) -> dict[str, Any]:
        """Return the mean and the whitening matrix, and the settings of the key."""
        return {
            "settings": asdict(self._key),
            "mean": _packed(self._coding.mean),
            "whitener": _packed(self._coding.whitener),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore the mean and the whitening matrix; the key must have the same settings."""
        check_settings(state["settings"], asdict(self._key))
        width = len(self._coding.mean)
        mean, whitener = _unpacked(state["mean"], (width,)), _unpacked(state["whitener"], (width, width))
        self._coding.mean, self._coding.whitener = mean, whitener


def _packed(array: Floats) -> str:
    return base64.b64encode(np.ascontiguousarray(array, "<f4").tobytes()).decode()


def _unpacked(text: str, shape: tuple[int, ...]) -> Floats:
    array = np.frombuffer(base64.b64decode(text, validate=True), "<f4").reshape(shape).astype(np.float32)
    if not np.isfinite(array).all():
        raise ValueError("holds numbers that are not finite")
    return array
