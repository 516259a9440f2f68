"""Decoding with a cache, the choice of tokens, and operations on coordinates."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.torch

torch = pytest.importorskip("torch")

from dataclasses import replace

from brainsim.errors import DeclarationError
from brainsim.networks.generating import Decoding, GenerationError, entropy, generate
from brainsim.networks.geometric import Geometric
from brainsim.networks.geometric.coordinates import along, analysis, between, divergence, point, refine
from brainsim.networks.geometric_presets import GEOMETRIC_TINY
from brainsim.networks.transformer import Transformer

PROMPT = [5, 9, 3, 100, 42]


def random_model(**changed: object) -> Geometric:
    """Return a model with large logits, so that it is certain at some positions, and with pairs that have an effect."""
    model, generator = Geometric(replace(GEOMETRIC_TINY, **changed), seed=2), torch.Generator().manual_seed(1)
    with torch.no_grad():
        model.base.embedding.weight.mul_(20)
        for pairs in model.banks[0].pairs.values():
            pairs.writes.normal_(0.0, 0.3, generator=generator)
    return model


MODEL = random_model()


def tokens(model: torch.nn.Module = MODEL, **kwargs: object) -> list[int]:
    return [step.token for step in generate(model, PROMPT, 20, Decoding(**kwargs), seed=4)]


def test_greedy_decoding_takes_the_most_likely_token_of_the_whole_sequence() -> None:
    """The tokens are the same as from full forward passes without a cache."""
    for model in (MODEL, random_model(reads="ema", drive="context"), MODEL.base):
        text = list(PROMPT)
        for _ in range(20):
            text.append(int(model(torch.tensor([text]))[0, -1].argmax()))
        assert tokens(model, choose="greedy") == text[len(PROMPT) :]


def test_merged_weights_generate_the_same_as_the_model_at_that_point() -> None:
    theta = point(MODEL, torch.tensor(PROMPT))
    text = list(PROMPT)
    for _ in range(20):
        text.append(int(MODEL(torch.tensor([text]), theta=theta)[0, -1].argmax()))
    assert tokens(MODEL.merge(theta), choose="greedy") == text[len(PROMPT) :]


def test_the_nucleus_holds_the_fewest_tokens_that_have_the_probability() -> None:
    model = Transformer(GEOMETRIC_TINY.base)
    logits = model(torch.tensor([PROMPT]))[0, -1]
    order = logits.argsort(descending=True)
    likely = torch.softmax(logits / 0.7, -1)[order]
    kept = int((likely.cumsum(0) < 0.05).sum()) + 1
    assert 1 < kept < 100
    seen = {
        next(iter(generate(model, PROMPT, 1, Decoding("nucleus", top_p=0.05), seed=seed))).token for seed in range(200)
    }
    assert seen <= set(order[:kept].tolist())
    assert len(seen) > kept / 3
    assert tokens(model, choose="nucleus", top_p=0.0) == tokens(model, choose="greedy")


def test_adaptive_decoding_draws_where_the_model_is_uncertain() -> None:
    steps = list(generate(MODEL, PROMPT, 60, Decoding(threshold=1.0), seed=1))
    assert {each.drawn for each in steps} == {True, False}
    assert all(each.drawn == (each.uncertainty > 1.0) for each in steps)
    assert tokens(threshold=1e9) == tokens(choose="greedy")
    assert tokens(threshold=-1.0) == tokens(choose="nucleus")


def test_the_literal_uncertainty_is_the_variance_of_the_movement_of_a_coordinate() -> None:
    steps = list(generate(MODEL, PROMPT, 10, Decoding(uncertainty="coordinate")))
    theta = MODEL.coordinates(torch.tensor([PROMPT + [each.token for each in steps]]))[0].detach()
    mean = theta[0]
    for at in range(1, len(PROMPT) + 9):
        mean = 0.95 * mean + 0.05 * theta[at]
        if at >= len(PROMPT) - 1:
            wanted = float((theta[at] - mean).var(correction=0))
            assert steps[at - len(PROMPT) + 1].uncertainty == pytest.approx(wanted, rel=1e-3)


def test_the_same_seed_draws_the_same_text() -> None:
    first, second = ([step.token for step in generate(MODEL, PROMPT, 20, Decoding("nucleus"), seed=s)] for s in (1, 2))
    assert first == [step.token for step in generate(MODEL, PROMPT, 20, Decoding("nucleus"), seed=1)]
    assert first != second


def test_tokens_that_a_tokenizer_does_not_have_are_never_generated() -> None:
    for choose in ("greedy", "nucleus"):
        seen = {step.token for step in generate(MODEL, PROMPT, 40, Decoding(choose), vocabulary=110)}
        assert max(seen) < 110
    with pytest.raises(DeclarationError, match="vocabulary: must be an integer between 1 and 512"):
        generate(MODEL, PROMPT, 5, vocabulary=513)


def test_entropy_is_in_nats() -> None:
    assert entropy(torch.zeros(8)) == pytest.approx(2.0794, abs=1e-4)
    assert entropy(torch.tensor([100.0, 0.0])) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("prompt", "length", "message"),
    [
        ([], 5, "the prompt is empty"),
        ([1] * 500, 13, "a prompt of 500 tokens and 13 more are 513, beyond the 512 of the model; shorten"),
        ([512], 5, "holds token 512, beyond the vocabulary of 512"),
    ],
)
def test_prompts_that_cannot_be_continued_are_refused(prompt: list[int], length: int, message: str) -> None:
    with pytest.raises(GenerationError, match=message):
        generate(MODEL, prompt, length)


def test_a_model_without_coordinates_refuses_uncertainty_by_coordinate() -> None:
    with pytest.raises(GenerationError, match="the model has no coordinates; take uncertainty='entropy'"):
        tokens(MODEL.base, uncertainty="coordinate")


@pytest.mark.parametrize(
    ("changed", "message"),
    [({"top_p": 1.5}, "top_p"), ({"choose": "best"}, "choose"), ({"temperature": 0.0}, "temperature")],
)
def test_invalid_decodings_are_refused(changed: dict[str, object], message: str) -> None:
    with pytest.raises(DeclarationError, match=f"Decoding.{message}: must be"):
        Decoding(**changed)


def test_refinement_lowers_the_loss_of_the_prompt_and_changes_no_weight() -> None:
    text, before = torch.tensor(PROMPT * 4), {name: each.clone() for name, each in MODEL.state_dict().items()}
    theta, losses = refine(MODEL, text, steps=3, rate=0.05, pull=0.0)
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0]
    assert not torch.equal(theta, point(MODEL, text))
    assert all(torch.equal(each, before[name]) for name, each in MODEL.state_dict().items())
    pulled, _ = refine(MODEL, text, steps=3, rate=0.05, pull=9.0)
    assert (pulled - point(MODEL, text)).norm() < (theta - point(MODEL, text)).norm()


def test_points_between_two_coordinates_lie_on_the_sphere() -> None:
    first, second = point(MODEL, torch.tensor(PROMPT)), point(MODEL, torch.tensor([*PROMPT[::-1], 7, 8]))
    for share in (0.0, 0.3, 1.0):
        assert float(between(first, second, share).norm()) == pytest.approx(8.0, rel=1e-5)
    torch.testing.assert_close(between(first, second, 0.0), first)
    torch.testing.assert_close(between(first, second, 1.0), second)
    torch.testing.assert_close(between(first, first, 0.5), first)
    with pytest.raises(DeclarationError, match="not opposite to the first"):
        between(first, -first, 0.5)


def test_behaviour_between_two_points_begins_and_ends_at_them() -> None:
    texts = [torch.tensor(PROMPT * 3), torch.tensor(PROMPT[::-1] * 3)]
    first, second = (point(MODEL, each) for each in texts)
    found = along(MODEL, first, second, texts, points=4)
    assert found.shares == (0.0, pytest.approx(1 / 3), pytest.approx(2 / 3), 1.0)
    assert [found.from_first[0], found.from_second[-1]] == pytest.approx([0, 0], abs=1e-6)
    assert found.from_first[-1] == pytest.approx(found.from_second[0])
    assert found.from_first[-1] > 0
    assert len(found.steps) == 3
    assert len(found.losses[0]) == 2
    apart = torch.log(torch.eye(2).clamp(min=1e-30))
    assert divergence(apart, apart.flip(0)) == pytest.approx(0.6931, abs=1e-4)


def test_an_analysis_gives_the_share_of_a_coordinate_that_acts() -> None:
    found = analysis(MODEL, torch.tensor(PROMPT))
    assert found["norm"] == pytest.approx(8.0, rel=1e-5)
    assert len(found["moves"]) == 4
    assert 0 < found["share_that_acts"] < 0.6  # 8 directions of 64
    assert len(found["phases"]) == 8
