"""Models of characters with and without modulated weights: their losses, ablations, and paths between coordinates."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from brainsim.studies.parts import Part
from modulated.classes import nearest
from modulated.registers import Registers, corpus, read_registers

LENGTH, BATCH, RATE, DIM, HIDDEN, COORDINATES = 128, 8, 4e-3, 64, 172, 64
POINTS = 7


def trained(
    _: Part, arm: str, source: str | None, steps: int, longer: float, sentences: int, seed: int
) -> dict[str, Any]:
    """Train one model; return its loss on held-out text, and the effects of its coordinates."""
    import torch

    from brainsim.networks.geometric import coordinate_groups
    from brainsim.networks.geometric.curriculum import Curriculum
    from brainsim.networks.geometric.minimal_pairs import made
    from brainsim.networks.recipe import Recipe
    from brainsim.networks.text import CharTokenizer
    from brainsim.networks.training import Corpus, Trainer

    torch.set_num_threads(1)
    registers, pairs = read_registers(source, sentences), made()
    alphabet = {each for split in registers.values() for texts in split.values() for text in texts for each in text}
    alphabet |= {"\n", *(each for pair in pairs for each in pair.first + pair.second)}
    tokenizer = CharTokenizer("".join(sorted(alphabet)))
    model = _model(arm, tokenizer.vocabulary, seed)
    recipe = Recipe(round(steps * longer) if arm == "longer" else steps, BATCH, LENGTH, RATE, seed=seed)
    draw = Corpus(tokenizer.encode(corpus(registers["train"], seed))).draw
    backward = Curriculum(tokenizer, pairs) if arm == "curriculum" else None
    trainer = Trainer(model, recipe, draw, groups=coordinate_groups, backward=backward)
    began = time.process_time()
    trainer.run()
    seconds = time.process_time() - began
    blocks = _blocks(registers["test"], tokenizer)
    found = {"parameters": _size(model), "loss": _loss(model, blocks), "step_seconds": seconds / recipe.steps}
    if arm not in ("modulated", "curriculum"):
        return found
    return {
        **found,
        "ablations": _ablated(model, blocks),
        "routing": _by_coordinates(model, registers, tokenizer),
        "interpolation": _interpolated(model, registers, tokenizer),
    }


def _blocks(registers: Mapping[str, Sequence[str]], tokenizer: Any) -> Any:
    """Return held-out sequences ``(N, LENGTH + 1)``, each of one register."""
    import torch

    rows = []
    for texts in registers.values():
        tokens = tokenizer.encode("\n".join(texts) + "\n")
        rows += [tokens[at : at + LENGTH + 1] for at in range(0, len(tokens) - LENGTH, LENGTH)]
    return torch.tensor(rows)


def _model(arm: str, vocabulary: int, seed: int) -> Any:
    """Return a model; without modulation its layers are wider, so that all models have equally many parameters."""
    from brainsim.networks.geometric import Geometric, GeometricConfig
    from brainsim.networks.transformer import Transformer, TransformerConfig

    def base(hidden: int) -> TransformerConfig:
        return TransformerConfig(vocabulary, DIM, 2, 4, 2, hidden)

    reads = "nothing" if arm == "constant" else "mean"
    config = GeometricConfig(base(HIDDEN), COORDINATES, pairs=8, rank=4, predictor=64, reads=reads)
    if arm in ("constant", "modulated", "curriculum"):
        return Geometric(config, seed)
    missing = _size(Geometric(config)) - _size(Transformer(base(HIDDEN)))
    return Transformer(base(HIDDEN + round(missing / (2 * 3 * DIM))), seed)


def _size(model: Any) -> int:
    return sum(each.numel() for each in model.parameters())


def _loss(model: Any, blocks: Any, theta: Any = None) -> float:
    """Return the mean loss of held-out sequences in nats a character, at given coordinates if there are any."""
    import torch
    from torch.nn import functional

    total = 0.0
    with torch.no_grad():
        for at in range(0, len(blocks), 32):
            some, own = blocks[at : at + 32], None if theta is None else theta[at : at + 32]
            logits = model(some[:, :-1]) if own is None else model(some[:, :-1], theta=own)
            total += float(functional.cross_entropy(logits.flatten(0, 1), some[:, 1:].flatten(), reduction="sum"))
    return total / (len(blocks) * LENGTH)


def _ablated(model: Any, blocks: Any) -> dict[str, float]:
    """Return the loss at other coordinates than the model's own, and without its bank."""
    import torch

    with torch.no_grad():
        own = model.coordinates(blocks[:, :-1])
    shuffled = own[torch.randperm(len(own), generator=torch.Generator().manual_seed(0))]
    mean = own.mean((0, 1))
    mean = (mean * COORDINATES**0.5 / mean.norm()).expand_as(own)
    losses = {
        name: _loss(model, blocks, theta) for name, theta in (("own", own), ("shuffled", shuffled), ("mean", mean))
    }
    return {**losses, "identity": _loss(model.base, blocks)}


def _points(model: Any, texts: Sequence[str], tokenizer: Any) -> Any:
    """Return the coordinate at the end of each text."""
    import torch

    with torch.no_grad():
        return torch.stack([model.coordinates(torch.tensor([tokenizer.encode(text)]))[0, -1] for text in texts])


def _by_coordinates(model: Any, registers: Registers, tokenizer: Any) -> float:
    """Return the share of held-out sentences that are nearest to the mean coordinate of their register."""
    few = {genre: texts[:: max(1, len(texts) // 1000)] for genre, texts in registers["train"].items()}
    means = [_points(model, texts, tokenizer).mean(0) for texts in few.values()]
    asked = [_points(model, texts, tokenizer) for texts in registers["test"].values()]
    return nearest(means, asked)


def _interpolated(model: Any, registers: Registers, tokenizer: Any) -> dict[str, Any]:
    """Return how behaviour changes between the mean coordinate of one register and that of another."""
    import torch

    from brainsim.networks.geometric.coordinates import along

    names = list(registers["train"])[:2]
    ends = [_points(model, registers["train"][name][:200], tokenizer).mean(0) for name in names]
    ends = [end * COORDINATES**0.5 / end.norm() for end in ends]
    texts = [torch.tensor(tokenizer.encode("\n".join(registers["test"][name])))[:500] for name in names]
    found = along(model, ends[0], ends[1], texts, POINTS)
    return {
        "from_first": list(found.from_first),
        "from_second": list(found.from_second),
        "monotone": float(found.smooth),
        "whole": found.from_first[-1],
        "largest_step": max(found.steps) / max(sum(found.steps), 1e-12),
        "losses": [list(each) for each in found.losses],
    }
