"""The model with thalamic routing: its counts, causality, cache, and the function of its parts."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytestmark = pytest.mark.torch

torch = pytest.importorskip("torch")

from brainsim import BrainsimError
from brainsim.networks.nokai import Nokai
from brainsim.networks.nokai.config import NokaiConfig
from brainsim.networks.nokai.routing import ARMS, Arm

TINY = replace(NokaiConfig.tiny(), vocab_size=50, routing_k=6)


def some(length: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(50, (2, length), generator=torch.Generator().manual_seed(seed))


def model(arm: Arm = "recency") -> Nokai:
    """Return a model whose hippocampus has an effect; that of a new model has none."""
    made = Nokai(replace(TINY, routing=arm), seed=3)
    with torch.no_grad():
        made.hippocampus.value.weight.normal_(0.0, 0.1, generator=torch.Generator().manual_seed(1))
    return made


@pytest.mark.parametrize(
    ("config", "total"),
    [(NokaiConfig.tiny(), 161_104), (NokaiConfig.small(), 9_453_484), (NokaiConfig.massive(), 1_810_083_106)],
)
def test_parameters_are_counted_per_part_without_memory(config: NokaiConfig, total: int) -> None:
    with torch.device("meta"):
        built = Nokai(config)
    counted = {name: sum(each.numel() for each in part.parameters()) for name, part in built.named_children()}
    assert counted == config.parameters()
    assert sum(counted.values()) == sum(each.numel() for each in built.parameters()) == total
    if total > 1e9:
        assert counted == {
            "embedding": 102_400_000,
            "cortex": 48 * 34_996_224,
            "hippocampus": 19_922_944,
            "thalamus": 6_293_505,
            "limbic": 1_647_905,
        }


@pytest.mark.parametrize("arm", ARMS)
def test_a_token_changes_no_logit_before_it(arm: Arm) -> None:
    made, tokens = model(arm), some(40)
    with torch.no_grad():
        before = made(tokens)
        for at in (0, 7, 20, 39):
            changed = tokens.clone()
            changed[:, at] = (changed[:, at] + 1) % 50
            after = made(changed)
            assert torch.equal(after[:, :at], before[:, :at])
            assert not torch.equal(after[:, at], before[:, at])


@pytest.mark.parametrize("arm", ARMS)
def test_with_a_cache_the_logits_are_those_of_the_whole_text(arm: Arm) -> None:
    made, tokens = model(arm), some(40)
    with torch.no_grad():
        cache = made.cache()
        parts = [made(tokens[:, :11], cache), made(tokens[:, 11:14], cache)]
        parts += [made(tokens[:, at : at + 1], cache) for at in range(14, 40)]
        torch.testing.assert_close(torch.cat(parts, 1), made(tokens), rtol=1e-4, atol=1e-5)
    assert cache.length == 40
    held = cache.held(0)
    assert held is not None
    assert held.position.shape[1] == (40 if arm == "dense" else 6)


def test_checkpointing_gives_the_same_gradients() -> None:
    gradients = []
    for checkpointing in (False, True):
        made = model()
        made.checkpointing = checkpointing
        made(some(20)).square().mean().backward()
        gradients.append([each.grad for each in made.parameters() if each.grad is not None])
    assert len(gradients[0]) == len(gradients[1]) > 20
    for one, other in zip(*gradients, strict=True):
        assert torch.equal(one, other)


def test_the_loss_of_the_model_reaches_every_part_but_the_limbic() -> None:
    made = model()
    made(some(30)).square().mean().backward()
    without = {name for name, each in made.named_parameters() if each.grad is None or not each.grad.any()}
    assert {name.split(".")[0] for name in without} == {"limbic"}


def test_a_new_hippocampus_changes_nothing() -> None:
    made = Nokai(TINY)
    x = torch.randn(2, 3, 64)
    assert torch.equal(made.hippocampus(x), x)


def test_the_limbic_part_learns_which_action_is_rewarded() -> None:
    """A step on its loss is TD(0) and OpAL: log G and log N of the chosen action move by ± rate · δ."""
    made = Nokai(TINY)
    hidden = torch.randn(1, 64)
    made.limbic.requires_grad_(True)
    seen = made.appraise(hidden)
    loss = made.limbic.loss(seen, torch.tensor([4]), torch.tensor([1.0]), torch.tensor([0.0]))
    go, no_go, value = torch.autograd.grad(loss, [seen.go, seen.no_go, seen.value])
    error = 1.0 - seen.value.detach()
    wanted = torch.zeros(1, 6)
    wanted[0, 4] = error[0]
    torch.testing.assert_close(-go, wanted)
    torch.testing.assert_close(no_go, wanted)
    torch.testing.assert_close(-value, error)
    optimizer = torch.optim.SGD(made.limbic.parameters(), lr=0.1)
    source = torch.Generator().manual_seed(0)
    for _ in range(200):
        states = hidden.expand(16, -1)
        action = torch.randint(6, (16,), generator=source)
        step = made.limbic.loss(made.appraise(states), action, (action == 4).float(), torch.zeros(16))
        optimizer.zero_grad()
        step.backward()
        optimizer.step()
    assert int(made.appraise(hidden).preference().argmax()) == 4
    assert made.appraise(hidden).value.item() == pytest.approx(1 / 6, abs=0.1)


def test_the_striatum_chooses_how_many_positions_are_read() -> None:
    made, tokens = model(), some(30)
    with torch.no_grad():
        for pathway, level in ((made.limbic.d1, 5.0), (made.limbic.d2, -5.0)):
            pathway[2].weight.zero_()
            pathway[2].bias.copy_(torch.tensor([0.0, level, 0, 0, 0, level]))
        hidden = made.hidden(tokens)
        assert made.chosen_reads(hidden) == [3, 12]
        assert not torch.equal(made.hidden(tokens, reads=[3, 12]), hidden)
        assert torch.equal(made.hidden(tokens, reads=[6, 6]), hidden)
    with pytest.raises(BrainsimError, match="reads"):
        made.hidden(tokens, reads=[3])


def test_weights_follow_from_the_seed() -> None:
    one, same, other = (Nokai(TINY, seed) for seed in (1, 1, 2))
    state = one.state_dict()
    assert all(torch.equal(each, state[name]) for name, each in same.state_dict().items())
    assert not torch.equal(other.state_dict()["thalamus.relay.weight"], state["thalamus.relay.weight"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"routing": "nonsense"},
        {"routing_k": 0},
        {"embedding_dim": 62},
        {"num_layers": None},
        {"vocab_size": 2**70},
        {"recency": 0.0},
        {"learn_recency": "nonsense"},
        {"rope_base": float("nan")},
    ],
)
def test_invalid_sizes_are_refused_by_name(wrong: dict[str, object]) -> None:
    with pytest.raises(BrainsimError, match=next(iter(wrong))):
        replace(TINY, **wrong)  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_massive_model_runs_forward_in_half_precision() -> None:
    """The model has 1.8 billion weights of 2 bytes.  They are random, so that the test shows only that it runs."""
    psutil = pytest.importorskip("psutil")
    free = psutil.virtual_memory().available
    if free < 6 * 2**30:
        pytest.skip(f"needs 6 GiB of free memory; {free / 2**30:.1f} GiB are free")
    from brainsim.networks.transformer.blocks import initialise

    with torch.device("meta"):
        made = Nokai(NokaiConfig.massive()).to(torch.bfloat16)
    made = made.to_empty(device="cpu")
    initialise(made, seed=0)
    with torch.no_grad():
        logits = made(torch.randint(50_000, (1, 4)))
    assert logits.shape == (1, 4, 50_000)
    assert bool(logits.isfinite().all())
    assert float(logits.float().std()) > 0.1
