"""Declarations: accepted values, representation, comparison and errors."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from brainsim import Area, Assembly, Brain, BrainsimError, Hebbian, Random, SaturatingHebbian, Simulator, TopK
from brainsim.areas import Lex, Motor, Phon, Visual
from brainsim.errors import DeclarationError, FrozenBrainError, UnknownNameError
from brainsim.kernels.law.weights import ONE
from brainsim.models.nemo.lexicon import read_lexicon


def small_brain() -> Brain:
    brain = Brain()
    phon, lex = brain.add(Phon(["dog", "cat"], k=4), Lex("Lex1", n=100, k=5))
    brain.connect(phon, lex, p=0.2, plasticity=Hebbian(0.1))
    brain.connect(lex, lex, p=0.1)
    return brain


def connected(rule: Any) -> Any:
    """Return a fiber of weight 1 with a rule."""
    brain = Brain()
    area = brain.add(Area("A", 100, 10))
    return brain.connect(area, area, 0.1, rule)


def test_the_repr_of_a_brain_lists_its_parts() -> None:
    brain = small_brain()
    assert repr(brain).splitlines() == [
        "Brain: 2 areas, 2 fibers",
        "  Phon('Phon', n=8, k=4, 2 patterns)",
        "  Lex('Lex1', n=100, k=5)",
        "  <Fiber Phon->Lex1 p=0.2 Hebbian(beta=0.1, w_max=32767.0)>",
        "  <Fiber Lex1->Lex1 p=0.1 fixed>",
    ]
    assert brain["Phon"]["cat"].neurons.tolist() == [4, 5, 6, 7]


def test_an_area_accepts_the_patterns_of_another() -> None:
    phon = Phon(["dog", "cat"], k=4)
    other = Area("Other", n=20, k=4, patterns=phon.patterns)
    assert other["dog"] == Assembly("Other", range(4), "dog")
    assert (list(other.patterns), other["cat"].label) == (["dog", "cat"], "cat")
    with pytest.raises(
        DeclarationError, match=r"Area 'Small'.patterns\['cat'\]: neurons must be below n = 6 \(got 7\)"
    ):
        Area("Small", n=6, k=4, patterns=phon.patterns)


def test_brains_compare_by_declaration_whatever_the_order() -> None:
    first, second = small_brain(), Brain()
    lex, phon = second.add(Lex("Lex1", n=100, k=5), Phon(["dog", "cat"], k=4))
    second.connect(lex, lex, p=0.1)
    second.connect(phon, lex, p=0.2, plasticity=Hebbian(0.1))
    assert first == second
    second.connect(lex, phon, p=0.2)
    assert first != second


def test_fiber_sets_are_combined_and_filtered() -> None:
    brain = small_brain()
    phon, lex = brain["Phon"], brain["Lex1"]
    both = phon >> lex | lex >> lex
    assert both == brain.fibers
    assert len(both - (lex >> lex)) == 1
    assert repr(both) == "<Phon->Lex1 | Lex1->Lex1>"
    assert brain.fibers.into(lex) == both
    assert brain.fibers.out_of(phon) == phon >> lex


def test_one_fiber_set_holds_all_labels() -> None:
    brain = Brain()
    a, b = brain.add(Area("A", 10, 2), Area("B", 10, 2))
    brain.connect(a, b, 0.5)
    brain.connect(a, b, 0.5, label="slow")
    assert [f.name for f in a >> b] == ["A->B", "A->B[slow]"]
    first, second = a >> b
    assert first.row(3).tolist() != second.row(3).tolist()


def test_assemblies_are_immutable_sets() -> None:
    a = Assembly("A", [3, 1, 2])
    assert list(a) == [1, 2, 3]
    assert 3 in a
    assert 4 not in a
    assert a == Assembly("A", (1, 2, 3))
    assert a.overlap(Assembly("A", [2, 3, 4])) == pytest.approx(2 / 3)
    assert a.overlap(Assembly("A", [])) == 0.0
    with pytest.raises(ValueError, match="read-only"):
        a.neurons[0] = 9


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Area("Lex1", n=1000, k=5000),
            "Area 'Lex1'.k: must be between 1 and n = 1000 (got 5000); lower k or raise n",
        ),
        (
            lambda: Area("Lex1", n=1000, k=0),
            "Area 'Lex1'.k: must be between 1 and n = 1000 (got 0); lower k or raise n",
        ),
        (
            lambda: Area("Lex1", n=1000),
            "Area 'Lex1'.k: must be between 1 and n = 1000 (got None); give the number of winners",
        ),
        (lambda: Area("Lex1", n=2.5, k=1), "Area 'Lex1'.n: must be an integer between 1 and 2147483647 (got 2.5)"),
        (
            lambda: Area("Lex1", n=2**31, k=1),
            "Area 'Lex1'.n: must be an integer between 1 and 2147483647 (got 2147483648)",
        ),
        (lambda: Area("", n=10, k=1), "Area.name: must be printable text, not empty (got '')"),
        (
            lambda: Area("a/b", n=10, k=1),
            "Area.name: must not contain '/' or '->' or be dots alone (got 'a/b'); use '_' instead",
        ),
        (
            lambda: Area("V", 10, 2, {"x": [8, 10]}),
            "Area 'V'.patterns['x']: neurons must be below n = 10 (got 10); raise n",
        ),
        (
            lambda: Area("V", 10, 2, {"x": [1, 1]}),
            "Area 'V'.patterns['x']: a neuron is listed twice; give each index once",
        ),
        (lambda: Area("V", 10, 2, {"x": []}), "Area 'V'.patterns['x']: must name at least one neuron (got none)"),
        (
            lambda: Area("V", 10, 2, {"x": [0.5]}),
            "Area 'V'.patterns['x']: neurons must be a list of indices (got [0.5])",
        ),
        (lambda: Area("V", 10, 2, {"x": [-1]}), "Area 'V'.patterns['x']: neuron -1 is negative; indices start at 0"),
        (
            lambda: Area("V", 10, 2, {"x": [True, False, True]}),
            "Area 'V'.patterns['x']: neurons must be a list of indices, or a mask of n = 10 truth values "
            "(got a mask of shape (3,)); use numpy.flatnonzero(mask)",
        ),
        (
            lambda: Assembly("V", np.ones(3, bool)),
            "Assembly of area 'V': neurons must be a list of indices (got a mask of shape (3,)); "
            "use numpy.flatnonzero(mask)",
        ),
        (lambda: Phon(["dog", "dog"]), "patterns: words must be distinct (got 'dog' twice)"),
        (lambda: Phon("dog"), "patterns: words must be a list of words (got the text 'dog'); write ['dog']"),
        (lambda: Area("V", 10, 2, [1, 2]), "Area 'V'.patterns: must map labels to neurons (got [1, 2])"),  # type: ignore[arg-type]
        (
            lambda: Assembly(Area("V", 10, 2), [1]),
            "Assembly.area: must be the name of an area (got Area('V', n=10, k=2))",
        ),  # type: ignore[arg-type]
        (lambda: Phon([]), "patterns: words must name at least one word (got none)"),
        (lambda: Visual(["dog"], features={}), "patterns: features must rate every word (nothing for 'dog')"),
        (
            lambda: Visual(["dog", "cat"], features={"dog": [1.0], "cat": [float("nan")]}),
            "patterns: features['cat'] must be 1 finite numbers (got [nan])",
        ),
        (lambda: Hebbian(-0.1), "Hebbian.beta: must be a number between 0 and 8 (got -0.1)"),
        (lambda: Hebbian(float("nan")), "Hebbian.beta: must be a number between 0 and 8 (got nan)"),
        (lambda: Hebbian("x"), "Hebbian.beta: must be a number between 0 and 8 (got 'x')"),  # type: ignore[arg-type]
        (
            lambda: connected(SaturatingHebbian(0.1, 0.5)),
            "Fiber 'A->A'.plasticity: SaturatingHebbian.w_max: must be at least 1, the weight of the fiber (got 0.5)",
        ),
        (
            lambda: SaturatingHebbian(0.1, 40_000),
            "SaturatingHebbian.w_max: must be a number between 1.52588e-05 and 32767 (got 40000)",
        ),
        (
            lambda: Hebbian(1e-7),
            "Hebbian.step: at weight 1 must be 0 or at least about 1e-4, since weights have 16 fractional bits (got 1e-07); raise the rate",
        ),
    ],
)
def test_bad_values_are_refused_at_the_declaration(make: Any, message: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        make()
    assert str(caught.value) == message


@pytest.mark.parametrize("p", [-0.1, 1.5, float("nan"), "x", True])
def test_bad_p_is_refused(p: Any) -> None:
    brain = small_brain()
    with pytest.raises(DeclarationError, match=r"Fiber 'Lex1->Phon'\.p: must be a number between 0 and 1 \(got"):
        brain.connect(brain["Lex1"], brain["Phon"], p=p)
    assert len(brain.fibers) == 2


def test_bad_fibers_and_areas_are_refused() -> None:
    brain, other = small_brain(), small_brain()
    with pytest.raises(DeclarationError, match="Area 'Lex1' belongs to another brain"):
        brain.connect(brain["Phon"], other["Lex1"], p=0.1)
    with pytest.raises(DeclarationError, match="Area 'Lone' belongs to no brain yet"):
        brain.connect(brain["Phon"], Area("Lone", 5, 1), p=0.1)
    with pytest.raises(DeclarationError, match="exists already; give the second one a label"):
        brain.connect(brain["Phon"], brain["Lex1"], p=0.1)
    with pytest.raises(DeclarationError, match="must be a Plasticity rule or None"):
        brain.connect(brain["Lex1"], brain["Phon"], p=0.1, plasticity=0.1)  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match="must be unique in the brain"):
        brain.add(Area("New", 5, 1), Area("Phon", 5, 1))
    with pytest.raises(DeclarationError, match="already belongs to another brain"):
        brain.add(other["Phon"])
    assert list(brain.areas) == ["Phon", "Lex1"]


def test_errors_about_unknown_names_suggest_a_known_one() -> None:
    brain = small_brain()
    with pytest.raises(UnknownNameError, match="unknown area 'Lexx1'; did you mean 'Lex1'") as caught:
        brain["Lexx1"]
    assert isinstance(caught.value, KeyError)
    assert not str(caught.value).startswith('"')
    with pytest.raises(UnknownNameError, match=r"Area 'Phon': unknown pattern 'dgo'; did you mean 'dog'\?"):
        brain["Phon"]["dgo"]
    with pytest.raises(UnknownNameError, match=r"unknown fiber 'Lex1->Phon'; did you mean 'Lex1->Lex1'\?"):
        brain["Lex1"] >> brain["Phon"]


def test_a_brain_freezes_when_a_simulator_is_built() -> None:
    brain = small_brain()
    with Simulator(brain, backend="reference"):
        with pytest.raises(FrozenBrainError, match="declare everything before"):
            brain.add(Area("X", 5, 1))
        with pytest.raises(FrozenBrainError):
            brain.connect(brain["Lex1"], brain["Phon"], p=0.1)
    with pytest.raises(AttributeError):
        brain["Lex1"].k = 3  # type: ignore[misc]


def test_declarations_can_be_pickled_and_copied() -> None:
    brain = small_brain()
    for other in (pickle.loads(pickle.dumps(brain)), copy.deepcopy(brain)):
        assert other == brain
        assert other["Phon"].brain is other
        assert len(other["Phon"] >> other["Lex1"]) == 1
        assert other["Phon"]["dog"] == brain["Phon"]["dog"]
    assert not pickle.loads(pickle.dumps(brain["Phon"]["dog"])).neurons.flags.writeable


def test_every_error_is_a_brainsim_error_and_a_builtin() -> None:
    from brainsim import errors

    kinds = [
        e
        for e in vars(errors).values()
        if isinstance(e, type) and issubclass(e, BrainsimError) and e is not BrainsimError
    ]
    assert len(kinds) > 8
    assert all(any(base.__module__ == "builtins" for base in e.__mro__[2:-3]) for e in kinds)


class TestPlasticity:
    def test_hebbian_multiplies_up_to_its_cap(self) -> None:
        rule, weight = Hebbian(0.5, w_max=4), 1.0
        seen = [weight := rule.update(weight) for _ in range(5)]
        assert seen == [1.5, 2.25, 3.375, 4, 4]

    def test_saturating_approaches_its_limit(self) -> None:
        rule, weight = SaturatingHebbian(1.0, w_max=10), 1.0
        for count in range(1, 60):
            weight = rule.update(weight)
            assert weight == pytest.approx(10 - 9 * 0.9**count)

    @pytest.mark.parametrize(
        "rule", [Hebbian(0.06), Hebbian(1.0, 20), SaturatingHebbian(0.1, 10), SaturatingHebbian(8, 30_000)]
    )
    def test_integers_follow_the_formula(self, rule: Any) -> None:
        exact, stored, step = 1.0, 1 << 16, rule.fixed_point()
        for _ in range(300):
            exact, stored = rule.update(exact), step.apply(stored)
            assert stored / 65_536 == pytest.approx(exact, rel=2e-3)
            assert 0 < stored < 2**31

    def test_a_cap_at_the_base_weight_is_refused(self) -> None:
        with pytest.raises(DeclarationError, match=r"Hebbian\.w_max: must be above 1, the base weight, to learn"):
            connected(Hebbian(0.1, 1.0))
        assert connected(Hebbian(0.0, 1.0)).steps()[0].apply(ONE) == ONE
        assert Hebbian(0.0, 1.0).update(1.0) == 1.0

    def test_the_largest_product_fits_64_bits(self) -> None:
        step = Hebbian(8.0).fixed_point()
        assert step.gain * (2**31 - 1) + step.drift + 2**27 < 2**63
        assert SaturatingHebbian(8.0, 1.1).fixed_point().gain >= -(8 << 28)


class TestGroundings:
    ratings = {"cloud": [5.0, 0.0], "moon": [4.9, 0.1], "kick": [0.0, 5.0], "push": [0.2, 4.0], "sky": [4.5, 0.3]}

    def test_words_with_similar_ratings_share_neurons(self) -> None:
        area = Visual(self.ratings, k=50, features=self.ratings, shared=0.4)
        assert all(len(pattern) == 50 for pattern in area.patterns.values())
        assert area["cloud"].overlap(area["moon"]) > area["cloud"].overlap(area["kick"])
        assert max(area["cloud"].overlap(area[w]) for w in ("moon", "sky", "push")) <= 0.4

    def test_words_stay_distinct_even_with_equal_ratings(self) -> None:
        area = Motor(["a", "b", "c"], k=50, features={"a": [1.0], "b": [1.0], "c": [3.0]}, shared=0.4)
        assert area["a"].overlap(area["b"]) == pytest.approx(0.4)
        assert area["a"].overlap(area["c"]) == 0

    def test_words_with_opposite_ratings_share_no_neurons(self) -> None:
        area = Visual(["a", "b"], k=50, features={"a": [0.0, 0.0], "b": [100.0, -50.0]}, shared=0.4)
        assert area["a"].overlap(area["b"]) == 0

    def test_overlap_follows_similarity_of_real_ratings(self, real_data: Path) -> None:
        names = "Auditory Gustatory Haptic Interoceptive Olfactory Visual Foot_leg Hand_arm Head Mouth Torso".split()
        lexicon = read_lexicon(real_data / "noun_verb_40x40.csv", features=names)
        area = Visual(lexicon.nouns, features=lexicon.features, shared=0.5)
        table = np.array([lexicon.features[noun] for noun in lexicon.nouns])
        table = (table - table.mean(axis=0)) / table.std(axis=0)
        pairs = list(zip(*np.triu_indices(len(table), 1), strict=True))
        apart = [float(np.sqrt(((table[i] - table[j]) ** 2).mean())) for i, j in pairs]
        overlap = [area[lexicon.nouns[i]].overlap(area[lexicon.nouns[j]]) for i, j in pairs]
        assert stats.spearmanr(apart, overlap).statistic < -0.5
        assert max(overlap) <= 0.5
        assert all(o == 0 for a, o in zip(apart, overlap, strict=True) if a >= 1)

    def test_patterns_have_k_neurons_even_if_many_words_are_similar(self) -> None:
        words = [f"w{i}" for i in range(30)]
        area = Visual(words, k=50, features={word: [i % 3, 0.0] for i, word in enumerate(words)}, shared=0.5)
        assert all(len(pattern) == 50 for pattern in area.patterns.values())
        assert all(area[word].overlap(area[words[0]]) <= 0.5 for word in words[1:])

    def test_without_ratings_patterns_are_disjoint(self) -> None:
        area = Visual(["a", "b"], k=50)
        assert area.n == 100
        assert area["a"].overlap(area["b"]) == 0

    def test_a_single_word_is_accepted(self) -> None:
        assert len(Visual(["a"], k=10, features={"a": [1.0]}, shared=0.5)["a"]) == 10


def test_the_graph_of_a_fiber_can_be_inspected_without_a_simulator() -> None:
    brain = small_brain()
    (fiber,) = brain["Phon"] >> brain["Lex1"]
    matrix = fiber.to_scipy(seed=3)
    assert matrix.shape == (8, 100)
    assert np.array_equal(matrix[[2]].nonzero()[1], fiber.row(2, seed=3))
    assert all(fiber.contains(2, j, seed=3) for j in fiber.row(2, seed=3).tolist())
    with pytest.raises(DeclarationError, match="source neuron: must be an integer between 0 and 7"):
        fiber.row(8)
    big = Brain()
    a = big.add(Area("A", 10**6, 10))
    with pytest.raises(DeclarationError, match="must have at most 100_000_000 synapses"):
        big.connect(a, a, p=0.5).to_scipy()


def test_a_fiber_has_either_a_probability_or_a_graph() -> None:
    brain = small_brain()
    lex, phon = brain["Lex1"], brain["Phon"]
    fiber = brain.connect(lex, phon, graph=Random(0.5))
    assert (fiber.p, repr(fiber)) == (0.5, "<Fiber Lex1->Phon p=0.5 fixed>")
    for p, graph in ((None, None), (0.5, Random(0.5))):
        with pytest.raises(DeclarationError, match=r"Brain\.connect: give either p or graph \(got p="):
            brain.connect(lex, phon, p, graph=graph)
    positional: dict[str, Any] = {"graph": Random(0.5), "plasticity": Hebbian(0.1)}
    for keyword, part in positional.items():
        with pytest.raises(DeclarationError, match=rf"Brain\.connect\.p: .*; give it as {keyword}="):
            brain.connect(lex, phon, part)
    with pytest.raises(DeclarationError, match=r"Fiber 'Lex1->Phon'\.graph: must be a graph, such as Random\(0\.1\)"):
        brain.connect(lex, phon, graph=0.5)  # type: ignore[arg-type]


def test_an_area_has_an_activation() -> None:
    assert Area("A", 10, 2).activation == TopK()
    assert Area("A", 10, 2, activation=TopK()) == Area("A", 10, 2)
    with pytest.raises(DeclarationError, match=r"Area 'A'\.activation: must be an Activation, such as TopK\(\)"):
        Area("A", 10, 2, activation="top")  # type: ignore[arg-type]
