"""Baselines of a memory: the model alone, the fine-tuned model, and an exact cache of nearest neighbours."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.networks.memory import of_torch
from brainsim.networks.memory.made_up import WORDINGS, Facts
from facts.asking import OTHER, asked, for_calibration, some_of
from facts.world import LENGTH, WIDTH, Sizes, World, held_out, losses_of


class Cache:
    """An exact nearest-neighbour cache: the last contexts that fit into some bytes, and the tokens after them."""

    def __init__(self, world: World, bytes_allowed: float) -> None:
        self._model = of_torch(world.model)
        hidden = np.concatenate([self._hidden(piece) for piece in world.pieces(400)])
        self._mean = hidden.mean(axis=0)
        values, axes = np.linalg.eigh(np.cov(hidden, rowvar=False) + 1e-6 * np.eye(WIDTH))
        self._whitener = axes / np.sqrt(values)
        self._codes = np.random.default_rng(7).standard_normal((world.tokenizer.vocabulary, WIDTH))
        self._most = max(1, int(bytes_allowed / (2 * WIDTH * 4 + 8)))
        self._keys: list[npt.NDArray[np.float32]] = []
        self._values: list[int] = []
        self._array = np.zeros((0, 2 * WIDTH), np.float32)

    def _hidden(self, tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        return self._model(tokens)[1][0].numpy()

    def _key(self, tokens: npt.NDArray[np.int64], at: int, hidden: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        whitened = (hidden[at] - self._mean) @ self._whitener
        trace = sum(0.85**lag * self._codes[token] for lag, token in enumerate(tokens[at::-1]))
        halves = [each / np.linalg.norm(each) / math.sqrt(2) for each in (whitened, np.asarray(trace))]
        return np.concatenate(halves).astype(np.float32)

    def store(self, tokens: Sequence[int]) -> None:
        """Keep the context of each token from the fourth on."""
        array = np.array(tokens)
        hidden = self._hidden(array)
        for at in range(2, len(array) - 1):
            self._keys.append(self._key(array, at, hidden))
            self._values.append(int(array[at + 1]))
        self._keys, self._values = self._keys[-self._most :], self._values[-self._most :]

    def recall(self, tokens: Sequence[int]) -> tuple[int, float]:
        """Return what followed the nearest context, and its cosine."""
        if len(self._array) != len(self._keys):
            self._array = np.array(self._keys)
        array = np.array(tokens)
        near = self._array @ self._key(array, len(array) - 1, self._hidden(array))
        return self._values[int(near.argmax())], float(near.max())


def cached(world: World, facts: Facts, sizes: Sizes, bytes_allowed: float) -> dict[str, Any]:
    """Store the contexts of the facts in a cache of limited size, and return what it recalls."""
    cache, encode = Cache(world, bytes_allowed), world.tokenizer.encode
    for fact in facts.stored:
        cache.store(encode(fact.sentence))
    highest = max(cache.recall(encode(fact.prompt()))[1] for fact in for_calibration(facts, sizes))
    threshold = 0.5 * (1.0 + highest)
    model = _greedy(world.model)

    def answers(prompt: str, new: int) -> list[int]:
        so_far = encode(prompt)
        for _ in range(new):
            token, near = cache.recall(so_far)
            so_far = [*so_far, token if near >= threshold else model(so_far)]
        return so_far[-new:]

    return {
        "threshold": threshold,
        **asked(world, facts, sizes, answers, lambda prompt: cache.recall(encode(prompt))[1], threshold),
    }


def _greedy(model: Any) -> Callable[[Sequence[int]], int]:
    run = of_torch(model)
    return lambda tokens: int(run(np.array(tokens))[0][0, -1].argmax())


def tuned(world: World, facts: Facts, sizes: Sizes, seed: int, *, replay: bool) -> dict[str, Any]:
    """Train a copy of the model on each fact once, in batches of 8; with replay, each with a batch of the text."""
    import copy

    import torch
    from torch.nn import functional

    from brainsim.networks.training import Corpus, next_token_loss

    model, corpus = copy.deepcopy(world.model), Corpus(world.background)
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.0)
    sentences = [torch.tensor(world.tokenizer.encode(fact.sentence)) for fact in facts.stored]
    for at in range(0, len(sentences), 8):
        optimizer.zero_grad()
        losses = [functional.cross_entropy(model(each[None, :-1])[0], each[1:]) for each in sentences[at : at + 8]]
        loss = torch.stack(losses).mean()
        if replay:
            loss = loss + next_token_loss(model, corpus.draw(generator, 8, LENGTH))
        loss.backward()
        optimizer.step()
    return _judged(world, facts, sizes, model.eval())


def alone(world: World, facts: Facts, sizes: Sizes) -> dict[str, Any]:
    """Return what the model recalls without a memory."""
    return _judged(world, facts, sizes, world.model)


def _judged(world: World, facts: Facts, sizes: Sizes, model: Any) -> dict[str, Any]:
    """Ask a model without a memory."""
    step = _greedy(model)

    def answers(prompt: str, new: int) -> list[int]:
        so_far = world.tokenizer.encode(prompt)
        for _ in range(new):
            so_far = [*so_far, step(so_far)]
        return so_far[-new:]

    known = some_of(facts.stored, sizes.probes)
    seen = {
        f"recall_{wording}": fmean(answers(f.prompt(wording), len(world.answer(f))) == world.answer(f) for f in known)
        for wording in WORDINGS
    }
    run = of_torch(model)
    losses = np.concatenate([losses_of(run(piece[:-1])[0][0].numpy(), piece) for piece in held_out(world)])
    own = of_torch(world.model)
    before = np.concatenate([losses_of(own(piece[:-1])[0][0].numpy(), piece) for piece in held_out(world)])
    perplexity = math.exp(losses.mean())
    return {
        **seen,
        "recall_other": fmean(seen[f"recall_{each}"] for each in OTHER),
        "perplexity": perplexity,
        "perplexity_change": perplexity - math.exp(before.mean()),
    }
