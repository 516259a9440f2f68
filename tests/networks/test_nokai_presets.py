"""The presets of the model with thalamic routing, its graph of areas, a memory for it, and generated text."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.torch

torch = pytest.importorskip("torch")

from brainsim import Assembly, Brain, BrainsimError, Simulator
from brainsim.networks.made_text import made_text
from brainsim.networks.nokai import Nokai
from brainsim.networks.nokai.brain import nokai_brain
from brainsim.networks.nokai.config import NokaiConfig
from brainsim.networks.presets import preset
from brainsim.networks.recipe import Recipe
from brainsim.networks.text import ByteTokenizer
from brainsim.networks.training import Corpus, Trainer
from brainsim.networks.training.checkpoints import load, save

MASSIVE = {
    "embedding": 102_400_000,
    "cortex": 48 * 34_996_224,
    "hippocampus": 19_922_944,
    "thalamus": 6_293_505,
    "limbic": 1_647_905,
}


@pytest.mark.parametrize(
    ("name", "total"), [("nokai_tiny", 161_104), ("nokai_small", 9_453_484), ("nokai_massive", sum(MASSIVE.values()))]
)
def test_presets_have_the_parameters_that_they_state(name: str, total: int) -> None:
    one = preset(name)
    with torch.device("meta"):  # without memory for the weights
        built = one.model()
    assert one.parts(built) == one.counts == one.config.parameters()
    assert sum(each.numel() for each in built.parameters()) == one.parameters == total
    assert one.large == (total > 1e9)


def test_the_massive_preset_has_the_described_sizes() -> None:
    assert preset("nokai_massive").counts == MASSIVE


def test_the_tiny_preset_passes_its_checks() -> None:
    tiny = preset("nokai_tiny")
    assert tiny.checks is not None
    found = list(tiny.checks(tiny.model()))
    assert [each.name for each in found] == ["cache of the k best"]
    assert all(each.right for each in found)


def test_training_that_continues_from_a_checkpoint_gives_the_same_bits(tmp_path: Path) -> None:
    tiny, text = preset("nokai_tiny"), ByteTokenizer().encode(made_text(3000))
    recipe = Recipe(steps=6, batch=2, length=32, seed=5)
    whole, stopped = (Trainer(tiny.model(seed=2), recipe, Corpus(text).draw) for _ in range(2))
    whole.run()
    stopped.run(until=3)
    save(tmp_path / "half.safetensors", stopped, tiny, ByteTokenizer())
    checkpoint = load(tmp_path / "half.safetensors")
    again = Trainer(checkpoint.model(), checkpoint.recipe, Corpus(text).draw)
    checkpoint.restore(again)
    again.run()
    for one, other in zip(whole.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_graph_has_the_parts_of_the_model_and_can_be_simulated_and_drawn() -> None:
    brain = nokai_brain(NokaiConfig.tiny())
    assert {"Tokens", "Thalamus", "Reticular", "Cortex 1", "Cortex 2", "EC", "DG", "CA3", "CA1"} < set(brain.areas)
    with Simulator(brain, seed=1, backend="reference") as sim:
        sim.present(Assembly("Tokens", range(brain.areas["Tokens"].k)))
        sim.run(brain.fibers, rounds=6)
        assert all(len(sim.assembly(name).neurons) for name in brain.areas)
    axes = brain.draw()
    shown = " ".join(text.get_text() for text in axes.texts)
    assert "Thalamus" in shown
    assert "CA3" in shown


def test_many_layers_are_grouped_into_few_areas() -> None:
    names = set(nokai_brain(NokaiConfig.massive()).areas)
    assert {"Cortex 1-12", "Cortex 13-24", "Cortex 25-36", "Cortex 37-48"} < names
    with pytest.raises(BrainsimError, match="config"):
        nokai_brain(None)  # type: ignore[arg-type]


def test_a_hippocampus_recalls_facts_that_were_stored_once_through_the_model() -> None:
    memory = pytest.importorskip("brainsim.networks.memory")
    source, model = torch.Generator().manual_seed(6), Nokai(NokaiConfig.tiny())
    facts = torch.randint(512, (12, 7), generator=source).tolist()
    unknown = torch.randint(512, (7,), generator=source).tolist()
    sizes = {"vocabulary": 512, "width": 64, "n": 3000}
    with memory.Hippocampal(memory.of_torch(model), Brain(), **sizes, seed=1, backend="reference") as hippocampus:
        hippocampus.fit([torch.randint(512, (120,), generator=source).tolist()])
        for fact in facts:
            hippocampus.store(fact, start=5)
        assert [hippocampus.recall(fact[:-1]).token for fact in facts] == [fact[-1] for fact in facts]
        answered = hippocampus(unknown)
    assert not answered.answered.any()
    with torch.no_grad():
        assert torch.equal(torch.tensor(answered.logits), model(torch.tensor([unknown]))[0])


def test_made_text_follows_from_its_seed_and_has_the_requested_length() -> None:
    text = made_text(5000, seed=3)
    assert text == made_text(5000, seed=3) != made_text(5000, seed=4)
    assert 5000 <= len(text) < 6000
    assert len(set(text)) < 60
    for wrong in (0, "nonsense", 2**70):
        with pytest.raises(BrainsimError, match="characters"):
            made_text(wrong)  # type: ignore[arg-type]
