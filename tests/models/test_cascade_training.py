"""What PyTorch adds to a cascade: attention and feed-forward layers that learn the next word."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brainsim.errors import DeclarationError, DumpError
from brainsim.models.cascade import Cascade, CascadeModel, Vocabulary, begin_training, resume_training
from brainsim.networks import needs

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

from brainsim.models.cascade.network import CascadeNetwork
from brainsim.networks.recipe import Recipe

WORDS = tuple(f"{first}{second}" for first in "abcdefgh" for second in "uvwxyz")  # 48
SMALL = Cascade(neighbours=6, layers=4, attention_every=2, heads=2, head_dim=4, hidden=8, window=16)
RECIPE = Recipe(steps=6, batch=3, length=8, rate=3e-3)
CPU = {"backend": "cpu", "threads": 1}


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def small_model(cascade: Cascade = SMALL) -> CascadeModel:
    vectors = np.random.default_rng(0).standard_normal((len(WORDS), 8)) + 0.5
    model = CascadeModel(cascade, Vocabulary(WORDS), vectors, **CPU)
    model.edges.replace(np.random.default_rng(1).uniform(0.1, 0.9, model.edges.weights.shape))
    return model


def some_texts() -> list[str]:
    """Return texts in which each word is followed by one of two possible words."""
    rng = np.random.default_rng(2)
    texts = []
    for _ in range(20):
        nodes = [int(rng.integers(48))]
        for _ in range(19):
            nodes.append((nodes[-1] * 5 + int(rng.integers(2))) % 48)
        texts.append(" ".join(WORDS[node] for node in nodes))
    return texts


def random_network(model: CascadeModel) -> CascadeNetwork:
    """Return trained layers whose output matrices are not 0."""
    network = CascadeNetwork(model.cascade, model.core.vectors, model.core.maps)
    torch.manual_seed(0)
    with torch.no_grad():
        for each in network.parameters():
            if not each.any():
                each.normal_(0, 0.3)
    return network


def separate_nodes(model: CascadeModel, count: int) -> list[int]:
    """Return nodes of which no two are neighbours."""
    chosen: list[int] = []
    for node in range(len(WORDS)):
        if len(chosen) < count and not set(model.edges.row(node)[0].tolist()) & set(chosen):
            chosen.append(node)
    return chosen[::-1]


def test_the_parameters_of_the_layers_are_those_that_are_counted() -> None:
    model = small_model()
    network, counts = random_network(model), model.cascade.counts()
    assert sum(each.numel() for each in network.attention.parameters()) == counts["attention"]
    assert sum(each.numel() for each in network.feed_forward.parameters()) == counts["feed-forward"]
    assert sum(each.numel() for each in network.parameters()) == counts["attention"] + counts["feed-forward"]
    assert model.edges.weights.size == counts["emotional weights"]
    assert model.core.vectors.size == counts["vectors"]


def test_layers_that_were_never_trained_change_nothing() -> None:
    model = small_model()
    before = model.context("au bv cw")
    model.core.network = CascadeNetwork(model.cascade, model.core.vectors, model.core.maps)
    np.testing.assert_allclose(model.context("au bv cw"), before, atol=1e-6)


@pytest.mark.parametrize("change", [{}, {"anchor": 0.2}, {"norm": "sum"}, {"keep": 1.0}])
def test_training_and_the_scheduler_compute_the_same_states(change: dict[str, Any]) -> None:
    """No two words are neighbours: in the scheduler, an active neighbour would move, too."""
    model = small_model(replace(SMALL, **change))
    nodes = separate_nodes(model, 5)
    model.core.network = network = random_network(model)
    with torch.no_grad():
        states = network.states(torch.tensor([nodes]))[0].numpy()
        logits = network(torch.tensor([nodes]))[0, -1].softmax(-1).numpy()
    np.testing.assert_allclose(model.core.states(np.array(nodes)), states, atol=2e-5)
    found = dict(model.next_words(" ".join(WORDS[node] for node in nodes), len(WORDS)))
    np.testing.assert_allclose([found[word] for word in WORDS], logits, atol=2e-4)
    assert np.abs(states - model.core.vectors[nodes]).max() > 0.05


def test_no_word_depends_on_those_after_it() -> None:
    model = small_model()
    network = random_network(model)
    first, second = torch.tensor([[1, 2, 3, 4, 5, 6]]), torch.tensor([[1, 2, 3, 4, 40, 41]])
    with torch.no_grad():
        a, b = network(first), network(second)
    assert torch.equal(a[:, :4], b[:, :4])
    assert not torch.allclose(a[:, 4:], b[:, 4:], atol=1e-3)


def test_training_lowers_the_loss_of_held_out_text() -> None:
    model = small_model()
    training = begin_training(model, some_texts(), replace(RECIPE, steps=60, rate=1e-2), held_out=0.2)
    training.run()
    report = training.report()
    assert report.steps == 60
    assert report.tokens == 60 * 3 * 8
    assert report.loss_after < report.loss_before - 0.2
    assert report.seconds > 0
    assert report.memory_mb > 0
    assert model.core.network is training.network


def test_the_gradient_trains_the_layers_and_the_local_rule_the_weights() -> None:
    for local in (True, False):
        model = small_model()
        vectors, weights = model.core.vectors.copy(), model.edges.weights.copy()
        training = begin_training(model, some_texts(), RECIPE, local=local)
        before = {name: each.clone() for name, each in training.network.named_parameters()}
        training.run()
        moved = [not torch.equal(before[name], each) for name, each in training.network.named_parameters()]
        assert all(moved)
        assert np.array_equal(model.core.vectors, vectors)
        assert np.array_equal(model.sim.vectors(model.core.words), vectors)
        assert np.array_equal(model.edges.weights, weights) == (not local)


@pytest.mark.parametrize("steps", [0, 3])
def test_a_resumed_training_gives_the_same_bits(tmp_path: Path, steps: int) -> None:
    whole = begin_training(small_model(), some_texts(), RECIPE)
    whole.run()
    stopped = begin_training(small_model(), some_texts(), RECIPE)
    stopped.run(until=steps)
    stopped.save(tmp_path / "training.h5")
    resumed = resume_training(tmp_path / "training.h5", some_texts(), **CPU)
    assert resumed.trainer.done == steps
    resumed.run()
    ours, theirs = whole.network.state_dict(), resumed.network.state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())
    assert np.array_equal(whole.model.edges.weights, resumed.model.edges.weights)
    assert whole.trainer.losses == resumed.trainer.losses
    assert whole.report().loss_after == resumed.report().loss_after
    assert whole.loss_before == resumed.loss_before


def test_a_training_is_resumed_with_its_own_texts_only(tmp_path: Path) -> None:
    training = begin_training(small_model(), some_texts(), RECIPE)
    training.save(tmp_path / "training.h5")
    with pytest.raises(DumpError, match="on other texts"):
        resume_training(tmp_path / "training.h5", some_texts()[:-1], **CPU)
    training.model.save(tmp_path / "model.h5")
    with pytest.raises(DumpError, match="holds a model without a training"):
        resume_training(tmp_path / "model.h5", some_texts(), **CPU)


@pytest.mark.parametrize("path", ["", "missing.h5", "a\0b", None, 3])
def test_invalid_paths_are_refused(path: Any) -> None:
    with pytest.raises((DeclarationError, DumpError)):
        resume_training(path, some_texts())


def test_a_trained_model_is_saved_with_its_layers(tmp_path: Path) -> None:
    model = small_model()
    begin_training(model, some_texts(), RECIPE).run()
    model.save(tmp_path / "model.h5")
    read = CascadeModel.load(tmp_path / "model.h5", **CPU)
    assert np.array_equal(read.context("au bv cw"), model.context("au bv cw"))


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"everywhere": True}, {}, "everywhere: must be False"),
        ({"window": 4}, {}, r"recipe\.length: must be at most window = 4"),
        ({}, {"held_out": 0.9}, r"begin_training\.held_out"),
        ({}, {"local": 1}, r"begin_training\.local"),
        ({}, {"recipe": "fast"}, r"begin_training\.recipe: must be a Recipe"),
        ({}, {"texts": ["au av"]}, "texts with at least 18 words"),
    ],
)
def test_invalid_trainings_are_refused(change: Any, options: Any, message: str) -> None:
    given = {"texts": some_texts(), "recipe": RECIPE, **options}
    with pytest.raises(DeclarationError, match=message):
        begin_training(small_model(replace(SMALL, **change)), **given)


def test_without_pytorch_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "find_spec", lambda name: None if name == "torch" else object())
    with pytest.raises(needs.TorchMissingError, match=r"pip install 'brainsim\[torch\]'"):
        begin_training(small_model(), some_texts())
