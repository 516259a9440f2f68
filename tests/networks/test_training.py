"""Training: runs are the same bit for bit, also across a checkpoint, and invalid checkpoints are refused."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

pytestmark = pytest.mark.torch

torch = pytest.importorskip("torch")

from safetensors import safe_open
from safetensors.torch import save_file

from brainsim.errors import DeclarationError, UnwrittenError
from brainsim.networks.geometric import Geometric
from brainsim.networks.presets import preset
from brainsim.networks.recipe import Recipe
from brainsim.networks.text import ByteTokenizer
from brainsim.networks.training import Corpus, Trainer, TrainingError, decaying, evaluate
from brainsim.networks.training.checkpoints import CheckpointError, load, save
from brainsim.networks.transformer import Transformer, TransformerConfig
from recorded import files_at_most

TINY = preset("geometric_tiny")
TEXT = "the cat sat on the mat, and the dog sat on the log; the cat saw the dog, the dog saw the cat.\n" * 20
RECIPE = Recipe(steps=8, batch=2, length=16, seed=3)


def trainer(recipe: Recipe = RECIPE, model: torch.nn.Module | None = None) -> Trainer:
    return Trainer(model or Geometric(TINY.config, seed=1), recipe, Corpus(ByteTokenizer().encode(TEXT)).draw)


def state(trained: Trainer) -> dict[str, torch.Tensor]:
    return {name: each.clone() for name, each in trained.model.state_dict().items()}


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(each, second[name]) for name, each in first.items())


def test_the_rate_rises_linearly_and_falls_along_a_cosine() -> None:
    recipe = Recipe(steps=110, rate=2.0, warmup=10 / 110, final=0.1)
    assert [recipe.rate_at(step) for step in (0, 4, 9)] == [0.2, 1.0, 2.0]
    assert recipe.rate_at(59) == pytest.approx(2.0 * (0.1 + 0.9 * (1 + math.cos(math.pi / 2)) / 2))
    assert recipe.rate_at(109) == pytest.approx(0.2)


def test_thirty_steps_lower_the_loss_on_two_kilobytes() -> None:
    trained = trainer(Recipe(steps=30, batch=4, length=32))
    trained.run()
    assert trained.losses[-1] < 0.6 * trained.losses[0]
    assert evaluate(trained.model, ByteTokenizer().encode(TEXT), 32) < 0.6 * math.log(256)


def test_the_same_run_gives_the_same_bits_and_another_seed_others() -> None:
    first, second, other = trainer(), trainer(), trainer(Recipe(**{**vars(RECIPE), "seed": 4}))
    for each in (first, second, other):
        each.run()
    assert first.losses == second.losses
    assert same(state(first), state(second))
    assert first.losses != other.losses


@pytest.mark.parametrize("stopped", [0, 3])
def test_a_run_from_a_checkpoint_ends_with_the_bits_of_the_whole_run(tmp_path: Path, stopped: int) -> None:
    whole, part = trainer(), trainer()
    whole.run()
    part.run(stopped)
    save(tmp_path / "net.safetensors", part, TINY, ByteTokenizer(), "a text")
    found = load(tmp_path / "net.safetensors", "geometric_tiny")
    assert (found.done, found.recipe, found.config, found.text) == (stopped, RECIPE, TINY.config, "a text")
    again = trainer(found.recipe, found.model())
    found.restore(again)
    again.run()
    assert again.losses == whole.losses
    assert same(state(again), state(whole))


def test_a_run_can_be_stopped_after_any_step() -> None:
    trained, asked = trainer(), []
    trained.run(stop=lambda: asked.append(1) or len(asked) == 3)  # type: ignore[func-returns-value]
    assert trained.done == 3


def test_changes_come_between_gradient_and_update_and_are_saved(tmp_path: Path) -> None:
    class Halving:
        seen = torch.zeros(())

        def __call__(self, trainer: Trainer, loss: float) -> None:
            self.seen = self.seen + loss
            for each in trainer.model.parameters():
                each.grad = torch.zeros_like(each)

        def state_dict(self) -> dict[str, torch.Tensor]:
            return {"seen": self.seen}

        def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
            self.seen = state["seen"]

    recipe, change = Recipe(steps=4, batch=2, length=16, decay=0.0), Halving()
    corpus = Corpus(ByteTokenizer().encode(TEXT))
    trained = Trainer(Geometric(TINY.config), recipe, corpus.draw, changes=[change])
    before = state(trained)
    trained.run(2)
    assert same(before, state(trained))
    save(tmp_path / "net.safetensors", trained, TINY, ByteTokenizer())
    found, other = load(tmp_path / "net.safetensors"), Halving()
    found.restore(Trainer(found.model(), recipe, corpus.draw, changes=[other]))
    assert torch.equal(other.seen, change.seen)


def test_matrices_decay_and_vectors_do_not() -> None:
    model = Transformer(TransformerConfig(8, dim=8, layers=1, heads=1, kv_heads=1, hidden=8))
    matrices, vectors = decaying(model, RECIPE)
    assert matrices["weight_decay"] == 0.1
    assert {each.ndim for each in matrices["params"]} == {2}
    assert vectors["weight_decay"] == 0.0
    assert len(vectors["params"]) == 3


def test_all_of_a_text_is_evaluated() -> None:
    """A model that gives every token the same probability has the loss log V, on a text of any length."""
    model = Transformer(TransformerConfig(8, dim=8, layers=1, heads=1, kv_heads=1, hidden=8))
    with torch.no_grad():
        model.embedding.weight.zero_()
    for length in (2, 9, 33, 40):
        assert evaluate(model, [1] * length, 8) == pytest.approx(math.log(8), rel=1e-6)


def test_a_loss_that_is_not_finite_ends_the_training() -> None:
    broken = trainer()
    with torch.no_grad():
        broken.model.base.norm.weight.fill_(math.inf)
    with pytest.raises(TrainingError, match="the loss is nan at step 0; lower the rate"):
        broken.step()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"steps": 0}, "steps: must be an integer of at least 1"),
        ({"rate": -1.0}, "rate: must be a number between 0"),
        ({"rate": "fast"}, "rate: must be a number"),
        ({"precision": "int8"}, "precision: must be 'auto', 'float32' or 'bfloat16'"),
        ({"betas": (0.9, 1.0)}, "betas: must be a number between"),
    ],
)
def test_invalid_recipes_are_refused(changed: dict[str, object], message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        Recipe(**{**vars(RECIPE), **changed})


def test_a_text_shorter_than_a_sequence_is_refused() -> None:
    with pytest.raises(DeclarationError, match="length: must be below the 10 tokens"):
        Corpus(range(10)).draw(torch.Generator(), 2, 10)
    with pytest.raises(DeclarationError, match="tokens: must be one dimension"):
        Corpus([1])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path, trained = tmp_path_factory.mktemp("written") / "net.safetensors", trainer()
    trained.run(2)
    save(path, trained, TINY, ByteTokenizer())
    return path


def forged(written: Path, path: Path, header: dict[str, object], **tensors: torch.Tensor | None) -> Path:
    """Copy a checkpoint with some of its header and its tensors changed; return the path of the copy."""
    with safe_open(written, "pt") as file:
        content = {**json.loads(file.metadata()["brainsim"]), **header}
        held = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    held = {name: each for name, each in {**held, **tensors}.items() if each is not None}
    save_file(held, path, metadata={"brainsim": json.dumps(content)})
    return path


SIZES = {
    "too many layers": {"layers": 2**61},
    "a wide layer": {"dim": 2**40, "head_dim": 16},
    "a width that overflows": {"dim": 2**61, "hidden": 2**61, "head_dim": 16},
    "a small vocabulary": {"vocabulary": 100},
}


@pytest.mark.parametrize("changed", SIZES.values(), ids=SIZES)
def test_sizes_that_do_not_fit_the_weights_are_refused_at_once(
    written: Path, tmp_path: Path, changed: dict[str, int]
) -> None:
    with safe_open(written, "pt") as file:
        config = json.loads(file.metadata()["brainsim"])["config"]
    config["base"].update(changed)
    with pytest.raises(CheckpointError, match="net"):
        load(forged(written, tmp_path / "net.safetensors", {"config": config}))


HEADERS = {
    "an unknown preset": ({"preset": "huge"}, "its preset cannot be used: unknown preset 'huge'"),
    "a preset that is no name": ({"preset": []}, "its preset cannot be used"),
    "no sizes": ({"config": None}, "its sizes cannot be used"),
    "sizes of another kind": ({"config": {"width": 5}}, "its sizes cannot be used"),
    "a recipe out of range": ({"recipe": {"steps": -1}}, "its recipe cannot be used"),
    "another tokenizer": ({"tokenizer": {"kind": "char", "alphabet": "".join(map(chr, range(32, 700)))}}, "fewer than"),
    "no tokenizer": ({"tokenizer": "bytes"}, "its tokenizer cannot be used"),
    "more steps than there are": ({"done": 10**30}, "steps done of 8"),
    "steps that are no number": ({"done": True}, "steps done of 8"),
    "nothing but brackets": ({"preset": json.loads("[" * 900 + "]" * 900)}, "its preset cannot be used"),
    "another format": ({"format": "brainsim network 9"}, "is no checkpoint of brainsim"),
}


@pytest.mark.parametrize(("header", "message"), HEADERS.values(), ids=HEADERS)
def test_invalid_headers_are_refused(written: Path, tmp_path: Path, header: dict[str, object], message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        load(forged(written, tmp_path / "net.safetensors", header))


NORM = "model/base.norm.weight"
WEIGHTS = {
    "a weight is missing": ({NORM: None}, "its weights are not those of 'geometric_tiny': model/base.norm.weight"),
    "another weight": ({"model/other": torch.ones(3)}, "its weights are not those"),
    "another shape": ({NORM: torch.ones(3)}, r"has the shape \[3\], where \[64\] belongs"),
    "not a number": ({NORM: torch.full((64,), math.nan)}, "not finite"),
    "another type": ({NORM: torch.ones(64, dtype=torch.int32)}, "torch.int32"),
    "no moments": ({"adamw/exp_avg/base.norm.weight": None}, "exp_avg/base.norm.weight"),
    "a generator cut short": ({"generator": torch.zeros(5, dtype=torch.uint8)}, "generator has the shape"),
    "a generator of nothing": ({"generator": torch.zeros(5056, dtype=torch.uint8)}, "generator"),
    "losses of another run": ({"losses": torch.zeros(7, dtype=torch.float64)}, "losses has the shape"),
}


@pytest.mark.parametrize(("tensors", "message"), WEIGHTS.values(), ids=WEIGHTS)
def test_weights_that_are_not_those_of_the_network_are_refused(
    written: Path, tmp_path: Path, tensors: dict[str, torch.Tensor | None], message: str
) -> None:
    with pytest.raises(CheckpointError, match=message):
        found = load(forged(written, tmp_path / "net.safetensors", {}, **tensors))
        found.restore(trainer(found.recipe, found.model()))


def test_more_steps_than_there_is_memory_for_are_refused(written: Path, tmp_path: Path) -> None:
    recipe = {**vars(RECIPE), "steps": 2**50}
    found = load(forged(written, tmp_path / "net.safetensors", {"done": 2**50, "recipe": recipe}))
    with pytest.raises(CheckpointError, match="losses has the shape"):
        found.restore(trainer(found.recipe, found.model()))


@pytest.mark.parametrize("length", [0, 4, 100, 5000, -1])
def test_a_file_that_is_cut_short_is_refused(written: Path, tmp_path: Path, length: int) -> None:
    (tmp_path / "net.safetensors").write_bytes(written.read_bytes()[:length])
    with pytest.raises(CheckpointError, match="no checkpoint, or is damaged or cut short"):
        load(tmp_path / "net.safetensors")


def test_a_pickle_is_not_opened(tmp_path: Path) -> None:
    torch.save({"model": torch.ones(3)}, tmp_path / "net.pt")
    with pytest.raises(CheckpointError, match="no checkpoint"):
        load(tmp_path / "net.pt")


@pytest.mark.parametrize("path", ["absent.safetensors", ".", "a\0b"])
def test_a_path_that_cannot_be_read_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(CheckpointError):
        load(tmp_path / path)


def test_a_checkpoint_of_another_preset_is_refused(written: Path) -> None:
    with pytest.raises(CheckpointError, match="is a checkpoint of preset 'geometric_tiny', not 'geometric_10m'"):
        load(written, "geometric_10m")


def test_a_full_disk_is_an_error_and_leaves_the_old_checkpoint(written: Path, tmp_path: Path) -> None:
    path, before = tmp_path / "net.safetensors", written.read_bytes()
    path.write_bytes(before)
    with files_at_most(10_000), pytest.raises(UnwrittenError, match=r"net\.safetensors: cannot be written"):
        save(path, trainer(), TINY, ByteTokenizer())
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["net.safetensors"]
    save(path, trainer(), TINY, ByteTokenizer())
    assert path.read_bytes() != before


def test_a_folder_cannot_be_written_as_a_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(UnwrittenError, match="cannot be written"):
        save(tmp_path, trainer(), TINY, ByteTokenizer())
    assert not list(tmp_path.iterdir())
