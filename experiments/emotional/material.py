"""The data of the studies: a vocabulary, a vector for each word, and the ratings of some words by people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array

from brainsim import Explicit
from brainsim.errors import ExperimentError
from brainsim.models.cascade import (
    CHANNELS,
    EmotionalInput,
    Norms,
    Vocabulary,
    build_vocabulary,
    read_norms,
    vectors,
    word_pairs,
    words_of,
)
from brainsim.studies.parts import Part
from brainsim.studies.run import Run
from emotional import made, texts

FILE = "vectors.npz"
ORDERS = ("frequency", "semantic", "nearest")
REWIRED = 0.1  # share of the edges
SCALES = made.SCALES
COLUMNS = {"safety": "dominance", "curiosity": "arousal", "joy": "valence"}
FEWEST = 50  # least number of rated words


@dataclass(frozen=True)
class Material:
    """A vocabulary and a vector for each word.

    Attributes
    ----------
    words : tuple of str
        Most frequent first.
    vectors : numpy.ndarray of float32, shape (words, dim)
        Of norm 1.
    """

    words: tuple[str, ...]
    vectors: npt.NDArray[np.float32]

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words in the form that the cascade needs."""
        return Vocabulary(self.words)

    def nodes(self, text: str) -> list[int]:
        """Return the nodes of the words of a text that are in the vocabulary."""
        index = self.vocabulary.index
        return [index[word] for word in words_of(text) if word in index]


@dataclass(frozen=True)
class Rated:
    """Words of a vocabulary and their ratings.

    Attributes
    ----------
    nodes : numpy.ndarray of int64
        Places of the words in the vocabulary, ascending.
    ratings : numpy.ndarray of float64, shape (words, 3)
        Valence, arousal and dominance.
    scale : tuple of float
        The least and the largest rating that was possible.
    """

    nodes: npt.NDArray[np.int64]
    ratings: npt.NDArray[np.float64]
    scale: tuple[float, ...]

    @property
    def inputs(self) -> npt.NDArray[np.float64]:
        """The ratings as emotional input from 0 to 1: safety, curiosity and joy."""
        low, high = self.scale
        places = [SCALES.index(COLUMNS[channel]) for channel in CHANNELS]
        return (self.ratings[:, places] - low) / (high - low)


def prepare(
    run: Run, text: str, words: int, dim: int, neighbours: int, prepared: Path | None, orders: Sequence[str] = ORDERS
) -> dict[str, Any]:
    """Compute the vectors of a text and its graphs once, write them to the folder, and return the size of the text.

    Parameters
    ----------
    run
        The run whose folder is written; its seed draws the random edges.
    text, words, dim, neighbours
        The parameters of the studies.
    prepared
        The file of vectors of an earlier run with these settings; it is copied, with the graphs in the same folder.
    orders
        Orders of the graphs that are needed.
    """
    about: dict[str, Any] = run.part(
        "vectors", lambda part: _taken(part, prepared, FILE) or _written(part, text, words, dim), files=(FILE,)
    )
    for order in orders:
        file = f"{order}.npz"
        run.part(order, lambda part, order=order: _joined(part, order, neighbours, run.seed, prepared), files=(file,))
    return about


def _taken(part: Part, prepared: Path | None, file: str) -> dict[str, Any] | None:
    """Copy a file of an earlier run, and return the result of its part."""
    if prepared is None:
        return None
    folder = Path(prepared).parent
    earlier = Part(folder, part.key, files=(file,))
    if Path(prepared).name != FILE or not earlier.done:
        raise ExperimentError(f"--set prepared={prepared}: must be {FILE} of an earlier run, with {file} in its folder")
    with part.file(file) as path:
        path.write_bytes((folder / file).read_bytes())
    found: dict[str, Any] = earlier.result()
    return found


def _joined(part: Part, order: Any, neighbours: int, seed: int, prepared: Path | None) -> dict[str, Any]:
    taken = _taken(part, prepared, f"{order}.npz")
    if taken is not None:
        return taken
    pairs = word_pairs(order, load(part.folder).vectors, neighbours, REWIRED, seed)
    with part.file(f"{order}.npz") as path, path.open("wb") as file:
        np.savez(file, pairs=pairs.astype(np.int32))
    return {"edges": len(pairs)}


def graph(folder: Path, order: str) -> npt.NDArray[np.int64]:
    """Return the edges of a graph that `prepare` left in the folder of a run, each once."""
    with np.load(folder / f"{order}.npz") as found:
        return np.asarray(found["pairs"], np.int64)


def explicit(pairs: npt.NDArray[np.int64], n: int) -> Explicit:
    """Return a graph in the form that a fiber needs."""
    both = np.concatenate([pairs, pairs[:, ::-1]])
    return Explicit(coo_array((np.ones(len(both)), (both[:, 0], both[:, 1])), shape=(n, n)), symmetric=True)


def _written(part: Part, text: str, words: int, dim: int) -> dict[str, Any]:
    by_name = texts.passages(text)
    every = [passage for found in by_name.values() for passage in found]
    vocabulary = build_vocabulary(every, size=words, least=5)
    found = vectors(every, vocabulary, dim)
    with part.file(FILE) as path, path.open("wb") as file:
        np.savez(file, words=np.array(vocabulary.words), vectors=found)
    return {
        "tokens": {Path(name).name: sum(len(words_of(each)) for each in found) for name, found in by_name.items()},
        "words": len(vocabulary),
    }


def load(folder: Path) -> Material:
    """Return the vocabulary and the vectors that `prepare` left in the folder of a run."""
    with np.load(folder / FILE) as found:
        return Material(tuple(found["words"].tolist()), found["vectors"])


def norms_of(text: str, path: Path | None) -> Norms | None:
    """Return the norms of a file, or those of the made-up language if its text is used.

    Raises
    ------
    LexiconError
        If the file cannot be read, or lacks a column.
    """
    if path is not None:
        return read_norms(path)
    return made.language().norms() if text == "made" else None


def rated(material: Material, norms: Norms | None) -> Rated:
    """Return the words of a vocabulary that people rated.

    Raises
    ------
    ExperimentError
        If there are no norms, or they rate too few words of the vocabulary.
    """
    if norms is None:
        raise ExperimentError(f"--set norms: must be a CSV with the columns word, {', '.join(SCALES)}, for real text")
    index = material.vocabulary.index
    nodes = sorted(index[word] for word in norms.ratings if word in index)
    if len(nodes) < FEWEST:
        raise ExperimentError(
            f"--set norms: only {len(nodes)} of {len(norms)} rated words are among the {len(index)} words of the text "
            f"(needs {FEWEST}); give more text or more norms"
        )
    columns = [norms.columns.index(scale) for scale in SCALES]
    ratings = [[norms.ratings[material.words[node]][column] for column in columns] for node in nodes]
    return Rated(np.array(nodes), np.array(ratings), norms.scale)


def unknown_mean(known: npt.NDArray[np.float64], nodes: npt.NDArray[np.int64], n: int) -> EmotionalInput:
    """Return the emotional input in which some nodes have values of their own, and all others the mean of these."""
    values = np.tile(known.mean(axis=0), (n, 1))
    values[nodes] = known
    flags = np.zeros(n, np.bool_)
    flags[nodes] = True
    return EmotionalInput(CHANNELS, np.clip(values, 0.0, 1.0).astype(np.float32), flags)
