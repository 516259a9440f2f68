"""Draw the animated picture of README.md: words move to the area that learns them.

Run ``python tools/words_gif.py docs/words.gif`` (one to two minutes on two cores).  The brain is the one of
``experiments/noun_verb.py`` with its usual parameters, and the positions of the words are measured.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from brainsim import Hebbian
from brainsim.models.nemo import WordLearner, english, random_sentences

NOUN, VERB = "#0072B2", "#B84A00"
COLOURS = 48  # of the palette; more make the file larger and the picture no better
FRAME_MS, HOLD_MS = 170, 3000


@dataclass(frozen=True)
class Frame:
    """Positions of words after some sentences: how much of the sound Lex2 re-activates, minus the same for Lex1."""

    sentences: int
    heard: str
    places: dict[str, float]


def frames(sentences: int, every: int, n: int, seed: int) -> Iterator[Frame]:
    """Train a brain and test all words, each heard alone, every few sentences."""
    lexicon = english().take(10, 10)
    learner = WordLearner(lexicon, Hebbian(beta=0.06, w_max=1000.0), n=n, seed=seed)
    heard = ""
    with learner.sim:
        for count, sentence in enumerate(random_sentences(lexicon, sentences, seed)):
            if count % every == 0:
                yield Frame(count, heard, _places(learner))
            learner.hear(sentence)
            heard = " ".join(sentence.words)
        yield Frame(sentences, heard, _places(learner))


def _places(learner: WordLearner) -> dict[str, float]:
    readback = {word: learner.listen(word).readback for word in learner.lexicon.words}
    return {word: fired["Lex2"] - fired["Lex1"] for word, fired in readback.items()}


def draw(ax: Axes, frame: Frame, nouns: Sequence[str]) -> None:
    """Draw one frame: a row for each word, nouns and verbs in turn."""
    ax.clear()
    ax.axvspan(-1.15, -0.6, color=NOUN, alpha=0.12, lw=0)
    ax.axvspan(0.6, 1.15, color=VERB, alpha=0.12, lw=0)
    ax.axvline(0, color="0.8", lw=1)
    verbs = [word for word in frame.places if word not in nouns]
    rows = [word for pair in zip(nouns, verbs, strict=True) for word in pair]
    for row, word in enumerate(rows):
        colour = NOUN if word in nouns else VERB
        ax.text(frame.places[word], -row, word, ha="center", va="center", color=colour, fontsize=9, weight="bold")
    ax.set_xlim(-1.15, 1.15)
    ax.set_ylim(-len(rows) + 0.2, 3.2)
    ax.text(-0.875, 1.9, "Lex1\ngets what is seen", ha="center", va="center", fontsize=8)
    ax.text(0.875, 1.9, "Lex2\ngets what is done", ha="center", va="center", fontsize=8)
    ax.set_yticks([])
    ax.set_xticks([-1, -0.5, 0, 0.5, 1], ["-100 %", "-50 %", "0", "50 %", "100 %"])
    ax.set_xlabel("sound re-activated by Lex2 less sound re-activated by Lex1")
    last = f': "{frame.heard}"' if frame.heard else ""
    ax.set_title(f"Sentences heard: {frame.sentences}{last}", loc="left", fontsize=11)
    ax.set_title("noun", loc="center", color=NOUN, fontsize=11, weight="bold")
    ax.set_title("verb", loc="right", color=VERB, fontsize=11, weight="bold")


def animate(to: Path, *, sentences: int = 300, every: int = 6, n: int = 100_000, seed: int = 0) -> None:
    """Write the animation as a GIF."""
    figure = Figure(figsize=(6.4, 4.2), dpi=100, layout="constrained")
    ax = figure.add_subplot()
    nouns = english().take(10, 10).nouns
    pictures = []
    for frame in frames(sentences, every, n, seed):
        draw(ax, frame, nouns)
        drawn = io.BytesIO()
        figure.savefig(drawn, format="png")
        pictures.append(Image.open(drawn).convert("RGB").quantize(COLOURS))
    durations = [FRAME_MS] * (len(pictures) - 1) + [HOLD_MS]
    pictures[0].save(to, save_all=True, append_images=pictures[1:], duration=durations, loop=0, optimize=True)


if __name__ == "__main__":
    animate(Path(sys.argv[1]))
