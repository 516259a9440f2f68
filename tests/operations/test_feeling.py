"""The amygdala: words take on the emotion of their neighbours, which sets dopamine, thresholds and noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import coo_array

from brainsim import Area, Assembly, Brain, Cosine, Explicit, Hebbian, Modulator, Simulator, VectorArea
from brainsim.areas import Amygdala, Sway
from brainsim.errors import DeclarationError, SimulationError, UnknownNameError
from brainsim.operations import feel, swayed
from brainsim.operations.feeling import Feeling

WORDS = 12
pytestmark = pytest.mark.filterwarnings("ignore::brainsim.errors.UnusedWarning")


def rings() -> Explicit:
    """Return two separate rings of six words each, so that no emotion spreads from one to the other."""
    pairs = [(6 * half + at, 6 * half + (at + 1) % 6) for half in (0, 1) for at in range(6)]
    a, b = np.array(pairs + [(j, i) for i, j in pairs]).T
    return Explicit(coo_array((np.ones(len(a)), (a, b)), shape=(WORDS, WORDS)), symmetric=True)


def vectors() -> Any:
    """Return a different vector for each word; within a ring their cosines are .5 or more."""
    rng = np.random.default_rng(3)
    return np.concatenate([np.eye(4)[half] + 0.2 * rng.normal(size=(6, 4)) for half in (0, 1)])


def declared(**sways: Sway) -> tuple[Brain, Amygdala, Area]:
    brain = Brain()
    dopamine = brain.add(Modulator("dopamine"))
    amygdala = brain.add(Amygdala(words=WORDS, dim=4, dopamine=dopamine, graph=rings(), **sways))
    phon, lex = brain.add(Area("Phon", 40, 10, {"war": range(10), "peace": range(10, 20)}), Area("Lex", 200, 10))
    brain.connect(phon, lex, 0.3, Hebbian(0.5, 20), modulated_by=dopamine)
    return brain, amygdala, lex


def taught(sim: Simulator, amygdala: Amygdala) -> None:
    """Teach joy for words 0 to 4 and its opposite for 6 to 10; words 5 and 11 have no input."""
    sim.set_vectors(amygdala.words, vectors())
    given = np.zeros((WORDS, 3))
    given[:5, 2], given[6:11, 2] = 1.0, -1.0
    sim.edges(amygdala.emotion).set_input(given)
    sim.present(Assembly(amygdala.words.name, range(WORDS)))
    sim.run((), learn=amygdala.emotion, rounds=200)
    sim.silence(amygdala.words)


def one(amygdala: Amygdala, node: int) -> Assembly:
    return Assembly(amygdala.words.name, [node])


def test_words_without_input_take_on_the_emotion_of_their_neighbours() -> None:
    brain, amygdala, _ = declared(joy=Sway(1.0, 2.0), safety=Sway(0.5), curiosity=Sway(0.25))
    with Simulator(brain, seed=1) as sim:
        taught(sim, amygdala)
        glad, sad = (feel(sim, amygdala, one(amygdala, node)) for node in (5, 11))
        taught_joy = feel(sim, amygdala, one(amygdala, 2))
        both = feel(sim, amygdala, Assembly(amygdala.words.name, [5, 11]))
    assert taught_joy.joy > glad.joy > 0.1 > -0.1 > sad.joy
    assert both.joy == pytest.approx((glad.joy + sad.joy) / 2), "the mean over the edges of both words"
    assert glad.safety == pytest.approx(0.0, abs=1e-6), "channels do not mix"
    assert (glad.threshold, glad.noise) == (0.5, 0.25)
    assert glad.dopamine == pytest.approx(1.0 + 2.0 * glad.joy)
    assert sad.dopamine == pytest.approx(max(0.0, 1.0 + 2.0 * sad.joy))


def test_the_emotion_of_a_word_sets_dopamine_which_scales_learning() -> None:
    weights = {}
    for word, heard in (("peace", 5), ("war", 11)):
        brain, amygdala, lex = declared(joy=Sway(1.0, 0.8))
        with Simulator(brain, seed=1) as sim:
            taught(sim, amygdala)
            feeling = feel(sim, amygdala, one(amygdala, heard))
            assert sim.modulator("dopamine") == pytest.approx(feeling.dopamine, abs=2**-16)
            sim.present(brain["Phon"][word])
            sim.run(brain["Phon"] >> lex, rounds=3)
            weights[word] = sim.connectome(brain.fibers_between("Phon", lex)).learned()[2].max()
    assert weights["peace"] > weights["war"] + 0.5


def test_a_heard_word_activates_its_node() -> None:
    brain, amygdala, _ = declared()
    hears = amygdala.hears(brain["Phon"], {"war": 11, "peace": 5})
    with Simulator(brain, seed=1) as sim:
        taught(sim, amygdala)
        sim.present(brain["Phon"]["war"])
        sim.run(hears)
        assert sim.assembly(amygdala.words).neurons.tolist() == [11]
        assert feel(sim, amygdala) == feel(sim, amygdala, one(amygdala, 11))


def test_reading_changes_no_weight_and_leaves_words_silent() -> None:
    brain, amygdala, _ = declared()
    with Simulator(brain, seed=1) as sim:
        taught(sim, amygdala)
        before = np.array(sim.edges(amygdala.emotion).weights)
        feel(sim, amygdala, one(amygdala, 3))
        assert np.array_equal(before, sim.edges(amygdala.emotion).weights)
        assert not sim.fires(amygdala.words)
        with pytest.raises(SimulationError, match="does not fire"):
            feel(sim, amygdala)


def test_thresholds_and_noise_last_as_long_as_the_block() -> None:
    brain, _, lex = declared()
    feeling = Feeling(0.0, 0.0, 0.0, dopamine=1.0, threshold=1.5, noise=0.5)
    with Simulator(brain, seed=1) as sim:
        sim.set_thresholds(lex, np.full(lex.n, 1.0))
        with swayed(sim, lex, feeling, rng=4):
            inside = sim.thresholds(lex)
        with swayed(sim, lex, feeling, rng=4):
            again = sim.thresholds(lex)
        assert np.array_equal(inside, again)
        assert inside.mean() == pytest.approx(2.5, abs=0.15)
        assert inside.std() == pytest.approx(0.5, abs=0.1)
        assert np.array_equal(sim.thresholds(lex), np.full(lex.n, 1.0))


def test_the_value_of_a_sway_is_clipped() -> None:
    assert [Sway(1.0, 2.0, most=2.0).value(each) for each in (-9.0, 0.25, 9.0)] == [0.0, 1.5, 2.0]
    with pytest.raises(DeclarationError, match=r"Sway\.rest: must be a number between 0 and 8 \(got -1"):
        Sway(-1.0)


def test_bad_declarations_are_refused_by_name() -> None:
    dopamine = Modulator("dopamine")
    with pytest.raises(DeclarationError, match=r"Amygdala 'Amygdala'\.dopamine: must be a Modulator"):
        Amygdala(words=10, dopamine="dopamine")  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match="dim"):
        Amygdala(words=10, dim=0, dopamine=dopamine)
    with pytest.raises(DeclarationError, match=r"words: must be a whole number of at least 5 \(got 2\)"):
        Amygdala(words=2, dopamine=dopamine)
    with pytest.raises(DeclarationError, match=r"\.joy: must be a Sway"):
        Amygdala(words=10, dopamine=dopamine, joy=1.0)  # type: ignore[arg-type]
    lone = Amygdala(words=10, dim=4, dopamine=dopamine)
    with pytest.raises(DeclarationError, match="belongs to no brain yet"):
        lone.hears(Area("Phon", 10, 5, {"a": range(5)}), {"a": 0})
    brain, amygdala, lex = declared()
    with pytest.raises(UnknownNameError, match="calm"):
        amygdala.hears(brain["Phon"], {"calm": 0})
    with pytest.raises(DeclarationError, match=r"words\['war'\]: must be a whole number between 0 and 11"):
        amygdala.hears(brain["Phon"], {"war": WORDS})
    with Simulator(brain, seed=1) as sim, pytest.raises(DeclarationError, match=r"feel\.heard: must be an assembly of"):
        feel(sim, amygdala, Assembly(lex.name, [0]))


def test_a_fiber_without_the_channels_is_refused() -> None:
    brain = Brain()
    dopamine, words = brain.add(Modulator("dopamine"), VectorArea("Words", WORDS, 4, 6))

    class Other:
        def __init__(self) -> None:
            self.words, self.dopamine = words, dopamine
            self.joy = self.safety = self.curiosity = Sway()
            self.emotion = brain.connect(words, words, graph=rings(), message=Cosine(), channels={"anger": 1.0})

    other = Other()
    with Simulator(brain, seed=1) as sim, pytest.raises(DeclarationError, match="channels safety, curiosity, joy"):
        feel(sim, other, Assembly("Words", [1]))
