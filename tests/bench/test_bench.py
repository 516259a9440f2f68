"""Benchmarks: each case runs at a small size and reports all its fields, and the brute-force baseline is correct."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np
import pytest

from brainsim import Area, Assembly, Brain, Hebbian, SaturatingHebbian, Simulator
from brainsim.bench import command, sampled
from brainsim.bench.brute_force import BruteForce, fiber_hash, top_k
from brainsim.bench.cases import Projection, Sentences, one_unit
from brainsim.bench.engine import EngineUnavailableError, Settings
from brainsim.bench.engines import engine_class, settle
from brainsim.bench.exponent import exponent
from brainsim.bench.features import declared, features
from brainsim.bench.memory import peak_of
from brainsim.bench.ours import Brainsim
from brainsim.bench.plan import CASES, PROJECTIONS, plan, repeats_at, rows
from brainsim.bench.plot import time_per_sentence
from brainsim.bench.quality import converged_at, first_overlap, support_over_k, watch
from brainsim.bench.table import table
from brainsim.bench.work import Episode, Network, pairs_per_round, union
from brainsim.errors import DeclarationError
from brainsim.kernels.law.graph import fiber_key
from brainsim.kernels.law.selection import area_key, input_tag, winners
from brainsim.kernels.law.weights import ONE
from brainsim.simulate.backends import default_threads
from terminal import brainsim

FIELDS = (
    "case engine n k p threads repeats seconds seconds_min seconds_max rate events_per_second phases setup_seconds "
    "first_seconds peak_rss_mb support_over_k machine"
).split()
SMALL = ["--quick", "--no-memory", "--repeats", 2]
MOST_THREADS = numba.config.NUMBA_NUM_THREADS
"""Threads that brute-force may use in this process."""
THREADS = min(2, MOST_THREADS)


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let neural-assemblies appear as not installed, also where it is installed."""
    find = importlib.util.find_spec

    def absent(name: str, package: str | None = None) -> Any:
        return None if name == "neural_assemblies" else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", absent)


# The command


def test_vectors_are_timed_with_their_exponents(capsys: Any) -> None:
    code, out, errors = brainsim("bench", "vectors", "--quick", "--json", "--no-memory", capsys=capsys)
    lines = [line for line in errors.splitlines() if not line.startswith("brainsim: compiling kernels")]
    assert (code, len(lines)) == (0, 3)
    records = json.loads(out)
    assert [(each["n"], each["neighbours"], each["edges"]) for each in records] == [
        (500, 10, 2500),
        (1000, 10, 5000),
        (1000, 4, 2000),
    ]
    for each in records:
        assert 0 < each["sentence_seconds"] < 1
        assert each["slope_n"] is not None
    code, out, _ = brainsim("bench", "vectors", "--quick", "--no-memory", "--n", "600", capsys=capsys)
    assert code == 0
    assert "a layer grows as neighbours" in out


