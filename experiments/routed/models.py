"""Small models with thalamic routing, by arm, and their training on text."""

from __future__ import annotations

from statistics import fmean
from typing import Any

from brainsim.studies.parts import Part


def model_of(arm: str, vocabulary: int, dim: int, k: int, seed: int, layers: int = 2) -> Any:
    """Return a small model whose queries read k positions, chosen by an arm."""
    from dataclasses import replace

    from brainsim.networks.nokai import Nokai, NokaiConfig

    sizes = {"embedding_dim": dim, "feedforward_dim": 172 * dim // 64, "gate_dim": 32, "ca3_rank": dim // 2}
    shape = {"vocab_size": vocabulary, "num_layers": layers, "routing": arm, "routing_k": k}
    return Nokai(replace(NokaiConfig.tiny(), **shape, **sizes), seed)


def recency_of(model: Any) -> float:
    """Return the mean of λ over layers."""
    import torch

    with torch.no_grad():
        return fmean(float(layer.attention.recency) for layer in model.cortex)


def modelled(
    _part: Part, arm: str, text: str, k: int, steps: int, length: int, held_out: int, seed: int
) -> dict[str, float]:
    """Train a character model with an arm, and return its loss on held-out text, in nats per character."""
    import torch

    from brainsim.networks.made_text import made_text
    from brainsim.networks.text import CharTokenizer, read_text
    from brainsim.networks.training import Corpus, Recipe, Trainer, evaluate

    torch.set_num_threads(1)
    written = read_text(text) if text else made_text(400_000)
    tokenizer = CharTokenizer.of(written)
    tokens = torch.tensor(tokenizer.encode(written))
    cut = int(0.9 * len(tokens))
    model = model_of(arm, tokenizer.vocabulary, 64, k, seed)
    recipe = Recipe(steps=steps, batch=max(1, 1024 // length), length=length, rate=4e-3, seed=seed)
    Trainer(model, recipe, Corpus(tokens[:cut]).draw).run()
    loss = evaluate(model, tokens[cut : cut + held_out + 1], length)
    return {"loss": loss, "lambda": recency_of(model)}
