"""``brainsim lm train``: trains a language model on the user's text, or goes on from a checkpoint."""

from __future__ import annotations

import hashlib
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from brainsim.errors import DeclarationError
from brainsim.networks.needs import require_torch

if TYPE_CHECKING:
    from brainsim.networks.presets import Preset
    from brainsim.networks.recipe import Recipe
    from brainsim.networks.text import Tokenizer
    from brainsim.networks.training import Trainer
    from brainsim.networks.training.checkpoints import Checkpoint
    from brainsim.networks.training.distributed import Group


@click.command()
@click.argument("text", type=click.Path(path_type=Path))
@click.option("--preset", help="Sizes of the network; geometric_tiny by default.")
@click.option(
    "--checkpoint", type=click.Path(path_type=Path), help="With --resume: another file than --out to begin with."
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The file that holds the network.")
@click.option("--resume", is_flag=True, help="Go on with the network in --out, with its settings.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
@click.option("--steps", type=click.IntRange(1), default=500, show_default=True, help="Updates of the weights.")
@click.option("--batch", type=click.IntRange(1), default=8, show_default=True, help="Sequences in a batch.")
@click.option("--length", type=click.IntRange(1), default=128, show_default=True, help="Tokens in a sequence.")
@click.option("--rate", type=float, default=3e-3, show_default=True, help="Highest learning rate.")
@click.option("--seed", type=click.IntRange(0, 2**62), default=0, show_default=True, help="Of weights and batches.")
@click.option("--precision", default="auto", show_default=True, help="auto, float32 or bfloat16.")
@click.option("--tokenizer", "kind", default="bpe", show_default=True, help="byte, char or bpe, learned from TEXT.")
@click.option(
    "--held-out", type=click.FloatRange(0, 0.9), default=0.05, show_default=True, help="Last part, for a test."
)
@click.option("--every", type=click.IntRange(1), default=100, show_default=True, help="Steps from file to file.")
@click.option("--curriculum", is_flag=True, help="Train the coordinates in three phases, on minimal pairs.")
@click.option("--pairs", type=click.Path(path_type=Path), help="Minimal pairs of your own: kind, first, second; tabs.")
@click.option("--checkpointing", is_flag=True, help="Compute activations twice, to save memory.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--threads", type=click.IntRange(1), help="CPU threads; PyTorch chooses by default.")
def train(text: Path, out: Path, checkpoint: Path | None, resume: bool, overwrite: bool, **options: Any) -> None:
    """Train a network on TEXT, a file of plain text in UTF-8.

    The file --out is written every 100 steps and at the end, whole or not at all.  Ctrl-C ends after the present step,
    and --resume goes on to the bits that an uninterrupted run has.  Several processes train one network with
    torchrun --nproc_per_node N -m brainsim lm train …

    \b
    Examples:
      brainsim lm train book.txt --out book.safetensors --steps 2000
      brainsim lm train book.txt --out book.safetensors --resume
    """  # noqa: D301 - click takes the character, not an escape
    require_torch()
    import torch

    from brainsim.networks.text import read_text
    from brainsim.networks.training.distributed import joined

    if out.exists() and not (resume or overwrite):
        raise click.UsageError(f"{out} is there; go on with --resume, or replace it with --overwrite")
    if checkpoint is not None and not resume:
        raise click.UsageError("--checkpoint goes with --resume")
    if options["threads"]:
        torch.set_num_threads(options["threads"])
    content = read_text(text)
    with joined(options["device"]) as group:
        start = _resumed(checkpoint or out, options, content) if resume else _begun(options, content)
        _train(group, start, content, out, options)


class _Start(NamedTuple):
    """What training begins with; a checkpoint if it goes on with one."""

    preset: Preset
    tokenizer: Tokenizer
    recipe: Recipe
    found: Checkpoint | None = None


def _begun(options: dict[str, Any], content: str) -> _Start:
    from brainsim.networks.presets import preset
    from brainsim.networks.recipe import Recipe

    chosen = preset(options["preset"] or "geometric_tiny")
    if chosen.large:
        raise click.UsageError(f"{chosen.name} has {chosen.parameters:_} parameters and is only counted; take another")
    tokenizer = tokenizer_for(options["kind"], content, chosen.config.vocabulary)
    names = ("steps", "batch", "length", "rate", "seed", "precision")
    recipe = Recipe(**{name: options[name] for name in names})
    if recipe.length > chosen.config.context:
        allowed = f"at most {chosen.config.context}, the context of {chosen.name}"
        raise DeclarationError(where="--length", value=recipe.length, allowed=allowed)
    return _Start(chosen, tokenizer, recipe)


def _resumed(path: Path, options: dict[str, Any], content: str) -> _Start:
    from brainsim.networks.training.checkpoints import CheckpointError, load

    found = load(path, options["preset"])
    if found.text != _digest(content, options):
        same = "the same text, --held-out, --curriculum and --pairs"
        raise CheckpointError(f"{path}: was trained on another text or in another way; resume with {same}")
    return _Start(found.preset, found.tokenizer, found.recipe, found)


def _digest(content: str, options: dict[str, Any]) -> str:
    """Return what identifies the training: the text, and how it is used."""
    pairs = options["pairs"].read_text() if options["pairs"] and options["pairs"].is_file() else ""
    how = f"{options['held_out']} {options['curriculum']} {pairs}"
    return hashlib.blake2b(f"{how}\n{content}".encode(), digest_size=16).hexdigest()


def tokenizer_for(kind: str, content: str, vocabulary: int) -> Tokenizer:
    """Return a tokenizer of a kind for a text, whose tokens fit into a vocabulary.

    Raises
    ------
    DeclarationError
        If there is no such kind, or the text has more characters than the vocabulary has room for.
    """
    from brainsim.networks.bpe import BpeTokenizer
    from brainsim.networks.text import ByteTokenizer, CharTokenizer

    makers: dict[str, Callable[[], Tokenizer]] = {
        "byte": ByteTokenizer,
        "char": lambda: CharTokenizer.of(content),
        "bpe": lambda: BpeTokenizer.learn(content, max(256, vocabulary)),
    }
    if kind not in makers:
        raise DeclarationError(where="--tokenizer", value=kind, allowed=", ".join(makers))
    made = makers[kind]()
    if made.vocabulary > vocabulary:
        allowed = f"at most the {vocabulary} tokens of the network"
        cure = "take --tokenizer bpe, or a larger preset"
        raise DeclarationError(where=f"tokens of --tokenizer {kind}", value=made.vocabulary, allowed=allowed, cure=cure)
    return made


def _train(group: Group, start: _Start, content: str, out: Path, options: dict[str, Any]) -> None:
    from brainsim.networks.geometric import coordinate_groups
    from brainsim.networks.training import Corpus, Trainer, evaluate
    from brainsim.networks.training.checkpoints import save, unwrapped

    preset, tokenizer, recipe, found = start
    tokens = tokenizer.encode(content)
    held = tokens[len(tokens) - round(options["held_out"] * len(tokens)) :]
    draw = group.share(Corpus(tokens[: len(tokens) - len(held)]).draw)
    model = found.model() if found else preset.model(recipe.seed)
    _set_checkpointing(model, options["checkpointing"])
    backward = _curriculum(group, preset, tokenizer, options) or group.backward
    trainer = Trainer(group.wrapped(model), recipe, draw, groups=coordinate_groups, backward=backward)
    if found:
        found.restore(trainer)

    def keep() -> None:
        if group.first:
            save(out, trainer, preset, tokenizer, _digest(content, options))

    with _stopping() as stopping, _progress(trainer, hidden=not group.first) as shown:
        for _ in trainer.steps():
            stopped = group.any(bool(stopping))
            if stopped or trainer.done % options["every"] == 0 or trainer.done == recipe.steps:
                keep()
            shown(trainer)
            if stopped:
                break
    if not group.first:
        return
    if trainer.done < recipe.steps:
        click.echo(f"interrupted after step {trainer.done}; continue with: {_again(options, out)}", err=True)
        raise click.exceptions.Exit(128 + stopping[0])
    loss = f"loss {trainer.losses[-1]:.4f}" if trainer.losses else "no step"
    if len(held) > 1:
        loss += f", {evaluate(unwrapped(trainer.model), held, recipe.length):.4f} on held-out text"
    click.echo(f"{loss} (nats a token); wrote {out}")


def _set_checkpointing(model: Any, on: bool) -> None:
    for each in model.modules():
        if hasattr(each, "checkpointing"):
            each.checkpointing = on


def _curriculum(group: Group, preset: Preset, tokenizer: Tokenizer, options: dict[str, Any]) -> Any:
    if not options["curriculum"]:
        return None
    from brainsim.networks.geometric import GeometricConfig
    from brainsim.networks.geometric.curriculum import Curriculum
    from brainsim.networks.geometric.minimal_pairs import made, read_pairs

    if not isinstance(preset.config, GeometricConfig):
        raise click.UsageError(f"--curriculum trains coordinates, which {preset.name} has not")
    if group.size > 1:
        raise click.UsageError("--curriculum trains in one process; leave torchrun out")
    return Curriculum(tokenizer, read_pairs(options["pairs"]) if options["pairs"] else made())


def _again(options: dict[str, Any], out: Path) -> str:
    own = click.get_current_context().params
    command = ["brainsim", "lm", "train", str(own["text"]), "--out", str(out), "--resume"]
    command += ["--held-out", f"{options['held_out']:g}"] if options["held_out"] != 0.05 else []
    command += ["--curriculum"] if options["curriculum"] else []
    command += ["--pairs", str(options["pairs"])] if options["pairs"] else []
    return shlex.join(command)


@contextmanager
def _stopping() -> Iterator[list[int]]:
    """Let Ctrl-C and what schedulers send end the training after the present step; a second Ctrl-C ends it at once."""
    seen: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        if number in seen and number == signal.SIGINT:
            raise KeyboardInterrupt
        seen.append(number)

    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # A process that was started to ignore a signal, as by nohup, goes on ignoring it.
    before = {number: signal.signal(number, note) for number in numbers if signal.getsignal(number) != signal.SIG_IGN}
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _progress(trainer: Trainer, *, hidden: bool) -> Iterator[Any]:
    """Yield what shows tokens a second, loss and time left: a bar on a terminal, a line now and then elsewhere."""
    from tqdm import tqdm

    each, terminal = trainer.recipe.batch * trainer.recipe.length, sys.stderr.isatty()
    total, begun, last = trainer.recipe.steps, trainer.done, [time.monotonic()]
    bar = tqdm(
        total=total * each,
        initial=begun * each,
        unit=" tokens",
        unit_scale=True,
        disable=hidden or not terminal,
        leave=False,
    )

    def shown(trainer: Trainer) -> None:
        bar.set_postfix(loss=f"{trainer.losses[-1]:.4f}", refresh=False)
        bar.update(each)
        if hidden or terminal or time.monotonic() - last[0] < 10:
            return
        last[0] = time.monotonic()
        rate = trainer.seconds / (trainer.done - begun)
        left = f"{(total - trainer.done) * rate:.0f} s left"
        speed = f"{each / rate:.0f} tokens/s"
        click.echo(f"step {trainer.done}/{total}  loss {trainer.losses[-1]:.4f}  {speed}  {left}", err=True)

    with bar:
        yield shown
