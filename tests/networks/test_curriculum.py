"""The phases of the curriculum, and its losses at points of known value."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

pytestmark = pytest.mark.torch

torch = pytest.importorskip("torch")

from brainsim.errors import DeclarationError
from brainsim.networks.geometric import Geometric
from brainsim.networks.geometric.curriculum import (
    PHASES,
    Curriculum,
    contrastive,
    interference,
    movement,
    phase_at,
    scatter,
    sparsity,
)
from brainsim.networks.geometric.minimal_pairs import made, read_pairs
from brainsim.networks.geometric_presets import GEOMETRIC_TINY
from brainsim.networks.recipe import Recipe
from brainsim.networks.text import ByteTokenizer, TextError
from brainsim.networks.training import Corpus, Trainer

LABELS = torch.tensor([0, 0, 1, 1])


def test_the_phases_end_at_a_fifth_and_at_three_fifths() -> None:
    assert [phase_at(step / 100) for step in (0, 19, 20, 59, 60, 100)] == [name for name in PHASES for _ in range(2)]


def test_the_contrastive_loss_is_lowest_for_equal_vectors_of_one_label() -> None:
    apart = torch.eye(2).repeat_interleave(2, 0)
    best, mixed = contrastive(apart, LABELS), contrastive(apart, LABELS[[0, 2, 1, 3]])
    assert float(best) == pytest.approx(math.log(1 + 2 * math.exp(-10)), abs=1e-6)
    assert float(mixed) == pytest.approx(10 + math.log(1 + 2 * math.exp(-10)), rel=1e-3)
    assert float(contrastive(5 * apart, LABELS)) == pytest.approx(float(best)), "the loss depends on directions alone"
    assert float(contrastive(apart, torch.arange(4))) == 0.0


def test_opposite_points_are_no_optimum_of_the_contrastive_loss() -> None:
    """The loss as printed, minus the distance within pairs, has its optimum there for any two sentences."""
    opposite = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    assert float(contrastive(opposite, LABELS)) > 10


def test_sparsity_movement_and_scatter_follow_their_formulas() -> None:
    assert float(sparsity(torch.ones(3, 16))) == pytest.approx(1.0)
    assert float(sparsity(torch.eye(16))) == pytest.approx(0.25)
    theta = torch.tensor([[[0.0, 0.0], [2.0, 0.0], [2.0, 4.0]]])
    assert float(movement(theta)) == pytest.approx((4 + 16) / 4)
    assert float(scatter(theta)) == pytest.approx((8 / 9 + 32 / 9) / 2)


def test_interference_is_zero_for_equal_halves_and_unmodulated_weights() -> None:
    model = Geometric(GEOMETRIC_TINY)
    text = torch.randint(512, (2, 8), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert float(interference(model, text, text)) == pytest.approx(0.0, abs=1e-6)
        assert float(interference(model, text, text.flip(1))) == pytest.approx(0.0, abs=1e-6), "means have no order"
        assert float(interference(model, text, text.roll(1, 0))) > 0.01


def test_each_phase_trains_and_the_first_aligns_pairs_of_one_kind() -> None:
    model, pairs = Geometric(GEOMETRIC_TINY), made()
    curriculum = Curriculum(ByteTokenizer(), pairs[::5] + pairs[1::5])
    recipe = Recipe(steps=10, batch=4, length=32, rate=0.01)
    trainer = Trainer(model, recipe, Corpus(list(range(200)) * 2).draw, backward=curriculum)
    before = contrastive(curriculum.moves(model, range(100, 220))[0], curriculum._kinds[100:220])
    trainer.run(2)
    after = contrastive(curriculum.moves(model, range(100, 220))[0], curriculum._kinds[100:220])
    assert float(after.detach()) < float(before.detach())
    trainer.run()
    assert trainer.losses[-1] < trainer.losses[0]


def test_pairs_differ_in_one_respect_and_come_from_files_too(tmp_path: Path) -> None:
    pairs = made()
    assert len(set(pairs)) == len(pairs) == 800
    assert {each.kind for each in pairs} == {"number", "tense", "polarity", "person", "formality"}
    (tmp_path / "pairs.tsv").write_text("a\tone\ttwo\na\tsix\tten\nb\tthe cat\tthe cats\nb\tdog\tdogs\n")
    assert [each.kind for each in read_pairs(tmp_path / "pairs.tsv")] == ["a", "a", "b", "b"]


@pytest.mark.parametrize(
    ("text", "message"), [("a\tone\n", "line 1 must have kind"), ("a\tb\tc\na\td\te\n", "must have two kinds")]
)
def test_invalid_files_of_pairs_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "pairs.tsv").write_text(text)
    with pytest.raises(TextError, match=message):
        read_pairs(tmp_path / "pairs.tsv")


def test_pairs_of_one_kind_are_refused() -> None:
    with pytest.raises(DeclarationError, match="pairs: must be pairs of two kinds"):
        Curriculum(ByteTokenizer(), made()[::5])
