"""A trained model with its tokenizer and its text, and the losses of such a model on held-out text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.networks.memory.made_up import Fact, made_up_text, words_of

VOCABULARY, WIDTH, LENGTH = 1024, 96, 128


@dataclass(frozen=True)
class Sizes:
    """Sizes of a part: see `one_shot_facts`."""

    load: int
    controls: int
    n: int
    steps: int
    probes: int
    tokens: int


class World:
    """A trained model, its tokenizer, its training text (the background), and held-out text."""

    def __init__(self, text: str, steps: int, tokens: int, seed: int) -> None:
        import torch

        from brainsim.networks.bpe import BpeTokenizer
        from brainsim.networks.recipe import Recipe
        from brainsim.networks.text import read_text
        from brainsim.networks.training import Corpus, Trainer
        from brainsim.networks.transformer import Transformer, TransformerConfig

        torch.set_num_threads(1)
        whole = read_text(text) if text else made_up_text(20_000, seed)
        cut = int(0.95 * len(whole))
        self.words = words_of(whole[:cut])
        self.tokenizer = BpeTokenizer.learn(whole[: min(cut, 400_000)], VOCABULARY)
        self.background = np.array(self.tokenizer.encode(whole[:cut]))
        self.held_out = self.tokenizer.encode(whole[cut:])[:tokens]
        vocabulary = self.tokenizer.vocabulary
        sizes = TransformerConfig(vocabulary, WIDTH, layers=2, heads=4, kv_heads=2, hidden=256)
        self.model = Transformer(sizes, seed)
        recipe = Recipe(steps=steps, batch=8, length=LENGTH, rate=4e-3, seed=seed, precision="float32")
        Trainer(self.model, recipe, Corpus(self.background).draw).run()
        self.model.eval()

    def pieces(self, most: int) -> list[npt.NDArray[np.int64]]:
        """Return pieces of the background."""
        return [self.background[at : at + LENGTH] for at in range(0, len(self.background) - LENGTH, LENGTH)][:most]

    def answer(self, fact: Fact) -> list[int]:
        """Return the tokens of a value, with the blank before it."""
        return self.tokenizer.encode(f" {fact.value}")


def held_out(world: World) -> list[npt.NDArray[np.int64]]:
    """Return pieces of the held-out text."""
    text = np.array(world.held_out)
    return [text[at : at + LENGTH + 1] for at in range(0, len(text) - 1, LENGTH)]


def losses_of(logits: npt.NDArray[Any], piece: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the loss of each next token, in nats."""
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=1, keepdims=True)
    return np.log(np.exp(wide).sum(axis=1)) - wide[np.arange(len(wide)), piece[1:]]
