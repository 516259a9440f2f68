"""A made-up language: the studies run on it without data, and what they should find is known.

Words belong to topics.  A passage is about one topic; topics have a valence, an arousal and a dominance, and the rating
of a word is that of its topic plus noise.  Labelled sentences, and prompts and their replies, are about topics, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from brainsim.models.cascade import Norms

SCALES = ("valence", "arousal", "dominance")
TOPICS, WORDS_OF_TOPIC, COMMON = 30, 20, 60
OWN = 0.6  # share of the words of a passage that belong to its topic
NOISE = 0.7  # standard deviation of ratings within a topic; that between topics is 1.5


@dataclass(frozen=True)
class Language:
    """The words of topics, most frequent first, the words of no topic, and the ratings."""

    topics: list[list[str]]
    common: list[str]
    ratings: npt.NDArray[np.float64]

    def passage(self, topic: int, length: int, rng: np.random.Generator) -> list[str]:
        """Return the words of a passage about a topic."""
        own = rng.random(length) < OWN
        return [_drawn(self.topics[topic] if each else self.common, rng) for each in own]

    def norms(self) -> Norms:
        """Return the ratings of the words that belong to topics."""
        every = [word for topic in self.topics for word in topic]
        return Norms(SCALES, dict(zip(every, map(tuple, self.ratings.tolist()), strict=True)))


def _drawn(words: list[str], rng: np.random.Generator) -> str:
    return words[min(int(len(words) * rng.random() ** 2), len(words) - 1)]  # earlier words are more frequent


def language(seed: int = 0) -> Language:
    """Return the made language of a seed."""
    rng = np.random.default_rng([seed, 23])
    topics = [[f"{_syllables(topic)}{_syllables(word)}" for word in range(WORDS_OF_TOPIC)] for topic in range(TOPICS)]
    centres = np.clip(rng.normal(5.0, 1.5, (TOPICS, len(SCALES))), 2.0, 8.0)
    ratings = np.repeat(centres, WORDS_OF_TOPIC, axis=0)
    noisy = np.clip(ratings + rng.normal(0.0, NOISE, ratings.shape), 1.0, 9.0)
    return Language(topics, [f"the{_syllables(word)}" for word in range(COMMON)], noisy)


def _syllables(number: int) -> str:
    return "".join("bdfgklmnprst"[digit] + "aeiou"[digit % 5] for digit in (number // 12, number % 12))


def passages(seed: int = 0, count: int = 3000, length: int = 12) -> list[str]:
    """Return passages of the made language."""
    rng, made = np.random.default_rng([seed, 29]), language(seed)
    return [" ".join(made.passage(int(rng.integers(TOPICS)), length, rng)) for _ in range(count)]


def sentences(seed: int = 0, count: int = 360, length: int = 6) -> list[tuple[str, str, str]]:
    """Return sentences as ``(text, label, split)``; each channel has a third of the topics."""
    rng, made, found = np.random.default_rng([seed, 31]), language(seed), []
    for at in range(count):
        topic = int(rng.integers(TOPICS))
        text = " ".join(made.passage(topic, length, rng))
        found.append((text, ("safety", "curiosity", "joy")[topic % 3], "test" if at % 4 == 0 else "train"))
    return found


def dialogues(seed: int = 0, count: int = 240, length: int = 5) -> list[tuple[str, str]]:
    """Return prompts and replies that are about the same topic."""
    rng, made = np.random.default_rng([seed, 37]), language(seed)
    topics = rng.integers(TOPICS, size=count)
    return [tuple(" ".join(made.passage(int(topic), length, rng)) for _ in range(2)) for topic in topics]  # type: ignore[misc]
