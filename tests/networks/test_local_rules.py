"""Local rules: the stable form is bounded, the printed form diverges, and spike pairs follow their formula."""

from __future__ import annotations

from math import exp

import pytest

pytestmark = pytest.mark.torch

torch = pytest.importorskip("torch")

from brainsim import BrainsimError
from brainsim.networks.plasticity.local_rules import LocalRule, SpikeTiming


def learned(rule: LocalRule, seed: int) -> list[float]:
    """Train 3 rectified neurons on Gaussian input; return the largest norm of their weights after each step."""
    source = torch.Generator().manual_seed(seed)
    weight, threshold, norms = 0.3 * torch.randn(3, 20, generator=source), torch.zeros(3), []
    for _ in range(1000):
        pre = torch.randn(1, 20, generator=source)
        rule.step(weight, pre, (pre @ weight.T).relu(), threshold)
        norms.append(float(weight.norm(dim=1).max()))
        if not norms[-1] < 1e6:
            break
    return norms


@pytest.mark.parametrize("seed", range(6))
def test_bcm_with_ojas_decay_is_bounded_and_the_printed_form_diverges(seed: int) -> None:
    stable = learned(LocalRule(rate=0.02, tau=50.0), seed)
    assert len(stable) == 1000
    assert max(stable) < 5
    assert stable[-1] > 0.3, "the weights do not vanish either"
    printed = learned(LocalRule(rate=0.02, tau=50.0, literal=True), seed)
    assert not printed[-1] < 1e6


def test_ojas_rule_finds_the_first_principal_component() -> None:
    source, rule = torch.Generator().manual_seed(1), LocalRule(rate=0.02, factor="hebb")
    weight, axis = 0.1 * torch.randn(1, 5, generator=source), torch.tensor([3.0, 0, 4, 0, 0]) / 5
    for _ in range(1500):
        pre = torch.randn(32, 5, generator=source) + 2 * torch.randn(32, 1, generator=source) * axis
        rule.step(weight, pre, pre @ weight.T, torch.zeros(1))
    assert abs(float(weight @ axis)) > 0.99
    assert float(weight.norm()) == pytest.approx(1.0, abs=0.05)


def test_bcm_becomes_selective() -> None:
    """Selectivity, 1 minus the ratio of mean to largest response, is 5/6 if a neuron responds to one of six patterns."""
    source, rule = torch.Generator().manual_seed(2), LocalRule(rate=0.03, tau=10.0, alpha=0.01)
    patterns = torch.nn.functional.normalize(torch.rand(6, 30, generator=source).pow(4), dim=1)
    weight, threshold = 0.5 * torch.rand(3, 30, generator=source), torch.zeros(3)
    for _ in range(3000):
        pre = patterns[torch.randint(6, (1,), generator=source)]
        rule.step(weight, pre, (pre @ weight.T).relu(), threshold)
    response = (patterns @ weight.T).relu()
    assert float(response.max(0).values.min()) > 1
    assert float(weight.norm(dim=1).max()) < 10
    selectivity = 1 - response.mean(0) / response.max(0).values
    assert float(selectivity.min()) > 0.78


def test_a_rule_with_gain_0_changes_nothing() -> None:
    weight = torch.ones(2, 3)
    LocalRule(rate=0.5).step(weight, torch.ones(4, 3), torch.ones(4, 2), torch.zeros(2), gain=0.0)
    assert torch.equal(weight, torch.ones(2, 3))


@pytest.mark.parametrize("lag", [-40, -10, -5, -1, 1, 5, 10, 40])
def test_a_pair_of_spikes_changes_a_weight_exactly(lag: int) -> None:
    rule = SpikeTiming(2, 3)
    change = torch.zeros(3, 2, dtype=torch.float64)
    for at in range(60):
        pre, post = torch.zeros(2), torch.zeros(3)
        pre[1], post[2] = float(at == max(0, -lag)), float(at == max(0, lag))
        change += rule.step(pre, post)
    wanted = torch.zeros(3, 2, dtype=torch.float64)
    wanted[2, 1] = (1 if lag > 0 else -1) * 0.005 * exp(-abs(lag) / 20)
    torch.testing.assert_close(change, wanted, rtol=0, atol=1e-12)
    if abs(lag) == 10:
        assert float(change.sum()) == pytest.approx(3.0327e-3 * (1 if lag > 0 else -1), abs=5e-8)


def test_spikes_at_the_same_time_change_nothing() -> None:
    rule = SpikeTiming(1, 1)
    assert float(rule.step(torch.ones(1), torch.ones(1))) == 0


@pytest.mark.parametrize(
    "make",
    [
        lambda: LocalRule(rate=-1.0),
        lambda: LocalRule(factor="nonsense"),  # type: ignore[arg-type]
        lambda: LocalRule(factor="hebb", literal=True),
        lambda: LocalRule(tau=0.0),
        lambda: LocalRule(alpha=None),  # type: ignore[arg-type]
        lambda: SpikeTiming(0, 1),
        lambda: SpikeTiming(1, 2**70),
        lambda: SpikeTiming(1, 1, tau=0.0),
    ],
)
def test_invalid_arguments_are_refused(make: object) -> None:
    with pytest.raises(BrainsimError, match=r"LocalRule|SpikeTiming"):
        make()  # type: ignore[operator]
