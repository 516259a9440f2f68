"""The brute-force baseline: test every (firing neuron, target) pair, partition all drives, keep weights in a list.

The method of the GPU write-ups of NEMO, for the CPU: each target hashes itself with every firing neuron to know which
synapses exist; the k largest drives are found by a partition of all n; learned synapses are an unsorted list of
(pre, post, delta) that is scanned from end to end, both to sum the drive and to find the synapse to strengthen.
Nothing is made slow on purpose: the hash is one multiply-mix per pair that vectorises, targets are walked in blocks
that stay in cache, and pairs and searches run in parallel.

The law of a round is brainsim's own, weights included, but on another random graph: the hash of this module.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

# As for brainsim's own kernels: waiting threads that spin would stall every round on a busy machine.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numba
import numpy as np
import numpy.typing as npt

from brainsim._validation import integer
from brainsim.bench.engine import Engine, EngineUnavailableError, Settings
from brainsim.bench.work import Episode, Network, Neurons, pairs_per_round, union
from brainsim.build import build
from brainsim.declare.area import Area
from brainsim.declare.brain import Brain
from brainsim.kernels.law.rules import RATE_BITS, Update
from brainsim.kernels.law.selection import input_tag, tie_order
from brainsim.kernels.law.weights import ONE
from brainsim.kernels.program import Program
from brainsim.kernels.round_plan import plan_round
from brainsim.simulate.backends import default_threads

BUDGET = 10_000_000_000
"""Pairs that one trial may test; larger work is cut to what fits, but never below two units."""
LIMIT = 200_000_000_000
"""Pairs beyond which even two units are refused."""

_BLOCK = 4096
_HALF = 1 << (RATE_BITS - 1)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_STEP = np.uint64(0xD1342543DE82EF95)
_ABSENT, _UNLISTED = -2, -1


def _compiled(**options: Any) -> Callable[[Any], Any]:
    return cast(Callable[[Any], Any], numba.njit(cache=True, nogil=True, **options))


@_compiled(inline="always")
def _mix(x: Any) -> Any:
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@_compiled(inline="always")
def _hash(row: Any, post: Any) -> Any:
    return _mix(row + (np.uint64(post) + np.uint64(1)) * _STEP)


@_compiled()
def _rows(key: Any, pre: Any) -> Any:
    rows = np.empty(len(pre), np.uint64)
    for at in range(len(pre)):
        rows[at] = _mix(key + (np.uint64(pre[at]) + np.uint64(1)) * _GOLDEN)
    return rows


@_compiled(parallel=True)
def _add_base(drive: Any, rows: Any, threshold: Any) -> None:
    """Add the base weight of every existing synapse, by testing every pair."""
    for block in numba.prange((len(drive) + _BLOCK - 1) // _BLOCK):
        low = block * _BLOCK
        high = min(low + _BLOCK, len(drive))
        counts = np.zeros(high - low, np.int64)
        for row in rows:
            for at in range(high - low):
                counts[at] += np.int64(_hash(row, low + at) < threshold)
        for at in range(high - low):
            drive[low + at] += counts[at] * ONE


@_compiled()
def _add_learned(drive: Any, fires: Any, pre: Any, post: Any, delta: Any, size: Any) -> None:
    """Add the learned weights, by a scan of the whole list."""
    for at in range(size):
        if fires[pre[at]]:
            drive[post[at]] += delta[at]


@_compiled(parallel=True)
def _find(
    found: Any, sources: Any, rows: Any, targets: Any, threshold: Any, recurrent: Any, pre: Any, post: Any, size: Any
) -> None:
    """For every (source, target) pair: its place in the list, ``_UNLISTED``, or ``_ABSENT`` if there is no synapse."""
    for pair in numba.prange(len(found)):
        a, b = pair // len(targets), pair % len(targets)
        i, j = sources[a], targets[b]
        place = _ABSENT
        if not (_hash(rows[a], j) >= threshold or (recurrent and i == j)):
            place = _UNLISTED
            for at in range(size):
                if pre[at] == i and post[at] == j:
                    place = at
                    break
        found[pair] = place


@_compiled()
def _strengthen(
    found: Any, sources: Any, targets: Any, pre: Any, post: Any, delta: Any, size: Any, gain: Any, drift: Any, top: Any
) -> Any:
    """Apply one step to every found synapse, appending the unlisted ones, and return the new size of the list."""
    for pair in range(len(found)):
        at = found[pair]
        if at == _ABSENT:
            continue
        if at == _UNLISTED:
            at = size
            size += 1
            pre[at], post[at], delta[at] = sources[pair // len(targets)], targets[pair % len(targets)], 0
        weight = ONE + delta[at]
        stepped = weight + ((gain * weight + drift + _HALF) >> RATE_BITS)
        delta[at] = max(0, min(stepped, top)) - ONE
    return size


@dataclass
class _Bundle:
    """One fiber: its hash and its list of learned synapses."""

    source: str
    target: str
    key: np.uint64
    threshold: np.uint64
    update: Update
    pre: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(1024, np.int64))
    post: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(1024, np.int64))
    delta: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(1024, np.int64))
    size: int = 0

    def add_to(self, drive: npt.NDArray[np.int64], firing: Neurons, fires: npt.NDArray[np.bool_]) -> None:
        """Add the weights from the firing neurons; ``fires`` marks them."""
        rows = _rows(self.key, firing)
        _add_base(drive, rows, self.threshold)
        if self.source == self.target:  # no neuron synapses on itself
            itself = np.array([_hash(row, i) < self.threshold for row, i in zip(rows, firing, strict=True)])
            drive[firing[itself]] -= ONE
        _add_learned(drive, fires, self.pre, self.post, self.delta, self.size)

    def strengthen(self, firing: Neurons, winners: Neurons) -> None:
        """Apply the rule to every existing synapse from ``firing`` to ``winners``."""
        found = np.empty(len(firing) * len(winners), np.int64)
        rows, loop = _rows(self.key, firing), self.source == self.target
        _find(found, firing, rows, winners, self.threshold, loop, self.pre, self.post, self.size)
        needed = self.size + int(np.count_nonzero(found == _UNLISTED))
        if needed > len(self.pre):
            self.pre, self.post, self.delta = (np.resize(a, 2 * needed) for a in (self.pre, self.post, self.delta))
        step = (self.update.gain, self.update.drift, self.update.ceiling)
        self.size = int(_strengthen(found, firing, winners, self.pre, self.post, self.delta, self.size, *step))


class BruteForce(Engine):
    """Test every pair and learn, with the same order of a round and of ties as brainsim."""

    name: ClassVar[str] = "brute-force"

    def __init__(self, network: Network, settings: Settings) -> None:
        self._network = network
        self.check(settings)
        self._threads = settings.threads or default_threads()
        threshold = np.uint64(min(int(network.p * 2**64), 2**64 - 1))
        update = network.rule.fixed_point()
        self.bundles = [
            _Bundle(source, target, fiber_hash(network.seed, source, target), threshold, update)
            for source, target in network.fibers
        ]
        self._program = _program(network)
        held = [a for a, area in enumerate(network.areas) if area in network.stimuli]
        self._plan = plan_round(self._program, range(len(self.bundles)), held, learn=True)
        self._winners = {area: np.empty(0, np.int64) for area in network.areas}
        self._fires = {area: np.zeros(n, np.bool_) for area, (n, _) in network.areas.items()}

    @classmethod
    def check(cls, settings: Settings) -> None:
        if settings.threads is not None:
            cure = f"{cls.name} runs on threads of Numba; lower --threads, or set NUMBA_NUM_THREADS higher"
            most: int = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
            integer("bench --threads", settings.threads, 1, most, cure=cure)

    def run(self, episode: Episode) -> None:
        numba.set_num_threads(self._threads)
        for area in episode.silenced:
            self._set(area, np.empty(0, np.int64))
        for area, words in episode.shown.items():
            self._set(area, union(words))
        for _ in range(episode.rounds):
            self._round()

    def _set(self, area: str, neurons: Neurons) -> None:
        self._fires[area][self._winners[area]] = False
        self._fires[area][neurons] = True
        self._winners[area] = neurons

    def _round(self) -> None:
        before, areas = self._winners, self._program.areas
        after = {areas[area].name: self._select(area, inputs) for area, inputs in self._plan.selections}
        for learning in self._plan.learning:
            bundle = self.bundles[learning.fiber]
            winners = after.get(bundle.target, before[bundle.target])
            if len(before[bundle.source]) and len(winners):
                bundle.strengthen(before[bundle.source], winners)
        for area, neurons in after.items():
            self._set(area, neurons)

    def _select(self, area: int, inputs: Sequence[int]) -> Neurons:
        spec, fibers = self._program.areas[area], self._program.fibers
        drive = np.zeros(spec.n, np.int64)
        for bundle in (self.bundles[f] for f in inputs):
            if len(self._winners[bundle.source]):
                bundle.add_to(drive, self._winners[bundle.source], self._fires[bundle.source])
        tag = input_tag((fibers[f].graph.key, self._winners[self.bundles[f].source]) for f in inputs)
        return top_k(drive, spec.k, spec.key, tag)

    def winners(self, area: str) -> Neurons:
        return self._winners[area]

    @classmethod
    def affordable(cls, network: Network, unit: Episode, wanted: int, *, recurs: bool) -> int:
        del recurs
        pairs = max(1, pairs_per_round(network, unit) * unit.rounds)
        if 2 * pairs > LIMIT:
            raise EngineUnavailableError(f"{cls.name}: left out, {2 * pairs:.1e} pairs to test even for the least work")
        return min(wanted, max(2, BUDGET // pairs))


def fiber_hash(seed: int, source: str, target: str) -> np.uint64:
    """Return the key of a fiber's graph."""
    digest = hashlib.blake2b(f"{seed}/{source}->{target}".encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


def _program(network: Network) -> Program:
    """Return the program of a network; its graphs serve as names only, since the baseline draws its own."""
    brain = Brain()
    areas = {name: brain.add(Area(name, n, k)) for name, (n, k) in network.areas.items()}
    for source, target in network.fibers:
        brain.connect(areas[source], areas[target], network.p, network.rule)
    return build(brain, network.seed)


def top_k(drive: npt.NDArray[np.int64], k: int, key: int, tag: int) -> Neurons:
    """Return the ``k`` largest positive drives by a partition of all; ties as `brainsim.kernels.law.selection` says."""
    bar = max(1, np.partition(drive, len(drive) - k)[len(drive) - k])
    above, level = np.flatnonzero(drive > bar), np.flatnonzero(drive == bar)
    places = k - len(above)
    if places < len(level):
        level = level[np.argsort(tie_order(key, tag, level))[:places]]
    return np.sort(np.concatenate([above, level]))