def test_features_are_timed_beside_a_plain_brain(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brainsim.bench.features.ROUNDS", 2)
    code, out, errors = brainsim("bench", "features", "--quick", "--json", capsys=capsys)
    assert code == 0, errors
    records = {record["feature"]: record for record in json.loads(out)}
    assert set(records) == set(features(40))
    assert records["plain"]["forming_ratio"] == records["plain"]["settled_ratio"] == 1
    for record in records.values():
        assert (record["n"], record["k"], record["repeats"]) == (2000, 40, 1)
        assert record["forming_ms"] > 0
        assert record["settled_range"][0] <= record["settled_ratio"] <= record["settled_range"][1]
        assert record["machine"]["cores"] >= 1


def test_each_feature_but_recording_differs_from_the_plain_brain() -> None:
    brains = {name: declared(feature, 2000, 40) for name, feature in features(40).items()}
    plain = brains["plain"]
    assert [repr(fiber.plasticity) for fiber in plain.fibers] == ["Hebbian(beta=0.1, w_max=20.0)"] * 2
    same = [name for name, brain in brains.items() if brain == plain]
    assert same == ["plain", "winners and drives recorded"]
    assert all(brain["A"].k == 40 for brain in brains.values())


@pytest.mark.parametrize("case", CASES)
def test_every_case_runs_at_a_small_size(case: str, capsys: Any) -> None:
    code, out, errors = brainsim("bench", case, *SMALL, "--threads", 2, "--json", capsys=capsys)
    assert code == 0, errors
    records = json.loads(out)
    assert records
    for record in records:
        assert set(FIELDS) <= set(record)
        assert record["case"] == case
        assert record["engine"] == "brainsim"
        assert record["repeats"] == 2
        assert 0 < record["seconds_min"] <= record["seconds"] <= record["seconds_max"]
        assert record["rate"] > 0
        assert record["events_per_second"] > 0
        assert record["machine"]["cores"] >= 1
        assert record["machine"]["versions"]["brainsim"]
        if case != "row":
            assert set(record["phases"]) == {"project", "select", "learn", "record"}
            assert record["support_over_k"] >= 1
            assert 0 <= record["first_overlap"] <= 1
    if case == "row":
        assert {(r["state"], r["threads"]) for r in records} == {(s, t) for s in ("cold", "warm") for t in (1, 2)}
    if case == "scale":
        assert len({record["exponent"] for record in records}) == 1
        assert isinstance(records[0]["exponent"], float)


@pytest.mark.slow
def test_baselines_run_in_turn_and_a_missing_one_is_named(no_package: None, capsys: Any) -> None:
    code, out, errors = brainsim(
        "bench", "sentence", *SMALL, "--threads", THREADS, "--baselines", "--json", capsys=capsys
    )
    assert code == 0, errors
    records = json.loads(out)
    assert [record["engine"] for record in records] == ["brainsim", "brute-force"]
    assert records[1]["phases"] is None
    assert records[1]["backend"] is None
    assert "pip install --no-deps neural-assemblies==0.0.1a1" in errors
    assert errors.count("not installed") == 1


def ends(line: str) -> list[int]:
    """Return where the columns of a line of a table end, except the first, which is aligned to the left."""
    return [column.end() for column in re.finditer(r"\S+( \S+)*", line)][1:]


def test_the_table_compares_and_the_plot_is_written(no_package: None, tmp_path: Path, capsys: Any) -> None:
    picture = tmp_path / "time.png"
    arguments = ("--threads", THREADS, "--n", "1e3", "--n", 2000, "--p", 0.1, "--baselines", "--plot", picture)
    code, out, errors = brainsim("bench", "sentence-cold", *SMALL, *arguments, capsys=capsys)
    assert code == 0, errors
    assert f"wrote {picture}" in errors
    assert picture.read_bytes().startswith(b"\x89PNG")
    lines = out.splitlines()
    assert lines[0].startswith("sentence-cold: rate in sentences/s")
    assert "of ours" in lines[1]
    head, rows = lines[1], [line for line in lines if line.startswith(("brainsim  ", "brute-force  "))]
    assert [row.split()[0] for row in rows] == ["brainsim", "brute-force"] * 2
    assert [ends(row) for row in rows] == [ends(head)] * 4
    assert any("project" in line and "%" in line for line in lines)


def test_peak_memory_is_measured_in_a_separate_process(capsys: Any) -> None:
    """This process holds more than the limit; the other one holds 153 MiB beside Python and the packages."""
    ballast = np.ones(4 * 10**8, np.uint8)
    assert 160 < peak_of(np.ones, 2 * 10**7) < 380 < ballast.nbytes / 2**20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "sentence-cold"),
        (["sentence", "--n", "1.5"], "whole number"),
        (["sentence", "--n", "many"], "whole number"),
        (["sentence", "--n", "10"], "bench --n: must be an integer between 100"),
        (["sentence", "--p", "2"], "--p"),
        (["sentence", "--repeats", "0"], "--repeats"),
        (["sentence", "--backend", "cup"], "did you mean 'cpu'"),
        (["row", "--baselines"], "--baselines"),
        (["project", "--plot", "x.png"], "--plot: must be given for 'sentence'"),
        (["sentence", "--plot", "x.doc"], "--plot: must end in .png"),
        (["sentence", "--plot", "/no/such/folder/x.png"], "there is no folder"),
        (["scale", "--n", "5000"], "at least 100000"),
    ],
)
def test_bad_input_is_refused_before_anything_runs(arguments: list[str], message: str, capsys: Any) -> None:
    code, out, errors = brainsim("bench", *arguments, capsys=capsys)
    assert code == 2
    assert message in errors
    assert not out


