"""Word order by itself: words that are patterns, roles that are given, and an order that is learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from brainsim._arguments import checked
from brainsim._validation import count
from brainsim.declare.area import Area
from brainsim.declare.brain import Brain
from brainsim.declare.patterns import disjoint
from brainsim.declare.plasticity import Plasticity
from brainsim.declare.rules import Hebbian
from brainsim.errors import DeclarationError
from brainsim.models.language.order import Mechanism, Order
from brainsim.models.language.scenes import Scene
from brainsim.models.language.sentences import Sentences, Understood
from brainsim.models.language.words import Patterns
from brainsim.simulate.simulator import Simulator

ORDER = Hebbian(0.1, w_max=16)
FORWARD = Hebbian(0.1, w_max=3)
BACK = Hebbian(0.25, w_max=10)


class WordOrder:
    """A brain that learns the order of a language from sentences heard while their scenes are seen.

    Words are patterns of two lexical areas, and each has an assembly in the role areas that it can fill, formed before
    the first sentence.  Order is learned by `hear`; `say` puts a scene into words, and `understand` finds out who does
    what to whom.

    Parameters
    ----------
    nouns, verbs : sequence of str
        The words.
    mechanism : "syntax" or "role"
        Where order is learned: between syntactic positions, for all words at once; or, as published, from positions to
        the role assemblies of words, for each word alone.
    frames : bool
        Whether sentences with one and with two participants start from assemblies of their own, so that each frame can
        have an order of its own.
    n, k, p : numbers
        Neurons and winners of the areas of roles and positions, and connection probability.
    rule : Plasticity
        Of the fibers that hold order.
    forward, back : Plasticity
        Of the fibers from words to roles, and back.
    rounds : int
        In which a word is linked to each role.
    **simulator
        Passed on to `Simulator`: ``seed``, ``backend``, ``threads``, ``cache_mb``.

    Attributes
    ----------
    sim : Simulator
        Of the brain.
    order : Order
        Its areas and fibers.

    Raises
    ------
    DeclarationError
        If there is no noun or no verb, a word is given twice, or a number is out of range.

    Examples
    --------
    >>> from brainsim.models.language import Scene, WordOrder
    >>> language = WordOrder(["dog", "cat", "cow"], ["bites", "sees"], n=1000, seed=1, backend="reference")
    >>> for agent, action, patient in (("cat", "sees", "dog"), ("dog", "bites", "cow"), ("cow", "sees", "cat")):
    ...     _ = language.hear((agent, action, patient), Scene(agent, action, patient))
    >>> language.say(Scene("cow", "bites", "dog"))
    ('cow', 'bites', 'dog')
    >>> language.understand("dog bites cat".split()).fillers
    {'agent': 'dog', 'action': 'bites', 'patient': 'cat'}

    References
    ----------
    Mitropolsky, Papadimitriou. Simulated language acquisition in a biologically realistic model of the brain.
    arXiv 2507.11788, 2025.
    """

    @checked()
    def __init__(
        self,
        nouns: Sequence[str],
        verbs: Sequence[str],
        *,
        mechanism: Mechanism = "syntax",
        frames: bool = True,
        n: int = 10_000,
        k: int = 50,
        p: float = 0.1,
        rule: Plasticity = ORDER,
        forward: Plasticity = FORWARD,
        back: Plasticity = BACK,
        rounds: int = 12,
        **simulator: Any,
    ) -> None:
        self._classes = _classes(nouns, verbs)
        rounds = count("WordOrder.rounds", rounds, 1)
        self.brain = Brain()
        self._noun, self._verb = self.brain.add(_lexical("Noun", nouns, k), _lexical("Verb", verbs, k))
        self.order = Order(
            self.brain,
            self._noun,
            self._verb,
            mechanism=mechanism,
            frames=frames,
            n=n,
            k=k,
            p=p,
            rule=rule,
            forward=forward,
            back=back,
        )
        self.sim = Simulator(self.brain, **simulator)
        self._words = Patterns(self.sim, {word: self._area(kind) for word, kind in self._classes.items()})
        self._sentences = Sentences(self.sim, self.order, self._words)
        for slot in self.order.slots:
            for word in slot.lex.patterns:
                self._words.link(slot, word, rounds)
        self.sim.silence()

    def _area(self, kind: str) -> Area:
        return self._noun if kind == "noun" else self._verb

    @checked()
    def hear(self, words: Sequence[str], scene: Scene) -> bool:
        """Learn from a sentence and its scene.

        Parameters
        ----------
        words : sequence of str
            One for each role of the scene, in the order of the language.
        scene : Scene
            What they are about.

        Returns
        -------
        bool
            Whether each word found a role.

        Raises
        ------
        DeclarationError
            If a word is unknown, or the words are not those of the scene.
        """
        self._check(words, scene)
        return self._sentences.hear(words, scene)

    @checked()
    def say(self, scene: Scene) -> tuple[str, ...]:
        """Return the words of a scene in the order learned; a word that cannot be read is "unknown".  A probe.

        Raises
        ------
        DeclarationError
            If the scene has an unknown word, or a noun where a verb is due.
        """
        self._check((), scene)
        return self._sentences.say(scene)

    @checked()
    def understand(self, words: Sequence[str], frame: str | None = None) -> Understood:
        """Return who does what to whom.  A probe.

        Parameters
        ----------
        words : sequence of str
            A sentence.
        frame : str, optional
            ``"two"``, ``"one"`` or ``"object"``, where the listener knows it.  By default they are tried in this
            order, until one is filled.

        Raises
        ------
        DeclarationError
            If a word is unknown, or the words fit no frame, such as two verbs.
        """
        self._check(words)
        return self._sentences.understand(words, frame)

    def _check(self, words: Sequence[str], scene: Scene | None = None) -> None:
        kinds = self._classes
        fillers = {} if scene is None else scene.fillers
        for word in (*words, *fillers.values()):
            if word not in kinds:
                cure = "declare it among the nouns or verbs"
                raise DeclarationError(where="WordOrder: word", value=word, allowed="a word of this brain", cure=cure)
        for role, word in fillers.items():
            wanted = "verb" if role == "action" else "noun"
            if kinds[word] != wanted:
                raise DeclarationError(where=f"Scene.{role}", value=word, allowed=f"a {wanted} of this brain")


def _lexical(name: str, words: Sequence[str], k: int) -> Area:
    patterns = disjoint(words, k)
    return Area(name, k * len(patterns), k, patterns)


def _classes(nouns: Sequence[str], verbs: Sequence[str]) -> dict[str, str]:
    kinds = {**dict.fromkeys(nouns, "noun"), **dict.fromkeys(verbs, "verb")}
    twice = sorted(set(nouns) & set(verbs))
    if twice:
        raise DeclarationError(where="WordOrder.verbs", value=twice[0], allowed="a word that is no noun as well")
    return kinds
