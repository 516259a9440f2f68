"""The emotional cascade: word vectors on a small world, whose edges carry emotions."""

from brainsim.models.cascade.counts import Counts, Part
from brainsim.models.cascade.design import Cascade
from brainsim.models.cascade.embedding import vectors
from brainsim.models.cascade.feeling import Felt, feel
from brainsim.models.cascade.graphs import WordGraph, word_graph, word_pairs
from brainsim.models.cascade.labelled import labelled_input
from brainsim.models.cascade.learning import begin_training, resume_training
from brainsim.models.cascade.making import example_model, make_model, read_texts
from brainsim.models.cascade.model import CascadeModel
from brainsim.models.cascade.norms import CHANNELS, EmotionalInput, Norms, read_norms
from brainsim.models.cascade.replying import Reply
from brainsim.models.cascade.tokens import words_of
from brainsim.models.cascade.vocabulary import Vocabulary, build_vocabulary

__all__ = [
    "CHANNELS",
    "Cascade",
    "CascadeModel",
    "Counts",
    "EmotionalInput",
    "Felt",
    "Norms",
    "Part",
    "Reply",
    "Vocabulary",
    "WordGraph",
    "begin_training",
    "build_vocabulary",
    "example_model",
    "feel",
    "labelled_input",
    "make_model",
    "read_norms",
    "read_texts",
    "resume_training",
    "vectors",
    "word_graph",
    "word_pairs",
    "words_of",
]
