"""``brainsim parse``: the dependency tree of a sentence, as a brain finds it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from brainsim.errors import DeclarationError

if TYPE_CHECKING:
    from brainsim.models.language import Grammar, Parsed, Parser
    from brainsim.simulate.recordings.recording import Recording

_ENDINGS = (".png", ".svg", ".pdf")
_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("sentence")
@click.option("--language", type=click.Choice(["english", "russian"]), default="english", show_default=True)
@click.option("--grammar", "grammar_file", type=_FILE, help="Take the grammar from this TOML file instead.")
@click.option("--word", "words", multiple=True, metavar="WORD=CLASS", help="Add a word; may be repeated.")
@click.option("--plot", type=_FILE, metavar="FILE", help="Draw the brain's firing: .png, .svg or .pdf.")
@click.option("--n", type=click.IntRange(min=1), default=10_000, show_default=True, help="Neurons of an area.")
@click.option("--k", type=click.IntRange(min=1), default=100, show_default=True, help="Winners of an area.")
@click.option("--seed", type=click.IntRange(0, 2**62), default=0, show_default=True, help="Seed of all synapses.")
@click.option("--backend", default="auto", show_default=True, help="auto, cpu, gpu or reference.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def parse(sentence: str, plot: Path | None, as_json: bool, **options: Any) -> None:
    """Print which words of SENTENCE depend on which, read from the firing of a brain.

    In English, commas end relative clauses.

    \b
    Examples:
      brainsim parse "dogs that chase cats , run"
      brainsim parse "the big dogs chase a cat in the park" --plot firing.png
      brainsim parse "wolves run" --word wolves=noun
      brainsim parse --language russian "koshku vidit sobaka"
    """  # noqa: D301 - click takes the character, not an escape
    if plot is not None and plot.suffix.lower() not in _ENDINGS:
        raise click.UsageError(f"--plot {plot}: must end in {', '.join(_ENDINGS)}")
    from brainsim.models.language import Parser

    settings = {name: options[name] for name in ("n", "k", "seed", "backend")}
    with Parser(_grammar(options), **settings) as parser:
        recording = None if plot is None else parser.sim.record()
        parsed = _parsed(parser, sentence, recording)
    if plot is not None and recording is not None:
        _draw(parsed, recording, plot)
    click.echo(json.dumps(_as_dict(parsed), indent=2) if as_json else _shown(parsed))
    if plot is not None:
        click.echo(f"wrote {plot}", err=as_json)


def _grammar(options: dict[str, Any]) -> Grammar:
    from dataclasses import replace

    from brainsim.models import language

    if options["grammar_file"] is None:
        grammar: Grammar = getattr(language, options["language"])()
    else:
        grammar = language.read_grammar(options["grammar_file"])
    return replace(grammar, words={**grammar.words, **dict(_word(each) for each in options["words"])})


def _parsed(parser: Parser, sentence: str, recording: Recording | None) -> Parsed:
    """Parse a sentence; an error that names an unknown word says how to give it a class at the command line."""
    try:
        return parser.parse(sentence, recording=recording)
    except DeclarationError as error:
        if error.where != "Grammar.words":
            raise
        classes = ", ".join(sorted({rule.word for rule in parser.grammar.rules}))
        message = f"{error}: --word {error.value}=CLASS, where CLASS is one of {classes}"
        raise DeclarationError(message, where=error.where, value=error.value) from error


def _word(given: str) -> tuple[str, str]:
    word, sign, kind = given.partition("=")
    if not word or not sign or not kind:
        raise click.UsageError(f"--word {given}: must be a word and its class, such as wolves=noun")
    return word, kind


def _as_dict(parsed: Parsed) -> dict[str, Any]:
    return {
        "root": parsed.root,
        "dependencies": [each._asdict() for each in parsed.dependencies],
        "unread": list(parsed.unread),
    }


def _shown(parsed: Parsed) -> str:
    unread = f"\nnot reached from {parsed.root!r}: {', '.join(parsed.unread)}" if parsed.unread else ""
    return parsed.tree() + unread


def _draw(parsed: Parsed, recording: Recording, path: Path) -> None:
    """Draw what fired in each area, coloured by the word whose assembly it is."""
    from matplotlib.figure import Figure

    from brainsim.cli.writing import written
    from brainsim.plots import raster

    lex = recording.areas[0].patterns
    words = [lex[word] for word in dict.fromkeys(parsed.words) if word in lex]
    figure = Figure(figsize=(12, 1.5 + len(recording.areas)), layout="constrained")
    raster(recording, [*words, *parsed.assemblies], ax=figure.subplots())
    with written(path) as target:
        figure.savefig(target, dpi=150)