@pytest.mark.slow
def test_a_batch_is_timed_beside_its_brains_alone(capsys: Any) -> None:
    code, out, errors = brainsim("bench", "batch", "--quick", "--json", capsys=capsys)
    assert code == 0, errors
    (record,) = json.loads(out)
    assert (record["brains"], record["n"], record["repeats"], record["rounds_per_brain"]) == (2, 1000, 1, 120)
    assert record["ratio"] == record["alone_seconds"] / record["batch_seconds"] > 0


def test_help_lists_the_cases(capsys: Any) -> None:
    code, out, _ = brainsim("bench", "--help", capsys=capsys)
    assert code == 0
    (case_argument,) = [each for each in command.bench.params if each.name == "case"]
    assert (*CASES, "features", "vectors", "batch") == case_argument.type.choices  # type: ignore[attr-defined]
    for case, meaning in CASES.items():
        assert f"{case:<13}  {meaning}" in out


@pytest.mark.parametrize(("hash_seed", "again"), [(None, True), ("random", True), ("0", False), ("7", False)])
def test_neural_assemblies_gets_a_fixed_hash_seed(
    hash_seed: str | None, again: bool, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a fixed hash seed, the case is measured in a new Python process that has one; otherwise in this one."""
    found, asked, compared = importlib.util.find_spec, [], []

    def run(arguments: list[str], env: dict[str, str], **_: Any) -> Any:
        asked.append((arguments[3:], env["PYTHONHASHSEED"]))
        return SimpleNamespace(returncode=0, stdout="[]")

    def find_spec(name: str, package: str | None = None) -> Any:
        return object() if name == "neural_assemblies" else found(name, package)

    def compare(case: Any, *_: Any, **__: Any) -> list[Any]:
        compared.append(case.n)
        return []

    monkeypatch.setattr(command, "subprocess", SimpleNamespace(run=run, PIPE=subprocess.PIPE))
    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    monkeypatch.setattr("brainsim.bench.measure.compare", compare)
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    if hash_seed is not None:
        monkeypatch.setenv("PYTHONHASHSEED", hash_seed)
    words = (
        "sentence --json --baselines --n 1000 --n 2000 --p 0.1 --repeats 2 --backend cpu --quick --no-memory".split()
    )
    code, out, errors = brainsim("bench", *words, capsys=capsys)
    assert (code, json.loads(out)) == (0, []), errors
    assert asked == ([(["bench", *words], "0")] if again else [])
    assert compared == ([] if again else [1000, 2000])


# The work


def test_cases_have_the_specified_sizes() -> None:
    assert [(c.n, c.k, c.p, c.units) for c in plan("project", (), None, quick=False)] == list(PROJECTIONS)
    assert [c.n for c in plan("scale", (10**7,), None, quick=False)] == [10**5, 10**6, 10**7]
    assert [c.n for c in plan("scale", (4000, 300), None, quick=False)] == [300, 4000]
    assert {row.p for row in rows((), None, quick=False)} == {0.001, 0.01, 0.05}
    (sentence,) = plan("sentence", (10**6,), None, quick=False)
    assert isinstance(sentence, Sentences)
    assert (sentence.n, sentence.k, sentence.p, sentence.warm, sentence.units) == (10**6, 50, 0.05, 20, 200)
    assert [c.n for c in plan("project", (10**6,), 0.01, quick=False)] == [10**6]
    assert repeats_at(10**8, 5) == 3
    assert repeats_at(10**7, 5) == 5


def test_a_trial_of_sentences_has_the_specified_network_and_words() -> None:
    trial = Sentences(n=1000).trial(seed=3)
    assert (len(trial.warm), len(trial.timed)) == (20, 200)
    assert len(trial.network.fibers) == 8
    assert isinstance(trial.network.rule, SaturatingHebbian)
    nouns = {label for episode in trial.timed for label in episode.shown["Visual"]}
    verbs = {label for episode in trial.timed for label in episode.shown["Motor"]}
    assert (len(nouns), len(verbs)) == (4, 3)
    first = trial.timed[0]
    assert set(first.shown["Phon"]) == set(first.shown["Visual"]) | set(first.shown["Motor"])
    assert (first.rounds, first.silenced) == (2, ("Lex1", "Lex2"))
    cold = Sentences(n=1000, cold=True).trial(seed=3)
    assert len({label for episode in (*cold.warm, *cold.timed) for label in episode.shown["Visual"]}) == 220


def test_the_same_seed_gives_the_same_work() -> None:
    one, same, other = (Sentences(n=500).trial(seed).timed[5].shown["Phon"] for seed in (1, 1, 2))
    assert np.array_equal(union(one), union(same))
    assert not np.array_equal(union(one), union(other))


def test_pairs_per_round_of_a_sentence() -> None:
    network, unit = one_unit(Sentences(n=1000))
    phon = len(union(unit.shown["Phon"]))
    assert pairs_per_round(network, unit) == 1000 * (2 * phon + 4 * 50)


def test_a_slow_baseline_gets_fewer_units_or_is_left_out() -> None:
    baselines = (BruteForce, sampled.NeuralAssemblies)
    assert [b.affordable(*one_unit(Sentences(n=1000)), 200, recurs=True) for b in baselines] == [200, 200]
    assert 2 <= BruteForce.affordable(*one_unit(Sentences(n=10**6)), 200, recurs=True) < 200
    assert 2 <= sampled.NeuralAssemblies.affordable(*one_unit(Sentences(n=1000)), 200, recurs=False) < 200
    for baseline in baselines:
        with pytest.raises(EngineUnavailableError, match=f"{baseline.name}: left out"):
            baseline.affordable(*one_unit(Projection("scale", 10**8, 10**4, 0.001, 10)), 10, recurs=True)


# The engines


def mixed(x: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def dense_graph(network: Network, source: str, target: str) -> np.ndarray:
    """Return the brute-force graph of a fiber as a boolean matrix."""
    pre, post = (np.arange(1, network.areas[area][0] + 1, dtype=np.uint64) for area in (source, target))
    with np.errstate(over="ignore"):
        row = mixed(fiber_hash(network.seed, source, target) + pre * np.uint64(0x9E3779B97F4A7C15))
        exists = mixed(row[:, None] + post * np.uint64(0xD1342543DE82EF95)) < np.uint64(int(network.p * 2**64))
    if source == target:
        np.fill_diagonal(exists, False)
    return exists


class Dense:
    """The law of a round on dense weight matrices, for comparison."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.weights = {(s, t): dense_graph(network, s, t).astype(np.int64) * ONE for s, t in network.fibers}
        self.fires = {area: np.zeros(n, bool) for area, (n, _) in network.areas.items()}

    def run(self, episode: Episode) -> None:
        for area in episode.silenced:
            self.fires[area][:] = False
        for area, words in episode.shown.items():
            self.fires[area] = np.isin(np.arange(len(self.fires[area])), union(words))
        for _ in range(episode.rounds):
            after = {a: f if a in self.network.stimuli else self.select(a) for a, f in self.fires.items()}
            update = self.network.rule.fixed_point().apply
            for (source, target), weights in self.weights.items():
                for i, j in np.argwhere(np.outer(self.fires[source], after[target]) & (weights > 0)):
                    weights[i, j] = update(int(weights[i, j]))
            self.fires = after

    def select(self, area: str) -> np.ndarray:
        drive = sum(self.fires[s] @ w for (s, t), w in self.weights.items() if t == area)
        seed, k = self.network.seed, self.network.areas[area][1]
        firing = [(fiber_key(seed, s, t, ""), np.flatnonzero(self.fires[s])) for s, t in self.weights if t == area]
        return np.isin(np.arange(len(drive)), winners(drive, k, area_key(seed, area), input_tag(firing)))


@pytest.mark.parametrize("rule", [SaturatingHebbian(0.3, 4.0), Hebbian(0.2, 3.0)])
def test_brute_force_follows_the_law_on_its_own_graph(rule: Any) -> None:
    areas = {"S": (60, 12), "A": (200, 15), "B": (90, 10)}
    fibers = (("S", "A"), ("A", "A"), ("A", "B"), ("B", "A"), ("A", "S"))
    network = Network(areas, fibers, ("S",), 0.3, rule, seed=5)
    engine, dense = BruteForce(network, Settings(THREADS)), Dense(network)
    words = {"x": np.arange(12), "y": np.arange(20, 35)}
    episodes = [
        Episode(4, {"S": {"x": words["x"]}}),
        Episode(3, {"S": words}, silenced=("A",)),
        Episode(5, {"S": {"x": words["x"]}}, silenced=("A", "B")),
    ]
    for step in (single for episode in episodes for single in episode.single_rounds()):
        engine.run(step)
        dense.run(step)
        for area in areas:
            assert np.array_equal(engine.winners(area), np.flatnonzero(dense.fires[area]))
    for bundle in engine.bundles:
        learned = dense.weights[bundle.source, bundle.target].copy()
        graph = dense_graph(network, bundle.source, bundle.target)
        pre, post = bundle.pre[: bundle.size], bundle.post[: bundle.size]
        learned[pre, post] -= bundle.delta[: bundle.size]
        assert np.array_equal(learned, graph * ONE)
        assert bundle.size > 50
        assert len(set(zip(pre.tolist(), post.tolist(), strict=True))) == bundle.size


def small_work() -> tuple[Network, Episode]:
    network = Network({"S": (60, 12), "A": (200, 15)}, (("S", "A"),), ("S",), 0.3, Hebbian(0.2))
    return network, Episode(2, {"S": {"x": np.arange(12)}})


def test_more_threads_than_numba_may_use_are_refused_before_anything_runs(no_package: None, capsys: Any) -> None:
    arguments = ("--baselines", "--threads", MOST_THREADS + 1)
    code, out, errors = brainsim("bench", "sentence", *SMALL, *arguments, capsys=capsys)
    assert code == 2
    assert f"bench --threads: must be an integer between 1 and {MOST_THREADS} (got {MOST_THREADS + 1})" in errors
    assert "set NUMBA_NUM_THREADS higher" in errors
    assert "warm-up" not in errors
    assert not out
    with pytest.raises(DeclarationError, match="bench --threads"):
        BruteForce(small_work()[0], Settings(MOST_THREADS + 1))


def test_by_default_brute_force_uses_the_share_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    network, episode = small_work()
    BruteForce(network, Settings()).run(episode)  # compiled, since Numba refuses to compile after the next line
    assert numba.get_num_threads() == default_threads()
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")
    BruteForce(network, Settings()).run(episode)
    assert numba.get_num_threads() == 1


def test_the_graph_of_brute_force_has_the_requested_density() -> None:
    network = Network({"A": (1500, 10)}, (("A", "A"),), (), 0.05, Hebbian(0.1), seed=1)
    graph = dense_graph(network, "A", "A")
    expected, spread = 1499 * 0.05, np.sqrt(1499 * 0.05 * 0.95)
    for degrees in (graph.sum(axis=0), graph.sum(axis=1)):
        assert abs(degrees.mean() - expected) < 0.5
        assert abs(degrees.std() / spread - 1) < 0.1


def test_top_k_breaks_ties_as_the_law_does_and_leaves_out_zero() -> None:
    rng = np.random.default_rng(1)
    for k in (1, 4, 30):
        drive = rng.integers(0, 4, 60)
        assert top_k(drive, k, 5, 7).tolist() == winners(drive, k, 5, 7).tolist()
    assert top_k(np.array([0, 0, 2, 0]), 3, 5, 7).tolist() == [2]


def test_the_brainsim_engine_gives_the_winners_of_the_simulator() -> None:
    trial = Projection("project", 500, 20, 0.1, 3).trial(seed=4)
    engine = Brainsim(trial.network, Settings(threads=1))
    engine.run(trial.timed[0])
    brain = Brain()
    s, a = brain.add(Area("S", n=20, k=20), Area("A", n=500, k=20))
    brain.connect(s, a, p=0.1, plasticity=Hebbian(0.05))
    brain.connect(a, a, p=0.1, plasticity=Hebbian(0.05))
    with Simulator(brain, seed=4) as sim:
        sim.present(Assembly("S", range(20)))
        sim.run(brain.fibers, rounds=3)
        assert np.array_equal(engine.winners("A"), sim.assembly("A").neurons)
    engine.close()


def test_a_missing_package_is_reported(no_package: None) -> None:
    found, missing = settle(("brainsim", "neural-assemblies"))
    assert list(found) == ["brainsim"]
    assert len(missing) == 1
    with pytest.raises(EngineUnavailableError, match="not installed"):
        engine_class("neural-assemblies")


@pytest.mark.skipif(importlib.util.find_spec("neural_assemblies") is None, reason="neural-assemblies is not installed")
@pytest.mark.parametrize(
    "case", [Sentences(n=1000), Sentences(n=1000, cold=True), Projection("project", 900, 30, 0.05, 9)]
)
def test_neural_assemblies_runs(case: Any) -> None:
    trial = case.trial(1, 5)
    watched = watch(engine_class("neural-assemblies")(trial.network, Settings()), trial, case.main)
    assert all(len(cap) == case.k for cap in watched.caps)
    assert watched.events > 0


# Measures, plots and tables


def test_measures_of_quality() -> None:
    a, b, c = (np.array(neurons) for neurons in ([1, 2], [2, 3], [4, 5]))
    assert support_over_k([a, b, a], 2) == 1.5
    assert first_overlap([a, b]) == 0.5
    assert first_overlap([a]) is None
    assert converged_at([a, a, a]) == 1
    assert converged_at([a, b, c, c]) == 3
    assert converged_at([a, b, a, c]) is None


def test_events_are_the_synapses_that_transmit() -> None:
    case = Projection("project", 400, 20, 0.1, 3)
    trial = case.trial(1)
    engine = Brainsim(trial.network, Settings())
    watched = watch(engine, trial, case.main)
    engine.close()
    # The area is silent in the first round.
    assert watched.events == pytest.approx(0.1 * 400 * (3 * 20 + 2 * 20))


def test_the_exponent_is_recovered() -> None:
    sizes = np.array([1e5, 1e6, 1e7])
    assert exponent(sizes, 3e-9 * sizes**1.25) == pytest.approx(1.25)
    assert exponent([1e5], [1.0]) is None
    assert exponent([1e5, 1e5], [1.0, 2.0]) is None


def test_the_plot_needs_sentences(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="sentence"):
        time_per_sentence([{"case": "project"}], tmp_path / "x.png")


def test_an_empty_table_says_that_nothing_was_measured() -> None:
    assert table([]) == "nothing was measured"
