"""Random brains and schedules, drawn by Hypothesis: all backends agree with the reference."""

from __future__ import annotations

import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, note, seed, settings
from hypothesis import strategies as st

from brainsim import Hebbian, SaturatingHebbian, SoftBoundHebbian, StatisticalHebbian, Threshold
from brainsim.declare.plasticity import Plasticity
from brainsim.errors import BackendError
from own_rules import Affine, Curved
from playing import play
from plays import (
    Bias,
    Disinhibit,
    Forget,
    Hold,
    Inhibit,
    Link,
    Load,
    Play,
    Present,
    Probe,
    Recall,
    Release,
    Run,
    Save,
    Silence,
    Size,
    Step,
    difference,
)
from ranked import on_ranks

T = TypeVar("T")
Draw = Callable[[st.SearchStrategy[T]], T]

# Sizes at which blocks (64 to 16 384 targets) and tiles (16 384) begin and end.
EDGES = [1, 2, 63, 64, 65, 127, 128, 256, 257, 300, 512, 513]
SEVERAL_TILES = [16_384, 16_385, 20_000, 32_769, 40_000]
REFRACTIONS = [0.0, 0.0, 0.0, 0.05, 0.5]
CHANCES = [0.0, 1e-3, 0.01, 0.05, 0.05, 0.3, 0.3, 0.7, 1.0]

# After ten examples of a batch, Hypothesis mostly varies earlier ones; many short batches give more different brains
# than one long batch.
QUICK, FRESH = 10, 9
THOROUGH, FRESH_AND_CHANGED = 10, 20


def batches(quick: int, every: int) -> list[Any]:
    """Return the numbers of batches; those after the first ``quick`` ones are marked as slow."""
    return [*range(quick), *(pytest.param(batch, marks=pytest.mark.slow) for batch in range(quick, every))]


def sizes() -> st.SearchStrategy[Size]:
    n = st.one_of(st.integers(1, 600), st.integers(30, 600), st.sampled_from(EDGES))
    activation = st.sampled_from([None, None, None, Threshold(), Threshold(2.0), Threshold(-0.5)])
    return n.flatmap(lambda n: st.builds(Size, st.just(n), winners(n), st.sampled_from(REFRACTIONS), activation))


def winners(n: int) -> st.SearchStrategy[int]:
    return st.one_of(st.integers(1, min(n, 30)), st.integers(1, min(n, 30)), st.integers(1, n))


def large_sizes() -> st.SearchStrategy[Size]:
    k = st.sampled_from([3, 10, 20, 40, 20_000])
    refraction = st.sampled_from(REFRACTIONS)
    return st.builds(lambda n, k, rate: Size(n, min(n, k), rate), st.sampled_from(SEVERAL_TILES), k, refraction)


def rules() -> st.SearchStrategy[Plasticity | None]:
    beta = st.one_of(st.sampled_from([0.0, 0.05, 0.1, 0.5, 1.0, 8.0]), st.floats(1e-3, 8.0))
    w_max = st.one_of(st.sampled_from([1.5, 2.0, 10.0, 20.0, 32_767.0]), st.floats(1.5, 1000.0))
    return st.one_of(
        st.builds(Hebbian, beta, w_max),
        st.builds(SaturatingHebbian, beta, w_max),
        statistical(),
        st.builds(Affine, st.sampled_from([-0.05, -0.5, -1.5]), st.sampled_from([0, 0.2, -0.1])),
        st.builds(SoftBoundHebbian, beta, st.sampled_from([1.5, 10.0, 30.0]), st.sampled_from([0.0, 0.5, 2.0])),
        st.builds(
            Curved, st.sampled_from([0.01, 0.5, 2.0]), st.sampled_from([0.5, 3.0, 9.0]), st.sampled_from([0.5, 2])
        ),
        st.none(),
    )


