"""``brainsim feel``: the emotional vector of a text, its neighbours, and the most likely replies."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from brainsim.models.cascade import CascadeModel, Felt

_EXAMPLE = "a small example that comes with brainsim, with invented ratings; use --text and --norms for your own"
_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("text")
@click.option("--model", "model_file", type=_FILE, help="A model that --save wrote.")
@click.option("--text", "text_file", type=_FILE, help="Make a model from this text: UTF-8, a sentence on each line.")
@click.option("--norms", "norms_file", type=_FILE, help="Table of word, valence, arousal, dominance (1 to 9).")
@click.option("--replies", "replies_file", type=_FILE, help="Rank these replies: one on each line.")
@click.option(
    "--words", type=click.IntRange(min=5), default=60_000, show_default=True, help="Most frequent words used."
)
@click.option("--count", type=click.IntRange(min=1), default=5, show_default=True, help="Words and replies to print.")
@click.option("--seed", type=click.IntRange(0, 2**62), default=0, show_default=True, help="Seed of everything random.")
@click.option("--backend", default="auto", show_default=True, help="auto, cpu, gpu or reference.")
@click.option("--save", type=_FILE, help="Keep the model in this file, for --model.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def feel(text: str, count: int, save: Path | None, as_json: bool, **options: Any) -> None:
    """Show the emotion of TEXT in an emotional cascade.

    Prints its emotional vector (safety, curiosity, joy), the words that are nearest to that, the most likely next
    words, and the most likely replies. The model is made from --text and --norms, or read from a file with --model.
    With neither, a small example that comes with brainsim is used; its ratings are invented.

    \b
    Examples:
      brainsim feel "How are you?"
      brainsim feel "How are you?" --text dialogues.txt --norms norms.csv --save mine.h5
      brainsim feel "Is it dangerous?" --model mine.h5 --replies answers.txt
    """  # noqa: D301 - click takes the character, not an escape
    from brainsim.models.cascade import feel as felt_by
    from brainsim.models.cascade import read_texts

    _check(options)
    model, source = _model(options)
    if options["replies_file"] is not None:
        model.replies = read_texts(options["replies_file"])
    found = felt_by(model, text, count)
    if save is not None:
        model.save(save)
    if as_json:
        click.echo(json.dumps({**asdict(found), "model": source}, indent=2))
        return
    click.echo(_shown(found))
    click.echo(f"model: {source}")
    if save is not None:
        click.echo(f"wrote {save}")


def _check(options: dict[str, Any]) -> None:
    """Refuse options that contradict each other."""
    if options["model_file"] is not None and (options["text_file"] is not None or options["norms_file"] is not None):
        raise click.UsageError("--model reads a finished model; leave out --text and --norms, or leave out --model")
    if (options["text_file"] is None) != (options["norms_file"] is None):
        given, missing = ("--text", "--norms") if options["norms_file"] is None else ("--norms", "--text")
        raise click.UsageError(f"{given} needs {missing}: words have vectors from a text, and emotions from norms")


def _model(options: dict[str, Any]) -> tuple[CascadeModel, str]:
    """Return a model and where it comes from."""
    from brainsim.models import cascade
    from brainsim.simulate import backends

    simulator: dict[str, Any] = {"backend": backends.resolve(options["backend"])}
    if options["model_file"] is not None:
        return cascade.CascadeModel.load(options["model_file"], **simulator), str(options["model_file"])
    if options["text_file"] is None:
        return cascade.example_model(seed=options["seed"], **simulator), _EXAMPLE
    texts, norms = cascade.read_texts(options["text_file"]), cascade.read_norms(options["norms_file"])
    made = cascade.make_model(texts, norms, size=options["words"], seed=options["seed"], **simulator)
    return made, f"{len(made.vocabulary)} words of {options['text_file']}, {options['norms_file']}"


def _shown(felt: Felt) -> str:
    lines = [felt.text]
    if felt.unknown:
        lines.append(f"  not known: {', '.join(felt.unknown)}")
    for channel, value in felt.emotion.items():
        lines.append(f"  {channel:<10} {value:.3f}  more than {felt.above[channel]:.0%} of words")
    lines.append(f"  feels like {', '.join(word for word, _ in felt.alike)}")
    lines.append(f"  next words {', '.join(f'{word} {p:.0%}' for word, p in felt.next_words)}")
    if felt.replies:
        lines.append("  replies")
        lines += [f"    {reply.score:8.2f}  {reply.text}" for reply in felt.replies]
    return "\n".join(lines)
