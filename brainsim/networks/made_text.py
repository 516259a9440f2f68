"""Generated text for experiments that are given none: small stories in which names recur."""

from __future__ import annotations

import numpy as np

from brainsim._arguments import checked
from brainsim._validation import integer

_BEGINNINGS, _MIDDLES, _ENDS = ("b", "d", "k", "l", "m", "n", "r", "s", "t", "z"), "aeiou", ("n", "r", "l", "sh", "")
_PLACES = ("garden", "river", "market", "forest", "kitchen", "harbour", "tower", "meadow")
_THINGS = ("stone", "lamp", "basket", "letter", "kettle", "ribbon", "mirror", "apple")
_SENTENCES = (
    "{a} went to the {place}.",
    "In the {place} {a} found a {thing}.",
    "{b} asked {a} for the {thing}.",
    "{a} gave the {thing} to {b}.",
    '"Where is my {thing}?" said {b}.',
    "It was late, and {b} walked home from the {place}.",
    "The {thing} of {b} was old, but {a} liked it.",
)


@checked()
def made_text(characters: int, seed: int = 0) -> str:
    """Return stories of made-up people, with at least this many characters.

    Each story has two names, a place and a thing, which recur in its sentences, so that distant words help to predict
    the next one.

    Parameters
    ----------
    characters : int
        From 1 to 100 million.
    seed : int
        Seed of the stories.

    Raises
    ------
    DeclarationError
        If a number is out of range.

    Examples
    --------
    >>> from brainsim.networks.made_text import made_text
    >>> len(made_text(1000)) >= 1000
    True
    """
    wanted = integer("made_text.characters", characters, 1, 100_000_000)
    rng, stories, length = np.random.default_rng([integer("made_text.seed", seed, 0, 2**63), 16]), [], 0
    while length < wanted:
        stories.append(_story(rng))
        length += len(stories[-1]) + 1
    return "\n".join(stories)


def _story(rng: np.random.Generator) -> str:
    a, b = _name(rng), _name(rng)
    place, thing = rng.choice(_PLACES), rng.choice(_THINGS)
    chosen = rng.choice(_SENTENCES, int(rng.integers(4, 9)))
    return " ".join(str(each).format(a=a, b=b, place=place, thing=thing) for each in chosen)


def _name(rng: np.random.Generator) -> str:
    parts = [rng.choice(list(each)) for _ in range(2) for each in (_BEGINNINGS, _MIDDLES)]
    return ("".join(parts) + str(rng.choice(_ENDS))).capitalize()
