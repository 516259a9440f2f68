"""Routing of sentences to their register: by coordinates, by histograms of tokens, and by naive Bayes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from brainsim.studies.parts import Part
from modulated.classes import bayes, counts_of, nearest
from modulated.models import COORDINATES, DIM, HIDDEN
from modulated.registers import corpus, letters, read_registers


def routed(_: Part, source: str | None, surface: str, steps: int, sentences: int, seed: int) -> dict[str, float]:
    """Route held-out sentences to their register, by coordinates, histograms and naive Bayes; return the shares."""
    import torch

    from brainsim.networks.bpe import BpeTokenizer
    from brainsim.networks.geometric import Geometric, GeometricConfig
    from brainsim.networks.transformer import TransformerConfig

    torch.set_num_threads(1)
    registers = read_registers(source, sentences)
    change = letters if surface == "letters" else str
    text = {split: {g: [change(t) for t in ts if change(t)] for g, ts in of.items()} for split, of in registers.items()}
    tokenizer = BpeTokenizer.learn(corpus(text["train"], seed), 1024)
    tokens = {split: [[tokenizer.encode(t) for t in ts] for ts in of.values()] for split, of in text.items()}
    base = TransformerConfig(tokenizer.vocabulary, DIM, 1, 4, 2, HIDDEN)
    config = GeometricConfig(base, COORDINATES, pairs=8, rank=4, predictor=64)
    found = {"chance": 1 / len(text["train"]), "untrained": _theta_routes(Geometric(config, seed), tokens)}
    for name in ("contrastive", "shuffled_labels"):
        model = Geometric(config, seed)
        _contrast(model, tokens["train"], steps, seed, shuffled=name == "shuffled_labels")
        found[name] = _theta_routes(model, tokens)
    counts = {split: [counts_of(ts, tokenizer.vocabulary) for ts in of] for split, of in tokens.items()}
    shares = {split: [each / each.sum(-1, keepdim=True) for each in of] for split, of in counts.items()}
    found["histogram"] = nearest(
        [each.mean(0) for each in shares["train"]], [e / e.norm(dim=-1, keepdim=True) for e in shares["test"]]
    )
    found["naive_bayes"] = bayes(counts["train"], counts["test"])
    return found


def _theta(model: Any, texts: Sequence[Sequence[int]]) -> Any:
    """Return the coordinate at the end of each text, ``(N, C)``; texts of any length are padded after their end."""
    import torch
    from torch.nn.utils.rnn import pad_sequence

    padded = pad_sequence([torch.tensor(text) for text in texts], batch_first=True)
    ends = torch.tensor([len(text) - 1 for text in texts])
    return model.coordinates(padded)[torch.arange(len(texts)), ends]


def _theta_routes(model: Any, tokens: Mapping[str, Sequence[Sequence[Sequence[int]]]]) -> float:
    import torch

    with torch.no_grad():
        means = [_theta(model, texts[:2000]).mean(0) for texts in tokens["train"]]
        return nearest(means, [_theta(model, texts) for texts in tokens["test"]])


def _contrast(model: Any, train: Sequence[Sequence[Sequence[int]]], steps: int, seed: int, *, shuffled: bool) -> None:
    """Train coordinates so that sentences of one register are close, with 32 of each; ``shuffled`` permutes labels."""
    import torch

    from brainsim.networks.geometric.curriculum import contrastive

    optimizer = torch.optim.AdamW([*model.base.embedding.parameters(), *model.predictor.parameters()], lr=1e-3)
    rng = np.random.default_rng([seed, 6])
    labels = torch.arange(len(train)).repeat_interleave(32)
    pool = [(text, own) for own, texts in enumerate(train) for text in texts]
    if shuffled:
        kinds = rng.permutation([own for _, own in pool])
        pool = [(text, int(own)) for (text, _), own in zip(pool, kinds, strict=True)]
    classes = [[text for text, own in pool if own == number] for number in range(len(train))]
    for _step in range(steps):
        chosen = [texts[at] for texts in classes for at in rng.integers(len(texts), size=32)]
        optimizer.zero_grad()
        contrastive(_theta(model, chosen), labels).backward()
        optimizer.step()
