"""Modulated weights equal their formula and their merged weights, and the base weights if nothing is modulated."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.torch

torch = pytest.importorskip("torch")

from dataclasses import replace

from brainsim.errors import DeclarationError
from brainsim.networks.geometric import Geometric, GeometricConfig, coordinate_groups
from brainsim.networks.geometric.context import Running, moving_average, prefix_mean
from brainsim.networks.geometric.modulation import Bank
from brainsim.networks.geometric_presets import GEOMETRIC_TINY, MERGE_TOLERANCE, merge_error
from brainsim.networks.presets import presets
from brainsim.networks.recipe import Recipe
from brainsim.networks.transformer import TransformerConfig

SMALL = GeometricConfig(
    TransformerConfig(31, dim=32, layers=2, heads=4, kv_heads=2, hidden=40),
    coordinates=16,
    pairs=3,
    rank=2,
    predictor=20,
)
OWN = replace(SMALL, banks="own", gate_pairs=4, depth=2)
VARIANTS = {
    "shared bank": SMALL,
    "own banks": OWN,
    "gated": replace(OWN, gated=True),
    "moving average": replace(SMALL, reads="ema"),
    "driven by the context": replace(SMALL, drive="context"),
    "one coordinate": replace(SMALL, reads="nothing"),
    "both averages": replace(SMALL, reads="ema", drive="context", scale=3.0),
}


def tokens(length: int = 24, seed: int = 0) -> torch.Tensor:
    return torch.randint(31, (2, length), generator=torch.Generator().manual_seed(seed))


def random_model(config: GeometricConfig = SMALL, seed: int = 0) -> Geometric:
    """Return a model with random pairs; those of a new model have no effect."""
    model, generator = Geometric(config, seed), torch.Generator().manual_seed(1)
    with torch.no_grad():
        for bank in model.banks:
            for pairs in bank.pairs.values():
                pairs.writes.normal_(0.0, 0.3, generator=generator)
    return model


@pytest.mark.parametrize("name", ["geometric_tiny", "geometric_10m", "geometric_origin_108m"])
def test_each_part_has_the_parameters_that_the_preset_states(name: str) -> None:
    found = presets()[name]
    assert dict(found.counted()) == dict(found.counts)
    total = {"geometric_tiny": 164_138, "geometric_10m": 9_982_078, "geometric_origin_108m": 107_982_304}
    assert found.parameters == total[name]


def test_the_pairs_follow_their_formula() -> None:
    """The factorised product equals ``sum_i cos(theta.c_i) U_i V_i^T + sin(theta.c_i) P_i Q_i^T``."""
    bank = Bank(8, {"q": 12}, 1, coordinates=5, pairs=3, rank=2, scale=1.7)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for each in bank.parameters():
            each.normal_(generator=generator)
    x, theta = torch.randn(2, 4, 8, generator=generator), torch.randn(5, generator=generator)
    phases = 1.7 * bank.directions @ theta
    reads, writes = bank.pairs["q"].reads.view(6, 2, 8), bank.pairs["q"].writes.view(6, 2, 12)
    weight = torch.zeros(12, 8)
    for pair in range(3):
        for term, factor in ((pair, phases[pair].cos()), (pair + 3, phases[pair].sin())):
            weight = weight + factor * writes[term].T @ reads[term]
    torch.testing.assert_close(bank.added(theta)[0]["q"](x), x @ weight.T, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(bank.deltas(theta)[0]["q"], weight, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("config", [SMALL, OWN], ids=["shared", "own"])
def test_at_one_point_the_model_equals_its_merged_weights(config: GeometricConfig) -> None:
    model = random_model(config)
    theta = model.coordinates(tokens())[0, -1].detach()
    modulated, merged = model(tokens(), theta=theta), model.merge(theta)(tokens())
    assert (modulated - merged).abs().max() < MERGE_TOLERANCE * modulated.abs().max()
    assert (modulated - model.base(tokens())).abs().max() > 0.01
    assert merge_error(Geometric(config)) < MERGE_TOLERANCE


def test_merging_gated_models_or_several_points_is_refused() -> None:
    with pytest.raises(DeclarationError, match="gated: must be False"):
        random_model(VARIANTS["gated"]).merge(torch.zeros(16))
    with pytest.raises(DeclarationError, match=r"merge.theta: must be of shape \(16,\)"):
        random_model().merge(torch.zeros(2, 16))


@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)
def test_a_new_model_equals_its_base_bitwise(config: GeometricConfig) -> None:
    model = Geometric(config, seed=3)
    assert torch.equal(model(tokens()), model.base(tokens()))


@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)
def test_no_position_depends_on_a_later_token(config: GeometricConfig) -> None:
    model, text = random_model(config), tokens()
    before = model(text)
    text[:, 12] = (text[:, 12] + 1) % 31
    after = model(text)
    assert torch.equal(before[:, :12], after[:, :12])
    assert not torch.equal(before[:, 12:], after[:, 12:])


@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)
def test_a_cache_gives_the_logits_of_the_whole_sequence(config: GeometricConfig) -> None:
    model, text = random_model(config), tokens()
    cache = model.cache()
    parts = [model(text[:, begin:end], cache) for begin, end in ((0, 9), (9, 10), (10, 11), (11, 24))]
    assert cache.length == 24
    torch.testing.assert_close(torch.cat(parts, 1), model(text), rtol=1e-4, atol=1e-4)


def test_coordinates_lie_on_a_sphere_and_may_be_given_for_each_position() -> None:
    model = random_model()
    theta = model.coordinates(tokens())
    torch.testing.assert_close(theta.norm(dim=-1), torch.full((2, 24), 4.0))
    assert torch.equal(model(tokens()), model(tokens(), theta=theta))
    each = model(tokens(), theta=theta[:, -1])
    torch.testing.assert_close(each[1:], model(tokens()[1:], theta=theta[1, -1]), rtol=1e-4, atol=1e-5)


def test_phases_are_periodic() -> None:
    """A point that is moved by one period along one direction, and by 0 along the others, gives the same output."""
    model = random_model()
    theta, directions = model.coordinates(tokens())[0, -1], model.banks[0].directions.detach()
    move = torch.linalg.lstsq(directions, torch.tensor([2 * torch.pi, 0.0, 0.0])[:, None]).solution[:, 0]
    assert float(move.norm()) > 1
    torch.testing.assert_close(model(tokens(), theta=theta + move), model(tokens(), theta=theta), rtol=1e-3, atol=1e-4)


def test_a_move_outside_the_span_of_the_directions_changes_nothing() -> None:
    model = random_model()
    theta, directions = model.coordinates(tokens())[0, -1].detach(), model.banks[0].directions.detach()
    random = torch.randn(16, generator=torch.Generator().manual_seed(2))
    within = torch.linalg.lstsq(directions.T, random[:, None]).solution[:, 0] @ directions
    outside, before = random - within, model(tokens(), theta=theta)
    assert float(outside.norm()) > 1
    torch.testing.assert_close(model(tokens(), theta=theta + outside), before, rtol=1e-4, atol=1e-5)
    assert (model(tokens(), theta=theta + within) - before).abs().max() > 0.01


def test_gradients_agree_with_finite_differences() -> None:
    bank = Bank(3, {"q": 4, "gate": 2}, 2, coordinates=5, pairs=2, rank=1).double()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for each in bank.parameters():
            each.normal_(generator=generator)
    x = torch.randn(1, 2, 3, dtype=torch.float64, generator=generator, requires_grad=True)
    theta = torch.randn(1, 2, 5, dtype=torch.float64, generator=generator, requires_grad=True)

    def out(x: torch.Tensor, theta: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(layer[name](x) for layer in bank.added(theta) for name in layer)

    assert torch.autograd.gradcheck(out, (x, theta))


def test_running_averages_follow_their_formulas_and_can_be_continued() -> None:
    x = torch.randn(2, 20, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    means, averages, last = [], [], x[:, 0]
    for at in range(20):
        means.append(x[:, : at + 1].mean(1))
        last = last if at == 0 else 0.9 * last + 0.1 * x[:, at]
        averages.append(last)
    for function, expected in (
        (prefix_mean, means),
        (lambda part, running=None: moving_average(part, 0.9, running), averages),
    ):
        torch.testing.assert_close(function(x), torch.stack(expected, 1))
        running = Running()
        parts = [function(x[:, begin:end], running) for begin, end in ((0, 4), (4, 5), (5, 20))]
        torch.testing.assert_close(torch.cat(parts, 1), torch.stack(expected, 1))


def test_one_coordinate_is_the_same_for_every_text() -> None:
    theta = random_model(VARIANTS["one coordinate"]).coordinates(tokens())
    assert torch.equal(theta, theta[:1, :1].expand_as(theta))


def test_banks_do_not_decay_and_have_their_own_rate() -> None:
    model = random_model()
    found = {}
    for group in coordinate_groups(model, Recipe(steps=1, decay=0.2), scale=3.0):
        for each in group["params"]:
            found[each] = (group["weight_decay"], group["scale"])
    assert found[model.banks[0].directions] == found[model.banks[0].pairs["k"].reads] == (0.0, 3.0)
    assert found[model.predictor.inner.weight] == (0.2, 3.0)
    assert found[model.base.blocks[0].attention.q.weight] == (0.2, 1.0)
    assert found[model.base.norm.weight] == (0.0, 1.0)
    assert len(found) == len(list(model.parameters()))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"pairs": 0}, "pairs: must be an integer of at least 1"),
        ({"reads": "all"}, "reads: must be 'mean' or 'ema' or 'nothing'"),
        ({"keep": 1.5}, "keep: must be a number between 0 and 1"),
        ({"gate_pairs": 4}, "gate_pairs: must be None with banks='shared'"),
        ({"base": None}, "base: must be a TransformerConfig"),
    ],
)
def test_invalid_sizes_are_refused(changed: dict[str, object], message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        replace(GEOMETRIC_TINY, **changed)
