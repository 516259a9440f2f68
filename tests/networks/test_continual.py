"""Networks that learn tasks in sequence: how many values they store, and what they forget."""

from __future__ import annotations

from functools import cache

import pytest

from brainsim.errors import DeclarationError

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

from brainsim.networks.continual import KINDS, Continual

TASKS, FEATURES = 4, 12


def tasks() -> list[tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(128, FEATURES, generator=generator)
    return [(inputs, torch.tanh(inputs @ torch.randn(FEATURES, generator=generator))) for _ in range(TASKS)]


@cache
def learned(kind: str) -> tuple[list[float], list[float], bool]:
    """Return errors just after each task and at the end, and whether all outputs stayed the same."""
    network, after, outputs = Continual(kind, FEATURES, TASKS, numbers=4000), [], []  # type: ignore[arg-type]
    with torch.no_grad():
        for at, (inputs, targets) in enumerate(tasks()):
            with torch.enable_grad():
                network.learn(at, inputs, targets, steps=150)
            outputs.append(network(inputs, at))
            after.append(float((outputs[-1] - targets).pow(2).mean() / targets.var()))
        final = [network(inputs, at) for at, (inputs, _) in enumerate(tasks())]
        errors = [float((each - t).pow(2).mean() / t.var()) for each, (_, t) in zip(final, tasks(), strict=True)]
    return after, errors, all(torch.equal(a, b) for a, b in zip(outputs, final, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_the_number_of_stored_values_follows_from_the_parameters(kind: str) -> None:
    network = Continual(kind, FEATURES, TASKS, numbers=4000)  # type: ignore[arg-type]
    trained = sum(each.numel() for each in network.parameters())
    assert network.held == trained * (3 if kind == "ewc" else 1) <= 4000
    assert network.numbers_of(network.kind, network.width + 1) > 4000


def test_private_pairs_keep_every_bit_and_shared_weights_do_not() -> None:
    after, final, same = learned("private")
    assert same
    assert max(after) < 0.3
    assert after == final
    after, final, same = learned("plain")
    assert not same
    assert max(after) < 0.3 < max(final)


def test_elastic_weights_forget_less_than_plain_ones() -> None:
    assert sum(learned("ewc")[1]) < sum(learned("plain")[1])


def test_a_new_private_pair_starts_as_the_base() -> None:
    network = Continual("private", FEATURES, TASKS)
    inputs, targets = tasks()[0]
    network.learn(0, inputs, targets, steps=5)
    before = network.hidden.detach().clone()
    network.learn(1, inputs, targets, steps=5)
    assert torch.equal(network.hidden, before)


def test_invalid_arguments_are_refused() -> None:
    for wrong in ({"kind": "other"}, {"features": 0}, {"tasks": 0}, {"numbers": 3}):
        with pytest.raises(DeclarationError, match="Continual"):
            Continual(**{"kind": "plain", "features": 2, "tasks": 2, **wrong})  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match=r"Continual\.learn\.task"):
        Continual("plain", 2, 2).learn(2, torch.zeros(3, 2), torch.zeros(3), steps=1)
