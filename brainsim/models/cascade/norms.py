"""The emotional input of words, from norms: ratings of words by people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from brainsim._arguments import check_record, checked, fits
from brainsim._validation import real
from brainsim.errors import DeclarationError, LexiconError, UnknownNameError, unknown
from brainsim.models.cascade.checking import numbers
from brainsim.models.cascade.vocabulary import Vocabulary
from brainsim.models.nemo.ratings import rating
from brainsim.models.nemo.tables import read_table
from brainsim.models.nemo.words import composed

CHANNELS = ("safety", "curiosity", "joy")
"""The emotions, in the order of all arrays of this package."""
COLUMNS: Mapping[str, str] = {"safety": "dominance", "curiosity": "arousal", "joy": "valence"}
"""The rating that stands for each emotion by default."""


@dataclass(frozen=True, eq=False)
class EmotionalInput:
    """The strength of each emotion for each word of a vocabulary.

    Attributes
    ----------
    channels : tuple of str
        The emotions.
    values : float32 array, shape (n, channels)
        0 to 1; words without known values have the mean of the words with known values.
    known : bool array, shape (n,)
        Which words have known values.
    """

    channels: tuple[str, ...]
    values: npt.NDArray[np.float32]
    known: npt.NDArray[np.bool_]

    def __post_init__(self) -> None:
        where = "EmotionalInput"
        if isinstance(self.channels, str) or not fits(self.channels, tuple[str, ...]) or not self.channels:
            raise DeclarationError(where=f"{where}.channels", value=self.channels, allowed="names of emotions")
        values, known = numbers(f"{where}.values", self.values), numbers(f"{where}.known", self.known)
        shape = (len(np.atleast_1d(known)), len(self.channels))
        if values.shape != shape or known.ndim != 1:
            raise DeclarationError(
                where=f"{where}.values", value=values.shape, allowed=f"of shape {shape}, as known is"
            )
        if not ((values >= 0) & (values <= 1)).all():
            wrong = float(values[~((values >= 0) & (values <= 1))][0])
            raise DeclarationError(where=f"{where}.values", value=wrong, allowed="between 0 and 1")
        object.__setattr__(self, "values", values.astype(np.float32))
        object.__setattr__(self, "known", known.astype(np.bool_))


@dataclass(frozen=True, repr=False)
class Norms:
    """Ratings of words by people.

    Attributes
    ----------
    columns : tuple of str
        Names of the ratings.
    ratings : mapping of str to tuple of float
        For each word, as texts have it, one number for each column.
    scale : tuple of float
        The smallest and the largest possible rating.
    """

    columns: tuple[str, ...]
    ratings: Mapping[str, tuple[float, ...]]
    scale: tuple[float, ...] = (1.0, 9.0)

    def __post_init__(self) -> None:
        check_record(self)
        if len(self.scale) != 2 or not self.scale[0] < self.scale[1]:
            raise DeclarationError(where="Norms.scale", value=self.scale, allowed="(lowest, highest) rating")
        low, high = self.scale
        for word, values in self.ratings.items():
            if len(values) != len(self.columns):
                allowed = f"{len(self.columns)} numbers, one a column"
                raise DeclarationError(where=f"Norms.ratings[{word!r}]", value=values, allowed=allowed)
            for value in values:
                real(f"Norms.ratings[{word!r}]", value, low, high, cure="or give the scale that the raters had")

    @checked()
    def input(self, vocabulary: Vocabulary, columns: Mapping[str, str] = COLUMNS) -> EmotionalInput:
        """Return the emotional input of a vocabulary: the ratings, scaled to 0 to 1.

        Parameters
        ----------
        vocabulary : Vocabulary
            The words.
        columns : mapping of str to str
            The column of each emotion; by default dominance for safety, arousal for curiosity and valence for joy.

        Raises
        ------
        UnknownNameError
            If the norms do not have such a column.
        LexiconError
            If the norms rate no word of the vocabulary.

        Examples
        --------
        >>> from brainsim.models.cascade import Norms, Vocabulary
        >>> norms = Norms(("valence", "arousal", "dominance"), {"joy": (8.1, 6.9, 6.6), "danger": (2.0, 7.1, 3.2)})
        >>> norms.input(Vocabulary(("joy", "danger"))).values.astype(float).round(2).tolist()
        [[0.7, 0.74, 0.89], [0.28, 0.76, 0.12]]
        """
        for column in columns.values():
            if column not in self.columns:
                raise UnknownNameError(f"Norms: {unknown('column', column, self.columns)}")
        low, high = self.scale
        places = [self.columns.index(column) for column in columns.values()]
        rated = {
            vocabulary.index[word]: [(values[place] - low) / (high - low) for place in places]
            for word, values in self.ratings.items()
            if word in vocabulary
        }
        if not rated:
            raise LexiconError(
                f"Norms: rate none of the {len(vocabulary)} words of the vocabulary; give norms in its language"
            )
        return filled(tuple(columns), rated, len(vocabulary))

    def __len__(self) -> int:
        return len(self.ratings)

    def __repr__(self) -> str:
        return f"<Norms of {len(self):_} words: {', '.join(self.columns)}>"


def filled(channels: tuple[str, ...], rated: Mapping[int, Sequence[float]], n: int) -> EmotionalInput:
    """Return the values of nodes where they are known, and their mean for all other nodes."""
    nodes, values = np.array(list(rated), np.int64), np.array(list(rated.values()), np.float64)
    filled = np.tile(values.mean(axis=0), (n, 1))
    filled[nodes] = values
    known = np.zeros(n, np.bool_)
    known[nodes] = True
    return EmotionalInput(channels, np.clip(filled, 0.0, 1.0), known)


@checked("scale")
def read_norms(
    path: str | Path,
    *,
    columns: Sequence[str] = ("valence", "arousal", "dominance"),
    word: str = "word",
    scale: Sequence[float] = (1.0, 9.0),
) -> Norms:
    r"""Read norms from a table with a row for each word; columns are separated by commas, in a ``.tsv`` file by tabs.

    Parameters
    ----------
    path : str or Path
        The file, in UTF-8.
    columns : sequence of str
        The ratings to read.
    word : str
        The column of the words.
    scale : sequence of float
        The smallest and the largest possible rating.

    Raises
    ------
    LexiconError
        If the file cannot be read, lacks a column or repeats a word, or if a rating is not a number within the scale.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "norms.csv"
    >>> _ = path.write_text("word,valence,arousal,dominance\njoy,8.1,6.9,6.6\ndanger,2.0,7.1,3.2\n")
    >>> read_norms(path)
    <Norms of 2 words: valence, arousal, dominance>
    """
    if not len(columns):
        raise DeclarationError(where="read_norms.columns", value=columns, allowed="at least one name of a column")
    tabs = str(path).endswith(".tsv")
    table = read_table(path, "\t" if tabs else ",", quotes=not tabs, required=((word,), *((each,) for each in columns)))
    low, high = _scale(scale)
    found: dict[str, tuple[float, ...]] = {}
    for row in table.rows:
        name = composed(row[word]).lower()
        if name in found:
            table.refuse(row, word, "a word that no other row has", "keep one of the rows")
        found[name] = tuple(rating(table, row, column) for column in columns)
        for column, value in zip(columns, found[name], strict=True):
            if not low <= value <= high:
                cure = "give the scale that the raters had: scale=(lowest, highest)"
                table.refuse(row, column, f"between {low:g} and {high:g}", cure)
    return Norms(tuple(columns), found, (low, high))


def _scale(scale: Sequence[float]) -> tuple[float, float]:
    where = "read_norms.scale"
    if isinstance(scale, str) or not isinstance(scale, Sequence) or len(scale) != 2:
        raise DeclarationError(where=where, value=scale, allowed="(lowest, highest) rating")
    low, high = (real(where, each, -1e9, 1e9) for each in scale)
    if not low < high:
        raise DeclarationError(where=where, value=scale, allowed="(lowest, highest) rating")
    return low, high
