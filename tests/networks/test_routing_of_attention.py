"""Routed attention equals attention under a full mask, is causal, and has the stated cost."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from brainsim import BrainsimError
from brainsim.networks.nokai.routing import ARMS, BY_DISTANCE, Arm, rank, routed_attention, scores_computed

pytestmark = pytest.mark.torch
ROUTED = [arm for arm in ARMS if arm != "dense"]
BATCH, HEADS, N, WIDTH, K = 2, 3, 97, 8, 7  # N is no multiple of a chunk


def given(n: int = N, seed: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return queries, keys, values and log gates that require a gradient."""
    source = torch.Generator().manual_seed(seed)
    q, key, v = (torch.randn(BATCH, HEADS, n, WIDTH, generator=source) for _ in range(3))
    gate = torch.nn.functional.logsigmoid(torch.randn(BATCH, n, generator=source))
    return tuple(each.requires_grad_() for each in (q, key, v, gate))  # type: ignore[return-value]


def full(q: Tensor, key: Tensor, v: Tensor, log_gate: Tensor, k: int, arm: Arm, recency: float | Tensor) -> Tensor:
    """Return the same from all n·n scores: each query reads the k best positions up to its own."""
    n = q.shape[2]
    ranks = rank(arm, log_gate, recency)
    mask = torch.zeros(len(q), n, n, dtype=torch.bool)
    for b in range(len(q)):
        for t in range(n):
            order = sorted(range(t + 1), key=lambda s: (float(ranks[b, s]), s), reverse=True)
            mask[b, t, order[:k]] = True
    at = torch.arange(n)
    bias = log_gate[:, None, :] + ((at[None, :] - at[:, None]) * recency if arm in BY_DISTANCE else 0)
    scores = q @ key.transpose(-1, -2) / WIDTH**0.5 + bias.unsqueeze(1)
    return scores.masked_fill(~mask.unsqueeze(1), float("-inf")).softmax(-1) @ v


@pytest.mark.parametrize("arm", ROUTED)
@pytest.mark.parametrize("chunk", [1, 5, 7, 20, 97])
def test_chunks_give_values_and_gradients_of_the_full_mask(arm: Arm, chunk: int) -> None:
    tensors, lam = given(), torch.tensor(0.05, requires_grad=True)
    wanted = full(*tensors, K, arm, lam)
    found = routed_attention(*tensors, k=K, arm=arm, recency=lam, chunk=chunk)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=2e-6)
    weights, inputs = torch.randn(wanted.shape), [*tensors, *([lam] if arm in BY_DISTANCE else [])]
    pairs = (torch.autograd.grad((each * weights).sum(), inputs) for each in (found, wanted))
    for one, other in zip(*pairs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=3e-5)


@pytest.mark.parametrize("arm", ROUTED)
def test_the_cost_is_n_times_k_plus_chunk_exactly(arm: Arm) -> None:
    n, k, chunk = 96, 7, 12
    q, key, v, gate = (each.detach() for each in given(n))
    with FlopCounterMode(display=False) as counted:
        routed_attention(q, key, v, gate, k=k, arm=arm, chunk=chunk)
    scores = scores_computed(n, k, chunk)
    assert scores == n * (k + chunk)
    # A multiplication and an addition for each element of a key, and again for each element of a value.
    assert counted.get_total_flops() == BATCH * HEADS * scores * WIDTH * 2 * 2
    assert scores_computed(97, k, chunk) == 108 * (k + chunk)


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("at", [0, 20, 40, 96])
def test_a_position_changes_nothing_before_it(arm: Arm, at: int) -> None:
    q, key, v, gate = (each.detach() for each in given())
    before = routed_attention(q, key, v, gate, k=K, arm=arm)
    changed = [each.clone() for each in (q, key, v, gate)]
    for each in changed[:3]:
        each[:, :, at] += 5.0
    changed[3][:, at] = -1e-3  # the best gate of all
    after = routed_attention(*changed, k=K, arm=arm)
    assert torch.equal(after[:, :, :at], before[:, :, :at])
    assert not torch.equal(after[:, :, at], before[:, :, at])


@pytest.mark.parametrize("arm", ROUTED)
def test_with_k_of_all_positions_it_equals_dense_attention_with_the_gate_in_its_scores(arm: Arm) -> None:
    q, key, v, gate = (each.detach() for each in given())
    at = torch.arange(N)
    bias = gate[:, None, None, :] + (0.05 * (at[None, :] - at[:, None]) if arm in BY_DISTANCE else 0)
    mask = bias.masked_fill(~torch.ones(N, N, dtype=torch.bool).tril(), float("-inf"))
    wanted = torch.nn.functional.scaled_dot_product_attention(q, key, v, attn_mask=mask)
    found = routed_attention(q, key, v, gate, k=N + 50, arm=arm, recency=0.05, chunk=10)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=2e-6)


def test_of_equal_gates_the_later_positions_are_read() -> None:
    q, key, v, _ = (each.detach() for each in given())
    equal = torch.zeros(BATCH, N)
    tied, local = (routed_attention(q, key, v, equal, k=K, arm=arm) for arm in ("literal", "local"))
    assert torch.equal(tied, local)


def test_local_reads_the_last_k_and_no_other() -> None:
    q, key, v, gate = (each.detach() for each in given())
    before = routed_attention(q, key, v, gate, k=K, arm="local")
    v[:, :, 40] += 5.0
    moved = (routed_attention(q, key, v, gate, k=K, arm="local") != before).any(-1).any(0).any(0)
    assert moved.nonzero().flatten().tolist() == list(range(40, 40 + K))


def test_random_ranks_are_uniform_and_do_not_depend_on_the_gate() -> None:
    ranks = rank("random", torch.zeros(1, 20_000))[0]
    assert torch.equal(ranks, rank("random", torch.randn(1, 20_000))[0])
    assert abs(float(ranks.mean()) - 0.5) < 4 * (1 / 12 / 20_000) ** 0.5
    assert abs(float(torch.corrcoef(torch.stack([ranks[:-1], ranks[1:]]))[0, 1])) < 4 / 20_000**0.5
    assert float(ranks.min()) >= 0
    assert float(ranks.max()) < 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"k": 0},
        {"k": None},
        {"k": 2**70},
        {"arm": "nonsense"},
        {"chunk": 0},
        {"chunk": "nonsense"},
        {"log_gate": torch.zeros(1, 3)},
        {"log_gate": None},
        {"key": torch.zeros(1, 3)},
        {"value": object()},
    ],
)
def test_invalid_arguments_are_refused(wrong: dict[str, object]) -> None:
    q, key, v, gate = (each.detach() for each in given())
    arguments = {"query": q, "key": key, "value": v, "log_gate": gate, "k": K, **wrong}
    with pytest.raises(BrainsimError, match=next(iter(wrong))):
        routed_attention(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [(0, 1, 1), (1, "nonsense", 1), (1, 1, None)])
def test_counts_of_scores_are_checked(wrong: tuple[int, int, int]) -> None:
    with pytest.raises(BrainsimError, match="scores_computed"):
        scores_computed(*wrong)
    with pytest.raises(BrainsimError, match="dense"):
        rank("dense", torch.zeros(1, 3))