def statistical() -> st.SearchStrategy[Plasticity]:
    beta, w_max = st.sampled_from([0.0, 0.01, 0.3, 0.5]), st.sampled_from([1.5, 4.0, 16.0])
    return st.builds(StatisticalHebbian, beta, w_max, st.sampled_from([0.2, 1.0, 2.0]))


def chances(source: Size, target: Size) -> st.SearchStrategy[float]:
    # The reference draws rows in plain Python, so only few neurons may have long rows.
    most = 1.0 if target.n <= 2500 or source.n <= 8 else 2500 / target.n
    return st.one_of(st.sampled_from([p for p in CHANCES if p <= most]), st.floats(0.0, most))


@st.composite
def brains(draw: Draw[Any]) -> tuple[tuple[Size, ...], tuple[Link, ...]]:
    areas = draw(st.lists(sizes(), min_size=1, max_size=3))
    one = large_sizes() if draw(st.integers(1, 5)) <= 2 else sizes()
    areas.insert(draw(st.integers(0, len(areas))), draw(one))
    numbers = st.integers(0, len(areas) - 1)
    ends = draw(
        st.lists(st.tuples(numbers, numbers, st.sampled_from(["", "", "b"])), min_size=1, max_size=8, unique=True)
    )
    if draw(st.sampled_from([True, True, False])):
        chosen = draw(feeding_and_recurrent(areas))
        ends = [end for end in ends if end not in [(link.source, link.target, link.label) for link in chosen]]
    else:
        chosen = ()
    given = st.sampled_from([False, False, True])
    others = [Link(s, t, draw(chances(areas[s], areas[t])), draw(rules()), label, draw(given)) for s, t, label in ends]
    return tuple(areas), (*chosen, *others)


@st.composite
def feeding_and_recurrent(draw: Draw[Any], areas: list[Size]) -> tuple[Link, ...]:
    """Draw two links that learn, into the largest area and from it to itself, so that most brains are active."""
    target = max(range(len(areas)), key=lambda number: areas[number].n)
    source = draw(st.integers(0, len(areas) - 1).filter(lambda number: number != target or len(areas) == 1))
    active = st.sampled_from([0.02, 0.05, 0.1, 0.3]).map(lambda p: min(p, 2500 / areas[target].n))
    rule = st.one_of(
        st.just(Hebbian(1.0, 8.0)),  # whole weights, so that learned drives tie with others
        st.builds(Hebbian, st.sampled_from([0.05, 0.2]), st.sampled_from([20.0, 32_767.0])),
        st.builds(SaturatingHebbian, st.sampled_from([0.1, 0.5]), st.sampled_from([3.0, 10.0])),
        st.just(StatisticalHebbian(0.4, 8.0, 2.0)),
    )
    ends = dict.fromkeys([(source, target), (target, target)])
    return tuple(Link(s, t, draw(active), draw(rule)) for s, t in ends)


def some(count: int, least: int = 0) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(st.integers(0, count - 1), min_size=least, max_size=count, unique=True).map(tuple)


