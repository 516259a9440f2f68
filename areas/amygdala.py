"""The amygdala: words carry emotion, and emotion changes how the rest of the brain learns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array

from brainsim import Area, Connectivity, Cosine, Explicit, Fiber, Modulator, Region, Relax, SmallWorld, VectorArea
from brainsim.areas._declaring import named, number, whole
from brainsim.errors import DeclarationError

CHANNELS = {"safety": 0.4, "curiosity": 0.3, "joy": 0.3}
RATES = {"safety": 0.06, "curiosity": 0.08, "joy": 0.07}
MOST = 8.0  # of a modulator


@dataclass(frozen=True)
class Sway:
    """How one emotion changes one quantity: ``rest + gain · emotion``, limited to ``[0, most]``.

    Parameters
    ----------
    rest : float
        Value without emotion, from 0 to ``most``.
    gain : float
        Change for an emotion of 1.
    most : float
        Largest value, at most 10**6; the smallest one is 0.

    Raises
    ------
    DeclarationError
        If a number is out of range.

    Examples
    --------
    >>> from brainsim.areas import Sway
    >>> Sway(rest=1.0, gain=2.0).value(0.25)
    1.5
    """

    rest: float = 0.0
    gain: float = 0.0
    most: float = MOST

    def __post_init__(self) -> None:
        number("Sway.most", self.most, 0.0, 1e6)
        number("Sway.rest", self.rest, 0.0, self.most)
        number("Sway.gain", self.gain, -1e6, 1e6)

    def value(self, emotion: float) -> float:
        """Return the quantity for an emotion."""
        return min(max(self.rest + self.gain * number("Sway.value.emotion", emotion, -1e12, 1e12), 0.0), self.most)


class Amygdala(Region):
    """Words as nodes of a graph whose edges have three emotional weights, and the quantities that emotion changes.

    Its area ``"Words"`` is a `VectorArea` with a node for each word.  The fiber `emotion` joins similar words and has
    the channels safety, curiosity and joy.  `Relax` takes the weights of edges among active words to the emotional
    input of the two words, times the cosine of their vectors: input lies between -1 and 1, and a word of which nothing
    is known has 0.  A word that never had input takes on the emotion of its neighbours; such a graph can add nothing
    else.  `brainsim.operations.feel` reads the emotion of the active words and sets dopamine;
    `brainsim.operations.swayed` runs areas with the resulting threshold and noise.

    Parameters
    ----------
    name : str
        Name of the region.
    words : int
        How many there are.
    dim : int
        Dimension of their vectors.
    dopamine : Modulator
        Of the same brain, which joy sets.  It belongs to the brain, since it reaches other regions as well.
    graph : Connectivity, optional
        A stored, symmetric graph; by default `SmallWorld` of 100 neighbours, a tenth of them rewired, or of as many as
        half of the words allow.
    k : int
        Most words that other areas activate at once.
    joy, safety, curiosity : Sway
        Joy sets the dopamine, safety the threshold, and curiosity the noise of neurons.

    Raises
    ------
    DeclarationError
        If a part is none of these.

    Examples
    --------
    >>> from brainsim.areas import Amygdala, Sway
    >>> from brainsim.operations import feel
    >>> brain = Brain()
    >>> dopamine = brain.add(Modulator("dopamine", baseline=1.0))
    >>> amygdala = brain.add(Amygdala(words=10, dim=10, dopamine=dopamine, joy=Sway(1.0, 2.0)))
    >>> with Simulator(brain, seed=1) as sim:
    ...     sim.set_vectors(amygdala.words, 1 + np.eye(10))  # all words are alike
    ...     sim.edges(amygdala.emotion).set_input([[0.0, 0.0, 1.0]] * 9 + [[0.0, 0.0, 0.0]])  # of the last, none
    ...     sim.present(Assembly(amygdala.words.name, range(10)))
    ...     _ = sim.run((), learn=amygdala.emotion, rounds=200)
    ...     feeling = feel(sim, amygdala, Assembly(amygdala.words.name, [9]))
    ...     feeling.joy > 0.3, feeling.dopamine == 1.0 + 2.0 * feeling.joy
    (True, True)

    References
    ----------
    LeDoux. Emotion circuits in the brain. Annual Review of Neuroscience 2000.
    McGaugh. The amygdala modulates the consolidation of memories of emotionally arousing experiences. Annual Review of
    Neuroscience 2004.
    """

    def __init__(
        self,
        name: str = "Amygdala",
        *,
        words: int,
        dim: int = 128,
        dopamine: Modulator,
        graph: Connectivity | None = None,
        k: int = 64,
        joy: Sway | None = None,
        safety: Sway | None = None,
        curiosity: Sway | None = None,
    ) -> None:
        super().__init__(name)
        where = f"{type(self).__name__} {name!r}"
        if not isinstance(dopamine, Modulator):
            cure = 'declare brain.add(Modulator("dopamine"))'
            raise DeclarationError(where=f"{where}.dopamine", value=dopamine, allowed="a Modulator", cure=cure)
        self.dopamine = dopamine
        self.joy = _sway(f"{where}.joy", joy, Sway(1.0, 1.0))
        self.safety, self.curiosity = (
            _sway(f"{where}.{title}", given, Sway()) for title, given in (("safety", safety), ("curiosity", curiosity))
        )
        count = whole(f"{where}.words", words, 5)
        with named(where):
            self.words: VectorArea = self.add(VectorArea("Words", count, dim, min(whole("k", k, 1), count)))
            self.emotion: Fiber = self.connect(
                self.words,
                self.words,
                graph=_small_world(count) if graph is None else graph,
                message=Cosine(active=True),
                channels=CHANNELS,
                weight=0.0,
                plasticity=Relax(RATES, target="input"),
                label="emotion",
            )

    def hears(self, area: Area, words: Mapping[str, int]) -> Fiber:
        """Declare and return a fiber through which the patterns of an area activate words.

        Parameters
        ----------
        area : Area
            Of the same brain, to which the amygdala has been added before; its patterns have the names of words.
        words : mapping of str to int
            The node of each word.

        Raises
        ------
        DeclarationError
            If the amygdala is part of no brain yet, the area has no pattern of that name, or there is no such node.
        """
        where = f"{type(self).__name__} {self.name!r}.hears"
        if self.brain is None:
            raise DeclarationError(f"{where}: the region belongs to no brain yet; add it with brain.add(amygdala)")
        if not isinstance(area, Area):
            raise DeclarationError(where=f"{where}.area", value=area, allowed="an Area of the same brain")
        if not isinstance(words, Mapping) or not words:
            raise DeclarationError(where=f"{where}.words", value=words, allowed="a mapping of words to nodes")
        rows: list[npt.NDArray[np.int64]] = []
        columns: list[npt.NDArray[np.int64]] = []
        for word, node in words.items():
            neurons = area[word].neurons
            rows.append(neurons)
            columns.append(np.full(len(neurons), whole(f"{where}.words[{word!r}]", node, 0, self.words.n - 1)))
        ends = np.concatenate(rows), np.concatenate(columns)
        graph = coo_array((np.ones(len(ends[0])), ends), shape=(area.n, self.words.n))
        return self.brain.connect(area, self.words, graph=Explicit(graph))


def _small_world(words: int) -> SmallWorld:
    return SmallWorld(min(100, (words - 1) // 4 * 2), rewire=0.1, symmetric=True)


def _sway(where: str, given: Sway | None, otherwise: Sway) -> Sway:
    if given is not None and not isinstance(given, Sway):
        raise DeclarationError(where=where, value=given, allowed="a Sway", cure="such as Sway(rest=1.0, gain=0.5)")
    return otherwise if given is None else given
