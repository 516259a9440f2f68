"""NEMO, a model of language acquisition (Mitropolsky & Papadimitriou 2023, 2025)."""

from brainsim.models.nemo.clauses import read_clauses
from brainsim.models.nemo.learner import READBACK_CRITERION, Heard, Scores, Sentence, WordLearner, random_sentences
from brainsim.models.nemo.lexicon import Lexicon, english, read_lexicon

__all__ = [
    "READBACK_CRITERION",
    "Heard",
    "Lexicon",
    "Scores",
    "Sentence",
    "WordLearner",
    "english",
    "random_sentences",
    "read_clauses",
    "read_lexicon",
]