class Steps:
    """Strategies for the steps of one brain."""

    def __init__(self, sizes: tuple[Size, ...], links: tuple[Link, ...]) -> None:
        self.sizes, self.areas, self.fibers = sizes, len(sizes), len(links)
        self.sources = [links[0].source, links[0].source, *sorted({link.source for link in links})]
        self.targets = tuple(sorted({link.target for link in links}))

    def runs(self) -> st.SearchStrategy[Step]:
        every = st.just(tuple(range(self.fibers)))
        links = st.one_of(every, every, every, some(self.fibers, 1), some(self.fibers))
        return st.builds(Run, links, st.sampled_from([6, 3, 1, 2]), st.sampled_from([False, False, False, True]))

    def presents(self) -> st.SearchStrategy[Present]:
        def of(area: int) -> st.SearchStrategy[Present]:
            n = self.sizes[area].n
            # A few patterns that recur and overlap, and any other.
            first = st.one_of(st.sampled_from([0, n // 40, n // 2]), st.integers(0, n - 1))
            count = st.one_of(st.just(20), st.integers(1, 40), st.sampled_from([0, 1, 256, 300, 600]))
            return st.builds(Present, st.just(area), first, count, st.sampled_from([1, 1, 1, 7]))

        return st.sampled_from(self.sources).flatmap(of)

    def recalls(self) -> st.SearchStrategy[Step]:
        few = st.sampled_from([0, 0, 1, 3])
        return st.builds(Recall, st.integers(0, self.areas - 1), st.integers(0, 9), few, few)

    def biases(self) -> st.SearchStrategy[Step]:
        most = 2.0**46 - 1
        threshold = st.one_of(st.floats(-4.0, 12.0), st.sampled_from([-1.0, 0.0, 1.0, 2.0, 40.0, most, -most]))
        thresholds = st.lists(threshold, max_size=4).map(tuple)
        strides = st.sampled_from([1, 1, 3, 50])
        return st.builds(Bias, st.sampled_from(self.targets), thresholds, strides)

    def gates(self) -> st.SearchStrategy[Step]:
        areas = some(self.areas)
        return st.one_of(
            st.builds(Hold, areas),
            st.builds(Release, areas),
            st.builds(Silence, areas),
            st.builds(Inhibit, areas, some(self.fibers), st.sampled_from(["default", "noun"])),
            st.builds(Disinhibit, areas, some(self.fibers), st.sampled_from([None, None, "noun"])),
        )

    def cleared(self) -> st.SearchStrategy[list[Step]]:
        every = Release(()), Disinhibit((), ())
        return st.sampled_from([[Silence(self.targets), *every], [Silence(self.targets)], []])

    def heard(self) -> st.SearchStrategy[list[Step]]:
        return st.builds(lambda before, *then: [*before, *then], self.cleared(), self.presents(), self.runs())

    def biased(self) -> st.SearchStrategy[list[Step]]:
        """Present a pattern with thresholds, which are mostly removed afterwards, so that the brain stays active."""

        def of(bias: Bias, heard: list[Step], keeps: bool) -> list[Step]:
            return [bias, *heard, *([] if keeps else [Bias(bias.area, ())])]

        return st.builds(of, self.biases(), self.heard(), st.sampled_from([False, False, True]))

    def recalled(self) -> st.SearchStrategy[list[Step]]:
        return st.builds(lambda before, *then: [*before, *then], self.cleared(), self.recalls(), self.runs())

    def wavering(self) -> st.SearchStrategy[list[Step]]:
        """Present a pattern, the same with a few neurons exchanged, and the first one again."""

        def of(first: Present, gone: int, come: int, run: Step) -> list[Step]:
            return [first, run, Recall(first.area, 0, gone, come), run, Recall(first.area, 1), run]

        few = st.integers(0, 3)
        return st.builds(of, self.presents(), few, few, self.runs())

    def probed(self) -> st.SearchStrategy[list[Step]]:
        inside = st.lists(
            st.one_of(self.presents(), self.recalls(), self.gates(), self.biases(), self.runs()), max_size=3
        )
        return st.builds(lambda steps, last: [Probe((*steps, last))], inside, self.runs())

    def loads(self) -> st.SearchStrategy[Step]:
        return st.builds(Load, st.integers(0, 3), st.sampled_from(["here", "fresh", "reference"]))

    def saved(self) -> st.SearchStrategy[list[Step]]:
        return st.builds(lambda between, *then: [Save(), *between, *then], self.heard(), self.loads(), self.runs())

    def single(self) -> st.SearchStrategy[list[Step]]:
        step = st.one_of(self.gates(), self.gates(), self.presents(), self.runs(), st.just(Save()), self.loads())
        return step.map(lambda step: [step])

    def forgotten(self) -> st.SearchStrategy[list[Step]]:
        links = st.one_of(st.just(tuple(range(self.fibers))), some(self.fibers, 1))
        return st.builds(lambda links, run: [Forget(links), run], links, self.runs())

    def episodes(self) -> list[st.SearchStrategy[list[Step]]]:
        often = [self.heard(), self.heard(), self.recalled(), self.wavering()]
        return [*often, self.biased(), self.probed(), self.single(), self.saved(), self.forgotten()]

    def schedules(self) -> st.SearchStrategy[tuple[Step, ...]]:
        episode = st.one_of(*self.episodes())
        first = st.tuples(self.presents(), self.runs()).map(list)
        later = st.lists(episode, min_size=4, max_size=16)
        return st.tuples(first, later).map(lambda parts: tuple(sum(parts[1], start=parts[0])))


@st.composite
def plays(draw: Draw[Any]) -> Play:
    areas, links = draw(brains())
    return Play(draw(st.integers(0, 2**64 - 1)), areas, links, draw(Steps(areas, links).schedules()))


@st.composite
def tied_plays(draw: Draw[Any]) -> Play:
    """Draw a play of few neurons with whole weights, in which drives are often equal."""
    areas = (
        Size(12, 12),
        Size(draw(st.integers(5, 20)), draw(st.integers(1, 3)), draw(st.sampled_from([0.0, 0.0, 0.5]))),
    )
    rule = Hebbian(1.0, draw(st.sampled_from([2.0, 4.0, 32.0])))
    ends = draw(st.sampled_from([[(0, 1)], [(0, 1), (1, 1)], [(0, 1), (1, 1), (1, 0)]]))
    links = tuple(Link(s, t, draw(st.sampled_from([0.3, 0.5, 0.8])), rule) for s, t in ends)
    presents = st.builds(Present, st.just(0), st.integers(0, 11), st.integers(1, 5), st.sampled_from([1, 5]))
    bias = st.builds(Bias, st.just(1), st.lists(st.sampled_from([-2.0, -1.0, 1.0]), max_size=3).map(tuple))
    heard = st.tuples(
        st.one_of(presents, presents, presents, bias),
        st.builds(Run, st.just(tuple(range(len(links)))), st.integers(1, 3)),
    )
    steps = draw(st.lists(heard, min_size=4, max_size=12))
    return Play(draw(st.integers(0, 2**64 - 1)), areas, links, tuple(step for pair in steps for step in pair))


def options() -> st.SearchStrategy[dict[str, float]]:
    caches = st.sampled_from([0, 0.001, 0.05, 256])
    return st.fixed_dictionaries({"threads": st.integers(1, 2), "cache_mb": caches})


Check = Callable[[Play, dict[str, float]], None]


def for_all_drawn(check: Check, strategy: st.SearchStrategy[Play], number: int, examples: int) -> None:
    """Check a batch of plays, which depend only on the number of the batch."""

    @seed(number)
    @settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(strategy, options())
    def run(description: Play, chosen: dict[str, float]) -> None:
        note(f"{description!r}\n{chosen!r}")  # Python code that repeats the play
        check(description, chosen)

    run()


def compare(description: Play, chosen: dict[str, float]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        expected = play(description, "reference", Path(folder))
        assert not difference(play(description, "cpu", Path(folder), **chosen), expected)


def compare_gpu(description: Play, _chosen: dict[str, float]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        expected = play(description, "reference", Path(folder))
        assert not difference(play(description, "gpu", Path(folder)), expected)


@pytest.mark.parametrize("batch", batches(1, QUICK))
def test_the_cpu_backend_agrees_with_the_reference(batch: int) -> None:
    for_all_drawn(compare, plays(), batch, FRESH)


@pytest.mark.parametrize("batch", batches(6, QUICK))
def test_the_cpu_backend_agrees_with_the_reference_where_drives_tie(batch: int) -> None:
    for_all_drawn(compare, tied_plays(), batch, FRESH)


@pytest.mark.parametrize("strategy", [plays(), tied_plays()], ids=["plays", "tied"])
@pytest.mark.parametrize("batch", batches(1, 7))
def test_the_gpu_backend_agrees_with_the_reference(
    batch: int, strategy: st.SearchStrategy[Play], emulated_gpu: None
) -> None:
    for_all_drawn(compare_gpu, strategy, batch, FRESH)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "ranks"), [("plays", 2), ("plays", 3), ("plays", 4), ("tied", 2)])
@pytest.mark.parametrize("batch", range(2))
def test_ranks_agree_with_the_reference(batch: int, name: str, ranks: int) -> None:
    played = []

    def compare_ranks(description: Play, chosen: dict[str, float]) -> None:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a thread that catches warnings restores filters of other threads
            try:
                found = on_ranks(ranks, lambda comm: play(description, "cpu", Path(folder), comm=comm, **chosen))
            except BackendError:  # more ranks than blocks
                return
            expected = play(description, "reference", Path(folder))
            assert [difference(each, expected) for each in found] == [""] * len(found)
            played.append(description)

    for_all_drawn(compare_ranks, {"plays": plays(), "tied": tied_plays()}[name], batch, FRESH)
    assert played


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(QUICK, QUICK + THOROUGH))
def test_the_cpu_backend_agrees_with_the_reference_in_long_batches(batch: int) -> None:
    for_all_drawn(compare, plays(), batch, FRESH_AND_CHANGED)


def test_counts_of_a_growing_pattern_may_exceed_a_byte() -> None:
    """Found by Hypothesis: a set is close to a counted one, but too large for the type of its counts."""
    steps = [step for count in (200, 300, 200) for step in (Present(0, 0, count), Run((0,), 1))]
    compare(Play(7, (Size(400, 1), Size(50, 5)), (Link(0, 1, 1.0, Hebbian(0.1, 20)),), tuple(steps)), {})


@pytest.mark.slow
def test_more_neurons_than_sixteen_bits_count_may_fire() -> None:
    links = (Link(0, 1, 1.0, Hebbian(0.1, 20)), Link(0, 1, 0.9, None, "b"))
    steps = (Present(0, 0, 65_540), Run((0, 1), 1), Recall(0, 0, gone=1), Run((0, 1), 1))
    compare(Play(7, (Size(65_600, 1), Size(3, 2)), links, steps, budget=10**8), {})


@pytest.mark.slow
def test_examples_are_not_trivial() -> None:
    """Plays must learn, change winners, recall, and reach several tiles, or the tests above prove little."""
    seen: list[Counter[str]] = []

    def collect(description: Play, chosen: dict[str, float]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            seen.append(play(description, "cpu", Path(folder), **chosen).facts)

    for batch in range(QUICK // 2):
        for_all_drawn(collect, plays(), batch, FRESH)
    in_plays = Counter(fact for facts in seen for fact in facts if facts[fact])
    in_all = sum(seen, start=Counter[str]())
    # About half of the counts when this test was written, because examples change with the sources.
    assert in_plays["learned"] >= 0.5 * len(seen)
    assert sum(facts["learned"] > 100 for facts in seen) >= 0.25 * len(seen)
    assert in_plays["winners changed"] >= 0.2 * len(seen)
    assert in_all["winners changed"] >= 0.5 * len(seen)
    assert in_plays["recalled another than fires"] >= 0.15 * len(seen)
    assert in_plays["learned over several tiles"] >= 2
    assert in_plays["refracted"] >= 5
    assert in_plays["more than 255 fired"] >= 3
    assert (
        min(in_plays[kind] for kind in ("Probe", "Load", "Bias", "Hold", "Inhibit", "Disinhibit", "Silence", "Forget"))
        >= 5
    )
    assert in_plays["cut short"] <= 0.6 * len(seen)
