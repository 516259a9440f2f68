"""Seven techniques of training: which results stay the same, sampling without bias, bounded updates, and errors."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.torch

torch = pytest.importorskip("torch")

from brainsim import BrainsimError
from brainsim.networks.plasticity.rhythms import Rhythm
from brainsim.networks.presets import preset
from brainsim.networks.techniques import (
    BioGradient,
    GradientPruning,
    HebbianWarmup,
    ImportanceSampling,
    MicroBatches,
    Prefetch,
    ThetaUpdates,
    trainer,
)
from brainsim.networks.techniques.hebbian_warmup import hebbian_rate
from brainsim.networks.text import ByteTokenizer
from brainsim.networks.training import Corpus, Recipe, Trainer
from brainsim.networks.training.checkpoints import load, save
from brainsim.networks.transformer import Transformer, TransformerConfig

SIZES = TransformerConfig(vocabulary=12, dim=16, layers=2, heads=2, kv_heads=1, hidden=24)
TEXT = torch.randint(12, (600,), generator=torch.Generator().manual_seed(4))


def loop(*techniques: Any, steps: int = 10, model: Any = None) -> Trainer:
    """Return a trainer of a small model with some techniques."""
    made = Transformer(SIZES, seed=1) if model is None else model
    return trainer(made, Recipe(steps=steps, batch=6, length=12), Corpus(TEXT).draw, techniques)


def parameters(made: Trainer) -> list[torch.Tensor]:
    return [each.detach().clone() for each in made.model.parameters()]


def gradients(technique: Any) -> list[torch.Tensor]:
    """Return the gradients of the first batch, as a technique computes them."""
    made = loop(*([] if technique is None else [technique]))
    batch = Corpus(TEXT).draw(torch.Generator().manual_seed(0), 6, 12)
    made.backward(made, batch)
    return [each.grad for each in made.model.parameters() if each.grad is not None]


@pytest.mark.parametrize(
    "technique", [MicroBatches(3), MicroBatches(4), MicroBatches(99), BioGradient(3, weights="equal")]
)
def test_micro_batches_have_the_gradient_of_the_whole_batch(technique: Any) -> None:
    whole, parts = gradients(None), gradients(technique)
    assert len(whole) == len(parts) > 10
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-5, atol=1e-7)


def test_prefetch_changes_no_bit() -> None:
    plain, prefetch = loop(), Prefetch(3)
    ahead = loop(prefetch)
    plain.run()
    ahead.run(until=4)
    state = ahead.generator.get_state()
    ahead.run()
    prefetch.close()
    assert ahead.losses == plain.losses
    for one, other in zip(parameters(plain), parameters(ahead), strict=True):
        assert torch.equal(one, other)
    again = loop()
    again.run(until=4)
    assert torch.equal(state, again.generator.get_state()), "a checkpoint holds the state without the batches that wait"


def test_prefetch_continues_after_its_generator_was_reset() -> None:
    prefetch, corpus, generator = Prefetch(), Corpus(TEXT), torch.Generator().manual_seed(3)
    draw, begin = prefetch.around(corpus.draw), generator.get_state()
    first = [draw(generator, 2, 4)[0] for _ in range(3)]
    generator.set_state(begin)
    again = [draw(generator, 2, 4)[0] for _ in range(3)]
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))
    with pytest.raises(BrainsimError, match="length"):
        draw(generator, 2, 10_000)
    assert draw(generator, 2, 5)[0].shape == (2, 5)
    prefetch.close()
    assert not [each for each in threading.enumerate() if each.name == "prefetch"]


def test_prefetch_draws_no_more_than_its_queue_holds() -> None:
    drawn, prefetch = [], Prefetch(2)

    def counting(generator: torch.Generator, batch: int, length: int) -> Any:
        drawn.append(batch)
        return torch.rand(1, generator=generator), torch.zeros(1)

    prefetch.around(counting)(torch.Generator(), 1, 1)
    time.sleep(0.2)
    prefetch.close()
    assert len(drawn) <= 1 + 2 + 1  # one used, two in the queue, and one held by the thread


@pytest.mark.parametrize("uniform", [False, True])
def test_importance_sampling_is_unbiased(uniform: bool) -> None:
    """For each entry, the mean of 2000 draws is within 4 standard errors of the gradient."""
    source = torch.Generator().manual_seed(5)
    weight, gradient = torch.randn(40, generator=source), torch.randn(40, generator=source)
    weight[:3] = 0.0
    sampling = ImportanceSampling(0.5, uniform=uniform, seed=7)
    chance = sampling.probabilities(weight, gradient)
    draws = torch.stack([sampling.sampled(weight, gradient) for _ in range(2000)])
    error = (gradient.square() * (1 / chance - 1) / 2000).sqrt()
    z = (draws.mean(0) - gradient) / error.clamp(min=1e-6)
    assert float(z.abs().max()) < 4  # the largest of 40
    assert abs(float(z.mean())) * 40**0.5 < 3
    assert float(chance.mean()) == pytest.approx(0.5, abs=1e-3)
    assert float((draws != 0).float().mean()) == pytest.approx(0.5, abs=0.02)
    if not uniform:
        assert float(chance[gradient.abs().mul(weight.abs()).argmax()]) > float(chance[0]) > 0


def test_importance_sampling_with_fraction_1_gives_the_gradient() -> None:
    gradient = torch.tensor([1.0, -2.0, 0.0, 1e-20])
    assert torch.equal(ImportanceSampling(1.0).sampled(torch.ones(4), gradient), gradient)


def test_pruning_sends_the_largest_and_carries_the_rest() -> None:
    pruning, made = GradientPruning(0.4), loop()
    batches = [Corpus(TEXT).draw(torch.Generator().manual_seed(at), 6, 12) for at in range(3)]
    matrix = made.model.blocks[0].feed_forward.up.weight
    carried = torch.zeros_like(matrix)
    for batch in batches:
        made.optimizer.zero_grad()
        made.backward(made, batch)
        whole = carried + matrix.grad
        pruning(made, 0.0)
        carried = pruning.residuals[matrix]
        torch.testing.assert_close(carried + matrix.grad, whole, rtol=0, atol=0)
        sent = matrix.grad != 0
        assert int(sent.sum()) == round(0.4 * matrix.numel())
        assert float(whole[sent].abs().min()) >= float(whole[~sent].abs().max())
    assert GradientPruning(1.0).sent(whole).equal(whole)


def test_pruning_without_feedback_discards_the_rest() -> None:
    pruning, made = GradientPruning(0.4, feedback=False), loop()
    made.changes = (pruning,)
    made.run(until=2)
    assert not pruning.residuals


def test_theta_scales_the_rate_and_its_control_has_the_same_mean() -> None:
    rhythm, seen = Rhythm(frequency=1 / 20, dt=1.0), {}
    for constant in (False, True):
        made = loop(ThetaUpdates(rhythm, constant=constant), steps=40)
        found = []
        for _ in range(40):
            made.step()
            found.append(made.optimizer.param_groups[0]["lr"] / made.recipe.rate_at(made.done - 1))
        seen[constant] = torch.tensor(found)
    assert sorted({round(float(each), 6) for each in seen[False]}) == [0.1, 1.0]
    assert float((seen[False] > 0.5).float().mean()) == pytest.approx(rhythm.duty, abs=0.06)
    torch.testing.assert_close(seen[True], torch.full((40,), rhythm.mean_factor))


def test_bio_gradient_weighs_by_dopamine() -> None:
    bio = BioGradient(2)
    assert bio.weight(3.0) == 0.5
    bio.before = 3.0
    assert bio.weight(2.9) > 0.85
    assert bio.weight(3.1) < 0.15
    reverse = BioGradient(2, weights="reversed")
    reverse.before = 3.0
    assert reverse.weight(2.9) == pytest.approx(1 - bio.weight(2.9))


def test_bio_gradient_is_the_weighted_mean_of_the_parts() -> None:
    bio, made = BioGradient(2), loop()
    batch = Corpus(TEXT).draw(torch.Generator().manual_seed(0), 6, 12)
    halves, losses = [], []
    for part in (slice(0, 3), slice(3, 6)):
        made.optimizer.zero_grad()
        losses.append(made.backward(made, (batch[0][part], batch[1][part])))
        halves.append(made.model.embedding.weight.grad.clone())
    made.optimizer.zero_grad()
    assert bio(made, batch) == pytest.approx(sum(losses) / 2)
    weights = [0.5, 0.5 + 0.5 * float(torch.tanh(torch.tensor(10 * (losses[0] - losses[1]))))]
    wanted = (weights[0] * halves[0] + weights[1] * halves[1]) / sum(weights)
    torch.testing.assert_close(made.model.embedding.weight.grad, wanted, rtol=1e-4, atol=1e-7)


def test_hebbian_warm_up_changes_only_its_matrices_and_stays_bounded() -> None:
    model = Transformer(SIZES, seed=1)
    before = {name: each.detach().clone() for name, each in model.named_parameters()}
    hebbian = HebbianWarmup(model, phase=10)
    made = loop(hebbian, steps=100, model=model)
    for group in made.optimizer.param_groups:
        group["scale"] = 0.0  # the gradient changes nothing
    norms = []
    for _ in range(100):
        made.step()
        norms.append(max(float(each.weight.detach().norm()) for each in hebbian.matrices))
    changed = {name for name, each in model.named_parameters() if not torch.equal(each, before[name])}
    assert changed == {f"blocks.{at}.feed_forward.up.weight" for at in range(2)}
    assert max(norms) < 1.5 * norms[0]
    hebbian.remove()
    assert not model.blocks[0].feed_forward.up._forward_hooks


def test_the_rate_of_the_warm_up_follows_its_schedule() -> None:
    rates = [hebbian_rate(step) for step in (0, 500, 1000, 1500, 2000, 3000)]
    assert rates == pytest.approx([1e-5, 5.5e-5, 1e-4, 5.5e-4, 1e-3, 1e-3 * 0.9999**1000])
    assert hebbian_rate(20, phase=10) == pytest.approx(1e-3)


@pytest.mark.parametrize(
    "make",
    [
        lambda model: GradientPruning(0.4),
        lambda model: ImportanceSampling(0.5),
        lambda model: HebbianWarmup(model, phase=3),
    ],
    ids=["pruning", "sampling", "hebbian"],
)
def test_a_technique_continues_from_a_checkpoint_with_the_same_bits(make: Any, tmp_path: Path) -> None:
    tiny, text = preset("nokai_tiny"), Corpus(TEXT).draw
    recipe = Recipe(steps=5, batch=2, length=12)

    def new_trainer() -> Trainer:
        model = tiny.model(seed=1)
        return trainer(model, recipe, text, [make(model)])

    whole, half = new_trainer(), new_trainer()
    whole.run()
    half.run(until=3)
    save(tmp_path / "half.safetensors", half, tiny, ByteTokenizer())
    found = load(tmp_path / "half.safetensors")
    model = found.model()
    again = trainer(model, found.recipe, text, [make(model)])
    found.restore(again)
    again.run()
    assert again.losses == whole.losses
    assert all(torch.equal(one, other) for one, other in zip(parameters(whole), parameters(again), strict=True))


def test_techniques_combine() -> None:
    prefetch = Prefetch()
    made = loop(prefetch, MicroBatches(2), GradientPruning(0.5), ThetaUpdates(), ImportanceSampling(0.5))
    made.run()
    prefetch.close()
    assert len(made.losses) == 10
    assert made.losses[-1] < made.losses[0]


@pytest.mark.parametrize(
    "make",
    [
        lambda: loop(MicroBatches(2), BioGradient(2)),
        lambda: loop(Prefetch(), Prefetch()),
        lambda: loop(object()),
        lambda: MicroBatches(0),
        lambda: BioGradient(2**70),
        lambda: BioGradient(weights="nonsense"),  # type: ignore[arg-type]
        lambda: ImportanceSampling(0.0),
        lambda: ImportanceSampling(None),  # type: ignore[arg-type]
        lambda: GradientPruning(2.0),
        lambda: ThetaUpdates("nonsense"),  # type: ignore[arg-type]
        lambda: Prefetch(0),
        lambda: HebbianWarmup(Transformer(SIZES), "nonsense"),
        lambda: HebbianWarmup(None),  # type: ignore[arg-type]
        lambda: hebbian_rate(-1),
    ],
)
def test_invalid_arguments_are_refused(make: Any) -> None:
    with pytest.raises(BrainsimError):
        make()
