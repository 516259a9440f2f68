"""The blocks of decoders follow the formulas of the papers."""

from __future__ import annotations

import math
from typing import Any

import pytest

pytestmark = pytest.mark.torch

torch = pytest.importorskip("torch")

from brainsim.errors import DeclarationError
from brainsim.networks.geometric import Geometric
from brainsim.networks.geometric_presets import GEOMETRIC_TINY
from brainsim.networks.nokai import Nokai, NokaiConfig
from brainsim.networks.transformer import Transformer, TransformerConfig
from brainsim.networks.transformer.blocks import RMSNorm, SwiGLU, attend, initialise, rope, rotate

SMALL = TransformerConfig(vocabulary=31, dim=32, layers=2, heads=4, kv_heads=2, hidden=40)


def some(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def tokens(length: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(SMALL.vocabulary, (2, length), generator=torch.Generator().manual_seed(seed))


def test_rms_norm_divides_by_the_root_of_the_mean_square() -> None:
    norm, x = RMSNorm(8), some(3, 8)
    with torch.no_grad():
        norm.weight.copy_(some(8, seed=1))
    expected = x / (x.pow(2).mean(-1, keepdim=True) + 1e-6).sqrt() * norm.weight
    torch.testing.assert_close(norm(x), expected)


def test_products_of_rotated_vectors_depend_on_the_distance_alone() -> None:
    query, key = some(16), some(16, seed=1)
    rotated = [rotate(each.expand(50, 16), rope(torch.arange(50), 16, 10_000.0)) for each in (query, key)]
    scores = rotated[0] @ rotated[1].T
    for distance in (-20, -1, 0, 7):
        along = torch.diagonal(scores, distance)
        torch.testing.assert_close(along, along[:1].expand_as(along), rtol=1e-4, atol=1e-5)
    assert scores[0].std() > 0.1


def test_rope_rotates_each_pair_by_its_frequency() -> None:
    cosines, sines = rope(torch.tensor([3]), 4, 100.0)
    torch.testing.assert_close(cosines[0, :2], torch.tensor([math.cos(3.0), math.cos(0.3)]))
    torch.testing.assert_close(sines[0, 2:], torch.tensor([math.sin(3.0), math.sin(0.3)]))


@pytest.mark.parametrize(("wanted", "held"), [(6, 6), (2, 6), (1, 6)])
def test_attention_is_the_softmax_over_earlier_keys(wanted: int, held: int) -> None:
    queries, keys, values = some(2, 4, wanted, 8), some(2, 2, held, 8, seed=1), some(2, 2, held, 8, seed=2)
    found = attend(queries, keys, values)
    for head in range(4):
        for at in range(wanted):
            seen = held - wanted + at + 1
            scores = queries[:, head, at, None, :] @ keys[:, head // 2, :seen].mT / math.sqrt(8)
            expected = (torch.softmax(scores, -1) @ values[:, head // 2, :seen])[:, 0]
            torch.testing.assert_close(found[:, head, at], expected)


def test_swiglu_follows_its_formula_and_takes_an_addition_to_the_gate() -> None:
    part, x, more = SwiGLU(8, 12), some(3, 8), some(12, 8, seed=3)
    initialise(part, 1)
    gate = x @ part.gate.weight.T + x @ more.T
    expected = (gate * torch.sigmoid(gate) * (x @ part.up.weight.T)) @ part.down.weight.T
    torch.testing.assert_close(part(x, {"gate": lambda given: given @ more.T}), expected)


def test_no_position_depends_on_a_later_one() -> None:
    model, text = Transformer(SMALL), tokens(30)
    before = model(text)
    text[:, 12] = (text[:, 12] + 1) % SMALL.vocabulary
    after = model(text)
    assert torch.equal(before[:, :12], after[:, :12])
    assert not torch.equal(before[:, 12:], after[:, 12:])


def test_a_cache_gives_the_logits_of_the_whole_sequence() -> None:
    model, text = Transformer(SMALL), tokens(20)
    cache = model.cache()
    parts = [model(text[:, begin:end], cache) for begin, end in ((0, 7), (7, 8), (8, 9), (9, 20))]
    assert cache.length == 20
    torch.testing.assert_close(torch.cat(parts, 1), model(text), rtol=1e-4, atol=1e-5)


def test_checkpointing_changes_no_gradient() -> None:
    gradients = []
    for checkpointing in (False, True):
        model = Transformer(SMALL)
        model.checkpointing = checkpointing
        model(tokens(20)).logsumexp(-1).sum().backward()
        gradients.append([each.grad for each in model.parameters()])
    for plain, checkpointed in zip(*gradients, strict=True):
        torch.testing.assert_close(plain, checkpointed)


def test_weights_follow_from_the_seed_and_do_not_use_the_generator_of_torch() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    same, other = Transformer(SMALL, seed=1), Transformer(SMALL, seed=2)
    assert torch.equal(torch.rand(1), expected)
    deeper = Transformer(TransformerConfig(**{**vars(SMALL), "layers": 3}), seed=1)
    assert torch.equal(same.embedding.weight, deeper.embedding.weight)
    assert torch.equal(same.blocks[1].attention.q.weight, deeper.blocks[1].attention.q.weight)
    assert not torch.equal(same.embedding.weight, other.embedding.weight)
    assert not torch.equal(same.blocks[0].attention.k.weight, same.blocks[0].attention.v.weight)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"kv_heads": 3}, "heads: must be a multiple of kv_heads = 3"),
        ({"heads": 6, "kv_heads": 6}, "dim: must be a multiple of heads = 6"),
        ({"head_dim": 7}, "head_dim: must be even"),
        ({"layers": 0}, "layers: must be an integer of at least 1"),
        ({"dim": "wide"}, "dim: must be an integer"),
        ({"rope_base": float("nan")}, "rope_base: must be a number between"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(changed: dict[str, object], message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        TransformerConfig(**{**vars(SMALL), **changed})


class OnGpu(torch.Tensor):
    """A tensor that reports a GPU as its device and, like one on a GPU, refuses a generator of the CPU."""

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func == torch.Tensor.device.__get__:  # type: ignore[attr-defined]
            return torch.device("cuda")
        if func == torch.Tensor.normal_:
            raise RuntimeError("Expected a 'cuda' device type for generator but found 'cpu'")
        return super().__torch_function__(func, types, args, kwargs or {})


@pytest.mark.parametrize(
    "make",
    [lambda: Transformer(SMALL, 3), lambda: Geometric(GEOMETRIC_TINY, 3), lambda: Nokai(NokaiConfig.tiny(), 3)],
    ids=["transformer", "geometric", "nokai"],
)
def test_weights_have_the_same_bits_on_every_device(make: Any) -> None:
    """This holds also if tensors are made on another device by default, as with ``torch.device("cuda")``."""
    model, on_gpu = make(), make()
    for part in on_gpu.modules():
        for name, weight in part.named_parameters(recurse=False):
            moved = torch.full_like(weight, torch.nan).as_subclass(OnGpu)  # type: ignore[arg-type]
            part.register_parameter(name, torch.nn.Parameter(moved))
    with torch.device("meta"):
        initialise(on_gpu, 3)
    found = dict(on_gpu.named_parameters())
    assert all(isinstance(each, OnGpu) for each in found.values())
    for name, weight in model.named_parameters():
        assert torch.equal(found[name].detach().as_subclass(torch.Tensor), weight), name
