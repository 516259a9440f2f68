"""The emotional cascade: word vectors on a small world, whose edges carry emotions."""

from brainsim.models.cascade.graphs import word_graph, word_pairs
from brainsim.models.cascade.norms import CHANNELS, EmotionalInput, Norms, labelled_input, read_norms
from brainsim.models.cascade.tokens import words_of
from brainsim.models.cascade.vectors import vectors
from brainsim.models.cascade.vocabulary import Vocabulary, build_vocabulary

__all__ = [
    "CHANNELS",
    "EmotionalInput",
    "Norms",
    "Vocabulary",
    "build_vocabulary",
    "labelled_input",
    "read_norms",
    "vectors",
    "word_graph",
    "word_pairs",
    "words_of",
]
