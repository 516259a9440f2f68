"""Assemblies behave as sets and as arrays of neurons; neurons may be written in several ways."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from brainsim import Area, Assembly, Brain, BrainsimError, Hebbian, Simulator, operations
from brainsim.errors import DeclarationError
from brainsim.simulate.dumps import read_assemblies, write_assemblies

A, B = Assembly("Lex", [3, 1, 2], "dog"), Assembly("Lex", [2, 3, 4], "cat")


def test_set_operations_give_assemblies_of_the_same_area() -> None:
    assert (A & B).neurons.tolist() == [2, 3]
    assert (A | B).neurons.tolist() == [1, 2, 3, 4]
    assert (A - B).neurons.tolist() == [1]
    assert (A ^ B).neurons.tolist() == [1, 4]
    assert ((A & B).area, (A & B).label) == ("Lex", None)


def test_assemblies_are_compared_as_sets() -> None:
    assert A & B <= A
    assert A & B < A
    assert A >= A & B
    assert A <= A
    assert not A < A
    assert not A <= B


@pytest.mark.parametrize("operator", ["__and__", "__or__", "__sub__", "__xor__", "__le__", "overlap"])
def test_assemblies_of_different_areas_are_not_mixed(operator: str) -> None:
    with pytest.raises(DeclarationError, match=r"assemblies must be of one area \(got 'Lex' and 'Phon'\)"):
        getattr(A, operator)(Assembly("Phon", [1]))


def test_numbers_and_arrays_are_refused_as_assemblies() -> None:
    for other in ([1, 2], np.array([1, 2]), 3):
        with pytest.raises(
            DeclarationError, match=r"&: must be between assemblies .* Assembly\('Lex', neurons\) makes one"
        ):
            A & other  # type: ignore[operator]
    with pytest.raises(TypeError):
        np.array([1, 2, 3]) & A  # type: ignore[operator]


def test_neurons_of_any_whole_number_type_are_found() -> None:
    assert all(neuron in A for neuron in (3, 3.0, np.int32(3), np.float32(3)))
    assert not any(neuron in A for neuron in (4, 2.5, True, "3", None))


def test_an_assembly_is_an_array_of_its_neurons() -> None:
    neurons = np.asarray(A)
    assert neurons.dtype == np.int64
    assert neurons.tolist() == [1, 2, 3]
    assert np.array(A, dtype=float).tolist() == [1.0, 2.0, 3.0]
    assert (np.arange(10) ** 2)[A].tolist() == [1, 4, 9]
    assert np.intersect1d(A, B).tolist() == [2, 3]
    copied = np.array(A)
    copied[0] = 7
    assert list(A) == [1, 2, 3]


def test_labels_can_be_given_later() -> None:
    assert A.labelled("hound").label == "hound"
    assert A.labelled("hound") == A
    assert A.label == "dog"


@pytest.mark.parametrize("neurons", [[1.0, 3.0], {3, 1}, range(1, 4, 2), np.array([3.0, 1.0]), Assembly("X", [1, 3])])
def test_neurons_can_be_written_in_several_ways(neurons: Any) -> None:
    assert list(Assembly("V", neurons)) == [1, 3]
    assert list(Area("V", 4, 2, {"x": neurons})["x"]) == [1, 3]


def test_a_mask_of_all_neurons_is_a_pattern() -> None:
    assert list(Area("V", 4, 2, {"x": [False, True, False, True]})["x"]) == [1, 3]
    assert list(Area("V", 4, 2, {"x": np.arange(4) % 2 == 1})["x"]) == [1, 3]
    with pytest.raises(DeclarationError, match="must name at least one neuron"):
        Area("V", 4, 2, {"x": np.zeros(4, bool)})


@pytest.mark.parametrize("neurons", [[np.nan], [np.inf], [1e300], [[1, 2]], ["a"], 3])
def test_values_that_are_no_list_of_neurons_are_refused(neurons: Any) -> None:
    with pytest.raises(DeclarationError, match="neurons must be a list of indices"):
        Assembly("V", neurons)


def test_whole_floats_are_integers_everywhere() -> None:
    area = Area("V", 1e5, np.float32(10), {"x": range(10)})  # type: ignore[arg-type]
    assert (area.n, area.k) == (100_000, 10)
    assert type(area.n) is int
    brain = Brain()
    stimulus, target = brain.add(area, Area("T", 100, 5))
    brain.connect(stimulus, target, 0.5)
    with Simulator(brain, seed=1e3, backend="reference") as sim:  # type: ignore[arg-type]
        sim.present(stimulus["x"])
        assert sim.run(stimulus >> target, rounds=2.0).rounds == 2  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match=r"V'\.n: must be an integer between 1 and 2147483647 \(got nan\)"):
        Area("V", float("nan"), 1)  # type: ignore[arg-type]


def test_errors_have_the_parts_of_their_message_as_attributes() -> None:
    with pytest.raises(BrainsimError) as caught:
        Area("Lex1", n=1000, k=5000)
    error = caught.value
    assert (error.where, error.value) == ("Area 'Lex1'.k", 5000)
    assert (error.allowed, error.cure) == ("between 1 and n = 1000", "lower k or raise n")
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.where, type(copy)) == (str(error), error.where, DeclarationError)


def test_an_error_about_a_value_that_cannot_be_pickled_can_be_pickled() -> None:
    with pytest.raises(DeclarationError) as caught:
        Area("Lex1", n=lambda: 3, k=1)  # type: ignore[arg-type, return-value]
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.fixture
def brain() -> Brain:
    brain = Brain()
    stimulus, area = brain.add(Area("S", 100, 10, {"dog": range(10), "cat": range(10, 20)}), Area("A", 300, 10))
    brain.connect(stimulus, area, 0.2, Hebbian(0.1))
    brain.connect(area, area, 0.2, Hebbian(0.1))
    return brain


def test_operations_keep_the_label_of_their_stimulus(brain: Brain, tmp_path: Any) -> None:
    with Simulator(brain, seed=3, backend="reference") as sim:
        dog = operations.project(sim, brain["S"]["dog"], "A")
        assert dog.label == "dog"
        assert operations.complete(sim, operations.cue_of(dog, 0.5)).label == "dog"
        heard = operations.memorize_sequence(sim, [brain["S"]["dog"], brain["S"]["cat"]], "A")
        assert [each.label for each in heard] == ["dog", "cat"]
        write_assemblies(tmp_path / "formed.h5", [dog])
        assert read_assemblies(tmp_path / "formed.h5")["A"]["dog"] == dog
        with pytest.raises(BrainsimError, match=r"assembly\.labelled\('dog'\) gives one a label"):
            write_assemblies(tmp_path / "none.h5", [sim.assembly("A")])


def test_the_repr_of_a_connectome_names_its_fiber(brain: Brain) -> None:
    with Simulator(brain, seed=3, backend="reference") as sim:
        sim.present(brain["S"]["dog"])
        sim.run(brain.fibers)
        assert repr(sim.connectome(brain["S"] >> brain["A"])) == "<Connectome of S->A: 100 x 300 neurons, p=0.2>"


def test_fibers_are_joined_with_a_bar(brain: Brain) -> None:
    s, a = brain["S"], brain["A"]
    with pytest.raises(DeclarationError, match=r"cannot be used as a condition; join them with \|"):
        s >> a and a >> a
    with pytest.raises(DeclarationError, match=r"cannot be used as a condition"):
        bool(next(iter(s >> a)))
    with pytest.raises(DeclarationError, match=r"cannot be added; join them with \|"):
        (s >> a) + (a >> a)
    with pytest.raises(DeclarationError, match=r"Area 'A': areas cannot be added; join fibers with \|"):
        s >> a + a >> a
    assert len(brain.fibers - brain.fibers) == 0


def test_the_repr_of_a_brain_counts_its_parts() -> None:
    one = Brain()
    area = one.add(Area("A", 10, 1))
    one.connect(area, area, 0.1)
    assert repr(one).startswith("Brain: 1 area, 1 fiber\n")
