"""The whole brain: it learns words from grounded sentences, then their order, and speaks about new scenes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from brainsim._arguments import checked
from brainsim._validation import count
from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.declare.plasticity import Plasticity
from brainsim.declare.rules import Hebbian
from brainsim.errors import DeclarationError
from brainsim.models.language.order import Mechanism, Order
from brainsim.models.language.scenes import Scene
from brainsim.models.language.sentences import Sentences, Understood
from brainsim.models.language.trees import add_phrase, merge_tree, read_tree
from brainsim.models.language.word_order import BACK, FORWARD, ORDER
from brainsim.models.language.words import Grounded
from brainsim.models.nemo import Lexicon, Sentence, WordLearner
from brainsim.simulate.recordings.recording import Recording

WORDS = Hebbian(0.06, w_max=1000)


class Speaker:
    """A brain that learns a language in three steps, and then says what it sees and understands what it hears.

    Phonology, vision, motor and lexical areas are those of `brainsim.models.nemo.WordLearner`; roles, positions, Start
    and Mood those of `WordOrder`; VP and Sent store a sentence as a tree.

    1. `learn_words`: sentences of a noun and a verb are heard while a thing is seen and an action done.
    2. `learn_roles`: each thing is seen as an agent and as a patient, each action done: vision fires the lexical area,
       which forms an assembly in the role area, linked both ways.
    3. `hear`: whole sentences are heard while their scenes are seen.

    Then `say` goes from a scene to sounds (vision, lexical area, role; position by position; role, lexical area,
    phonology) and `understand` from sounds to what they mean (phonology, lexical area, role; role, lexical area, vision
    or motor).  No read-out uses a word's label or class: the class of a word heard is the lexical area that fires its
    sound back.

    Parameters
    ----------
    lexicon : Lexicon
        The words.
    rule : Plasticity
        Of the fibers between phonology, lexical areas, vision and motor.
    mechanism : "syntax" or "role"
        Where order is learned; see `WordOrder`.
    frames : bool
        Whether each frame has patterns of its own in Start and Mood.
    n, k : int
        Neurons and winners of lexical areas, roles, positions, and phrases.
    p : float
        Connection probability of the fibers of words.
    role_p : float
        Of all other fibers.  Where ``k * role_p`` is below about 5, a role no longer restores its word.
    order, forward, back : Plasticity
        Of the fibers that hold order, from words to roles, and from roles to words.
    pattern_k : int
        Neurons in a pattern of phonology, vision or motor.
    **simulator
        Passed on to `Simulator`: ``seed``, ``backend``, ``threads``, ``cache_mb``.

    Attributes
    ----------
    learner : WordLearner
        The part that learns words.
    brain, sim
        The whole brain, and its simulator.
    order : Order
        The areas and fibers of roles and word order.
    vp, sent : Area
        Where verb phrases and sentences have assemblies.

    Examples
    --------
    >>> from brainsim.models.language import Scene, Speaker
    >>> from brainsim.models.nemo import english, random_sentences
    >>> brain = Speaker(english().take(3, 2), n=10_000, seed=1)
    >>> for sentence in random_sentences(brain.lexicon, 80, seed=1):
    ...     brain.learn_words(sentence)
    >>> brain.learn_roles()
    >>> nouns, (one, two) = brain.lexicon.nouns, brain.lexicon.verbs
    >>> for agent, patient in zip(nouns, nouns[::-1]):
    ...     if agent != patient:
    ...         _ = brain.hear((patient, one, agent), Scene(agent, one, patient))  # object, verb, subject
    >>> new = Scene(nouns[1], two, nouns[0])
    >>> brain.say(new) == (nouns[0], two, nouns[1])
    True
    >>> brain.understand((nouns[0], two, nouns[1])).is_scene(new)
    True
    >>> brain.recall(brain.store(new)).is_scene(new)
    True

    References
    ----------
    Mitropolsky, Papadimitriou. Simulated language acquisition in a biologically realistic model of the brain.
    arXiv 2507.11788, 2025.
    """

    order: Order
    vp: Area
    sent: Area

    @checked()
    def __init__(
        self,
        lexicon: Lexicon,
        rule: Plasticity = WORDS,
        *,
        mechanism: Mechanism = "syntax",
        frames: bool = True,
        n: int = 100_000,
        k: int = 50,
        p: float = 0.05,
        role_p: float = 0.1,
        order: Plasticity = ORDER,
        forward: Plasticity = FORWARD,
        back: Plasticity = BACK,
        pattern_k: int = 100,
        **simulator: Any,
    ) -> None:
        def extend(learner: WordLearner) -> None:
            self.order = Order(
                learner.brain,
                learner.lex1,
                learner.lex2,
                mechanism=mechanism,
                frames=frames,
                n=n,
                k=k,
                p=role_p,
                rule=order,
                forward=forward,
                back=back,
            )
            role = self.order.role
            self.vp = add_phrase(learner.brain, "VP", role.action, role.patient, n=n, k=k, p=role_p)
            self.sent = add_phrase(learner.brain, "Sent", role.agent, self.vp, n=n, k=k, p=role_p)

        self.learner = WordLearner(lexicon, rule, n=n, k=k, p=p, pattern_k=pattern_k, extend=extend, **simulator)
        self.brain, self.sim, self.lexicon = self.learner.brain, self.learner.sim, lexicon
        self._words = Grounded(self.learner)
        self._sentences = Sentences(self.sim, self.order, self._words)

    @checked()
    def learn_words(self, sentence: Sentence) -> None:
        """Learn words from one sentence of a noun and a verb, and what is seen and done meanwhile."""
        self.learner.hear(sentence)

    @checked()
    def learn_roles(self, rounds: int = 12) -> None:
        """Let each word that is seen or done form an assembly in each role that it can fill, in ``rounds`` rounds."""
        rounds = count("Speaker.learn_roles.rounds", rounds, 1)
        for slot in self.order.slots:
            for word in self._words.grounding(slot.lex).patterns:
                self._words.link(slot, word, rounds)
        self.sim.silence()

    @checked()
    def hear(self, words: Sequence[str], scene: Scene) -> bool:
        """Learn order from a sentence heard while its scene is seen; return whether the brain could follow it.

        A word whose sound fires no lexical area, or that of a class of which no role is due, ends the sentence.

        Raises
        ------
        DeclarationError
            If a word is not in the lexicon, or the words are not those of the scene.
        """
        self._check(words, scene)
        return self._sentences.hear(words, scene)

    @checked()
    def say(self, scene: Scene) -> tuple[str, ...]:
        """Return the words that phonology fires, one after the other; "unknown" where it fires none.  A probe."""
        self._check((), scene)
        return self._sentences.say(scene)

    @checked()
    def record(self, scene: Scene, *areas: Area) -> Recording:
        """Say a scene, and return what fires in some areas (all, if none is named) meanwhile.

        Marks say where the scene is seen, and where each role has its turn.  A probe.
        """
        self._check((), scene)
        return self._sentences.record(scene, areas)

    @checked()
    def understand(self, words: Sequence[str], frame: str | None = None) -> Understood:
        """Return what vision and motor fire for each role.  A probe; see `WordOrder.understand`."""
        self._check(words)
        return self._sentences.understand(words, frame)

    @checked()
    def store(self, scene: Scene, rounds: int = 6) -> Assembly:
        """Store a scene as a tree of its roles, and return the root, an assembly of Sent.

        Raises
        ------
        DeclarationError
            If the scene has no agent or no patient, since each phrase has two parts.
        """
        self._check((), scene)
        if scene.frame != "two":
            raise DeclarationError(where="Speaker.store.scene", value=scene, allowed="a scene with agent and patient")
        parts = self._sentences.fillers(scene)
        tree = (self.sent, parts["agent"], (self.vp, parts["action"], parts["patient"]))
        return merge_tree(self.sim, tree, rounds)

    @checked()
    def recall(self, root: Assembly) -> Understood:
        """Return what the root of a stored scene restores: by VP and the roles, in vision and motor.  A probe."""
        role = self.order.role
        found = read_tree(self.sim, root, (self.sent, role.agent, (self.vp, role.action, role.patient)))
        parts = {slot.role: found[slot.filler.name] for slot in self.order.slots}
        return Understood(self._sentences.meanings(parts), "two")

    def _check(self, words: Sequence[str], scene: Scene | None = None) -> None:
        fillers = {} if scene is None else scene.fillers
        for word in words:
            if word not in self.lexicon.words:
                cure = "declare it in the lexicon"
                raise DeclarationError(where="Speaker: word", value=word, allowed="a word of the lexicon", cure=cure)
        for role, word in fillers.items():
            kind, there = ("verb", self.lexicon.verbs) if role == "action" else ("noun", self.lexicon.nouns)
            if word not in there:
                raise DeclarationError(where=f"Scene.{role}", value=word, allowed=f"a {kind} of the lexicon")
