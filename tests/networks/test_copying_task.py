"""The copy task of the study of routing: its controls cannot read the mark, and no training can change that."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from brainsim.networks.training import Recipe, Trainer
from brainsim.networks.transformer.blocks import generator_of
from checkout import ROOT

sys.path.append(str(ROOT / "experiments"))  # as `brainsim run` does

from routed.copying import FIXED, LAYERS, SYMBOLS, loss_where_asked, marked, readable
from routed.models import model_of

pytestmark = pytest.mark.torch
K, LENGTH = 4, 40


def influenced(arm: str, layers: int, begins: int = K) -> tuple[Any, Any, Any]:
    """Return which queries depend on the mark, which of them read it, and which come after it.

    The model is trained for some steps, since outputs of a new model can be 0.
    """
    model = model_of(arm, 2 * SYMBOLS + 1, 16, K, 3, layers)
    Trainer(model, Recipe(steps=3, batch=4, length=LENGTH), partial(marked, begins=begins), loss_where_asked).run()
    model.eval()
    tokens, _ = marked(generator_of(1, "test"), 64, LENGTH, begins=begins)
    is_mark = tokens < SYMBOLS
    with torch.no_grad():
        one, other = model(tokens), model(torch.where(is_mark, (tokens + 1) % SYMBOLS, tokens))
    marks = is_mark.float().argmax(-1)
    after = torch.arange(LENGTH) > marks[:, None]
    return (one != other).any(-1), readable(arm, LENGTH, K)[:, marks].T, after


@pytest.mark.parametrize("arm", FIXED)
def test_the_mark_reaches_only_the_queries_that_read_it(arm: str) -> None:
    changed, reads, after = influenced(arm, LAYERS)
    assert torch.equal(changed & after, reads & after)
    assert arm == "dense" or not bool(reads[after].all())


def test_with_two_layers_positions_that_are_kept_relay_an_early_mark() -> None:
    """The first k positions read all positions before them; a later query may read one of these, but not the mark."""
    changed, reads, after = influenced("random", 2, begins=1)
    assert int((changed & after & ~reads).sum()) > 100


@pytest.mark.parametrize(("arm", "most"), [("local", 0.0), ("window", 0.0), ("random", 0.1)])
def test_far_queries_of_the_controls_rarely_read_the_mark(arm: str, most: float) -> None:
    """The sizes are those of the study: k = 16, a mark at 16 to 47, and 160 positions after that part."""
    reads = readable(arm, 48 + 160, 16)
    far = torch.tensor([[query - mark >= 160 for mark in range(16, 48)] for query in range(48 + 160)])
    assert float(reads[:, 16:48][far].float().mean()) <= most


def test_each_query_reads_k_positions_up_to_itself() -> None:
    for arm in FIXED:
        reads = readable(arm, LENGTH, K)
        seen = torch.arange(1, LENGTH + 1)
        assert torch.equal(reads.sum(-1), seen if arm == "dense" else seen.clamp(max=K))
        assert not bool(reads.triu(1).any())
    assert readable("local", LENGTH, K)[10].nonzero().flatten().tolist() == [7, 8, 9, 10]


def test_every_sequence_has_one_mark_behind_the_first_k() -> None:
    tokens, targets = marked(generator_of(0, "task"), 200, LENGTH, begins=K)
    at = (tokens < SYMBOLS).nonzero()
    assert at[:, 0].tolist() == list(range(200))
    assert (int(at[:, 1].min()), int(at[:, 1].max())) == (K, 3 * K - 1)
    asked = targets >= 0
    assert torch.equal(tokens == 2 * SYMBOLS, asked)
    assert torch.equal(targets[asked], tokens[at[:, 0], at[:, 1]][:, None].expand_as(targets)[asked])
