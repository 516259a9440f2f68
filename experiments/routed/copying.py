"""Copy a marked token over a long gap, with one layer, so that only positions that a query reads can answer it.

With two layers the task would not test the choice of positions: any position that is kept for another reason can read
the mark in the first layer, and be read in the second.  With one layer the answer to a query depends only on the k
positions that the query reads.  If the mark is not among them, the symbol is independent of their tokens, and no
training can make more than 1/16 of the answers right in expectation.  The mark stands after the first k positions,
because every query up to there reads all positions before it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from brainsim.studies.parts import Part
from routed.models import model_of, recency_of

SYMBOLS = 16  # marked tokens, and as many that are not marked; one more token asks
LAYERS = 1
NEAR, FAR = "near", "far"
FIXED = ("dense", "local", "window", "random")  # arms that read positions which do not depend on the tokens
TESTED = 256  # sequences


def copied(_part: Part, arm: str, k: int, steps: int, gap: int, seed: int) -> dict[str, float]:
    """Train a model to name the marked token when it is asked for it; return the shares of right answers.

    For an arm of `FIXED`, ``bound`` is the largest share of far answers that can be right in expectation: all where
    the query reads the mark, and 1/16 elsewhere.
    """
    import torch

    from brainsim.networks.training import Recipe, Trainer
    from brainsim.networks.transformer.blocks import generator_of

    torch.set_num_threads(1)
    model, draw = model_of(arm, 2 * SYMBOLS + 1, 32, k, seed, LAYERS), partial(marked, begins=k)
    recipe = Recipe(steps=steps, batch=16, length=3 * k + gap, rate=4e-3, seed=seed)
    Trainer(model, recipe, draw, loss_where_asked).run()
    model.eval()
    with torch.no_grad():
        tokens, targets = draw(generator_of(seed, "test"), TESTED, recipe.length)
        right = model(tokens).argmax(-1) == targets
    marks = (tokens < SYMBOLS).float().argmax(-1, keepdim=True)
    distance = torch.arange(recipe.length) - marks
    asked = targets >= 0
    far, near = asked & (distance >= gap), asked & (distance < k)
    found = {at: float(right[some].float().mean()) for at, some in ((NEAR, near), (FAR, far))}
    found["lambda"] = recency_of(model)
    if arm not in FIXED:
        return found
    reads = readable(arm, recipe.length, k)[:, marks[:, 0]].T
    return found | {"bound": 1 / SYMBOLS + (1 - 1 / SYMBOLS) * float(reads[far].float().mean())}


def marked(generator: Any, batch: int, length: int, *, begins: int) -> tuple[Any, Any]:
    """Draw sequences with a marked token, and with queries for it at a tenth of the positions after it.

    The mark stands at one of the positions from ``begins`` to three times that.  Where nothing is asked the target is
    -100.
    """
    import torch

    filler = torch.randint(SYMBOLS, 2 * SYMBOLS, (batch, length), generator=generator)
    at = torch.randint(begins, 3 * begins, (batch, 1), generator=generator)
    symbol = torch.randint(SYMBOLS, (batch, 1), generator=generator)
    asked = (torch.rand(batch, length, generator=generator) < 0.1) & (torch.arange(length) > at)
    tokens = filler.masked_fill(asked, 2 * SYMBOLS).scatter(1, at, symbol)
    return tokens, symbol.expand(-1, length).masked_fill(~asked, -100)


def readable(arm: str, length: int, k: int) -> Any:
    """Return which positions (columns) each query (rows) reads, of an arm of `FIXED`: bool, ``(length, length)``."""
    import torch

    from brainsim.networks.nokai.routing import rank

    seen = torch.ones(length, length, dtype=torch.bool).tril()
    if arm == "dense":
        return seen
    ranks = rank(arm, torch.zeros(1, length)).expand(length, -1).masked_fill(~seen, -torch.inf)
    best = ranks.topk(min(k, length), dim=-1).indices
    return torch.zeros_like(seen).scatter_(1, best, torch.ones_like(best, dtype=torch.bool)) & seen


def loss_where_asked(model: Any, batch: tuple[Any, Any]) -> Any:
    """Return the cross-entropy of the answers, in nats."""
    from torch.nn import functional

    return functional.cross_entropy(model(batch[0]).flatten(0, 1), batch[1].flatten(), ignore_index=-100)
