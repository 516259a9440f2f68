"""Example arguments for `brainsim.models.cascade`; see `nonsense`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from brainsim.models.cascade import (
    CHANNELS,
    Cascade,
    CascadeModel,
    EmotionalInput,
    Norms,
    Vocabulary,
    WordGraph,
)

Example = Callable[[Any], Any]

TEXTS = ("the dog runs home", "a cat sits here", "dog and cat")
WORDS = ("dog", "cat", "runs", "sits", "here")
EDGES = [[0, 1], [1, 2], [2, 3], [3, 4], [0, 4]]


@cache
def _model() -> CascadeModel:
    vectors = np.random.default_rng(0).standard_normal((5, 3))
    small = Cascade(layers=1, attention_every=0)
    return CascadeModel(small, Vocabulary(WORDS), vectors, edges=EDGES, replies=("dog", "cat"), backend="reference")


def _norms() -> Norms:
    return Norms(("valence", "arousal", "dominance"), {"dog": (7.0, 5.0, 6.0), "cat": (7.0, 4.0, 6.0)})


def _file(name: str, content: str) -> Example:
    def made(given: Any) -> Any:
        path = given.folder / name
        path.write_text(content)
        return path

    return made


BY_ANNOTATION: dict[str, Example] = {
    "Cascade": lambda w: Cascade(layers=1, attention_every=0, neighbours=2),
    "CascadeModel": lambda w: _model(),
    "EmotionalInput": lambda w: EmotionalInput(CHANNELS, np.full((5, 3), 0.5), np.ones(5)),
    "Literal['input', 'cosine']": lambda w: "input",
    "Literal['row', 'sum']": lambda w: "row",
    "Iterable[tuple[str, str]]": lambda w: [("the dog runs", "joy"), ("a cat", "safety"), ("who", "curiosity")],
    "Mapping[str, Sequence[str]]": lambda w: {"joy": ("joy",)},
    "Mapping[str, str]": lambda w: {"safety": "dominance", "curiosity": "arousal", "joy": "valence"},
    "Norms": lambda w: _norms(),
    "Order": lambda w: "frequency",
    "Vocabulary": lambda w: Vocabulary(WORDS),
}
BY_NAME: dict[str, Example] = {
    "cascade.CascadeModel.edges": lambda w: EDGES,
    "cascade.CascadeModel.learn.emotion": lambda w: (0.1, 0.2, 0.3),
    "cascade.CascadeModel.nearest.vector": lambda w: [1, 0, 0],
    "cascade.CascadeModel.save.path": lambda w: w.folder / "model.h5",
    "cascade.CascadeModel.vectors": lambda w: np.random.default_rng(0).standard_normal((5, 3)),
    "cascade.EmotionalInput.channels": lambda w: CHANNELS,
    "cascade.EmotionalInput.known": lambda w: np.ones(2),
    "cascade.EmotionalInput.values": lambda w: np.full((2, 3), 0.5),
    "cascade.Norms.columns": lambda w: ("valence",),
    "cascade.Norms.ratings": lambda w: {"dog": (7.0,)},
    "cascade.Norms.scale": lambda w: (1.0, 9.0),
    "cascade.Cascade.mix": lambda w: (0.4, 0.3, 0.3),
    "cascade.Cascade.rates": lambda w: (0.1, 0.1, 0.1),
    "cascade.WordGraph.edges": lambda w: EDGES,
    "cascade.WordGraph.n": lambda w: 5,
    "cascade.make_model.texts": lambda w: TEXTS,
    "cascade.make_model.rounds": lambda w: 1,
    "cascade.read_norms.path": _file("norms.csv", "word,valence,arousal,dominance\ndog,7,5,6\n"),
    "cascade.read_norms.columns": lambda w: ("valence", "arousal"),
    "cascade.read_norms.scale": lambda w: (1.0, 9.0),
    "cascade.read_norms.word": lambda w: "word",
    "cascade.read_texts.path": _file("texts.txt", "the dog runs\n"),
    "cascade.vectors.texts": lambda w: TEXTS,
    "cascade.word_graph.vectors": lambda w: np.eye(9),
    "cascade.word_pairs.vectors": lambda w: np.eye(9),
}
ALWAYS = (
    "cascade.CascadeModel.edges",
    "cascade.make_model.rounds",
    "cascade.vectors.dim",
    "cascade.word_graph.neighbours",
    "cascade.word_pairs.neighbours",
)
SELVES: dict[type | str, Example] = {
    Cascade: lambda w: Cascade(),
    CascadeModel: lambda w: _model(),
    Norms: lambda w: _norms(),
    Vocabulary: lambda w: Vocabulary(WORDS),
    WordGraph: lambda w: WordGraph(EDGES, 5),
}
