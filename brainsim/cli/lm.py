"""``brainsim lm``: language models that are trained by gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from brainsim.cli.lm_train import train
from brainsim.networks.needs import require_torch

if TYPE_CHECKING:
    from torch import nn

    from brainsim.networks.generating import Step
    from brainsim.networks.geometric import Geometric
    from brainsim.networks.text import Tokenizer
    from brainsim.networks.training.checkpoints import Checkpoint

F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def lm() -> None:
    """Train and use language models: weights modulated by coordinates, attention routed by a thalamus.

    They need PyTorch: pip install 'brainsim[torch]'.

    \b
    Examples:
      brainsim lm presets
      brainsim lm train book.txt --preset geometric_tiny --out book.safetensors
      brainsim lm generate --checkpoint book.safetensors "Once upon a time"
    """  # noqa: D301 - click takes the character, not an escape


def _of_network(function: F) -> F:
    """Add the options that name a network."""
    file = click.option("--checkpoint", type=click.Path(path_type=Path), help="A network that `lm train` wrote.")
    return file(click.option("--preset", help="Its preset; alone, a new network that has learned nothing.")(function))


@lm.command()
def presets() -> None:
    """List the models that are known by name, with their parameters."""
    from brainsim.networks.presets import presets as known

    found = known()
    width = max(map(len, found))
    for name, each in found.items():
        click.echo(f"{name:<{width}}  {each.parameters:>13_}  {each.about}")


@lm.command()
@_of_network
def verify(preset: str | None, checkpoint: Path | None) -> None:
    """Check parameters of each part, causality, the cache and merged weights; exit with 1 if anything is wrong.

    Without options, all presets are checked; those too large to build are only counted.
    """
    from brainsim.networks.presets import preset as preset_of
    from brainsim.networks.presets import presets as known
    from brainsim.networks.verifying import verify as checks_of

    if checkpoint is not None:
        found = _loaded(checkpoint, preset)
        asked = [(str(checkpoint), checks_of(found.preset, found.model()))]
    else:
        asked = [(each.name, checks_of(each)) for each in ([preset_of(preset)] if preset else known().values())]
    wrong = 0
    for name, checks in asked:
        click.echo(name)
        for check in checks:
            wrong += not check.right
            ending = "" if check.right else f"  WRONG, must be {check.wanted}"
            click.echo(f"  {check.name:<38} {check.found:>20}{ending}")
    if wrong:
        click.echo(f"{wrong} {'check is' if wrong == 1 else 'checks are'} wrong", err=True)
        raise click.exceptions.Exit(1)


def _decoding(function: F) -> F:
    """Add the options of decoding."""
    options = (
        click.option("--tokens", type=click.IntRange(1), default=200, show_default=True, help="Tokens to generate."),
        click.option("--choose", default="adaptive", show_default=True, help="greedy, nucleus or adaptive."),
        click.option("--uncertainty", default="entropy", show_default=True, help="entropy or coordinate."),
        click.option("--threshold", type=float, help="Uncertainty above which a token is drawn."),
        click.option("--top-p", type=float, default=0.92, show_default=True, help="Probability of the nucleus."),
        click.option("--temperature", type=float, default=0.7, show_default=True, help="Of the tokens drawn."),
        click.option(
            "--seed", type=click.IntRange(0, 2**62), default=0, show_default=True, help="Of the tokens drawn."
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


@lm.command()
@click.argument("prompt")
@_of_network
@_decoding
@click.option("--refine", type=click.IntRange(0), default=0, show_default=True, help="Steps on the coordinate.")
def generate(prompt: str, preset: str | None, checkpoint: Path | None, refine: int, **options: Any) -> None:
    """Continue PROMPT.

    Where the network is uncertain, a token is drawn from the likeliest ones; elsewhere the likeliest is taken.
    --refine fits the coordinate to the prompt first; on held-out text it has not been found to help.
    """
    model, tokenizer = _network(preset, checkpoint)
    tokens = tokenizer.encode(prompt)
    if refine:
        model = _refined(_geometric(model), tokens, refine)
    pieces = _pieces(model, tokenizer, tokens, options)
    click.echo(prompt, nl=False)
    for piece in pieces:
        click.echo(piece, nl=False)
    click.echo()


@lm.command()
@_of_network
@_decoding
def chat(preset: str | None, checkpoint: Path | None, **options: Any) -> None:
    """Continue each line that you type, until a line ends or --tokens are reached; an empty line or Ctrl-D ends.

    What was said before is the prompt, as far back as the network can look.
    """
    model, tokenizer = _network(preset, checkpoint)
    said: list[int] = []
    for line in _lines():
        said += tokenizer.encode(f"{line}\n")
        said = said[-max(1, model.config.context - options["tokens"]) :]
        answer = ""
        for piece in _pieces(model, tokenizer, said, options):
            answer += piece
            if "\n" in answer.lstrip("\n"):
                break
        answer = answer.strip("\n").split("\n")[0]
        click.echo(answer)
        said += tokenizer.encode(f"{answer}\n")


@lm.command()
@click.argument("text")
@_of_network
def analyse(text: str, preset: str | None, checkpoint: Path | None) -> None:
    """Show the coordinates of TEXT: how they move, how uncertain the network is, and what part of them acts."""
    import torch

    from brainsim.networks.generating import entropy
    from brainsim.networks.geometric.coordinates import analysis

    model, tokenizer = _network(preset, checkpoint)
    tokens = torch.tensor(_within(tokenizer.encode(text), model))
    found = analysis(_geometric(model), tokens)
    with torch.no_grad():
        logits = model(tokens[None])[0]
    click.echo(f"norm of the coordinate        {found['norm']:.4g}")
    click.echo(f"part of it that acts          {found['share_that_acts']:.1%}  (within the span of the directions)")
    click.echo(f"strongest coordinates         {', '.join(map(str, found['strongest']))}")
    click.echo(f"phases                        {' '.join(f'{each:+.2f}' for each in found['phases'][:16])}")
    click.echo("token          moved  uncertainty  entropy")
    for at, (uncertain, row) in enumerate(zip(found["uncertainty"], logits, strict=True)):
        moved = found["moves"][at - 1] if at else 0.0
        shown = repr(tokenizer.decode([int(tokens[at])]))
        click.echo(f"{shown[:12]:<12} {moved:7.3f} {uncertain:12.4f} {entropy(row):8.3f}")


@lm.command()
@click.argument("first")
@click.argument("second")
@_of_network
@_decoding
@click.option("--points", type=click.IntRange(2, 1000), default=5, show_default=True, help="Both ends among them.")
@click.option("--prompt", help="What is continued at each point; FIRST by default.")
def interpolate(
    first: str,
    second: str,
    preset: str | None,
    checkpoint: Path | None,
    points: int,
    prompt: str | None,
    **options: Any,
) -> None:
    """Continue a prompt at points on the way from the coordinate of FIRST to that of SECOND.

    Beside each point stand the loss of both texts, and how far its next tokens diverge from those at either end.
    """
    import torch

    from brainsim.networks.geometric.coordinates import along, between, point

    network, tokenizer = _network(preset, checkpoint)
    model = _geometric(network)
    texts = [torch.tensor(_within(tokenizer.encode(text), model, least=2)) for text in (first, second)]
    ends = [point(model, text) for text in texts]
    found = along(model, ends[0], ends[1], texts, points)
    tokens = tokenizer.encode(first if prompt is None else prompt)
    for at, share in enumerate(found.shares):
        losses = " and ".join(f"{each:.3f}" for each in found.losses[at])
        apart = f"{found.from_first[at]:.2e} and {found.from_second[at]:.2e}"
        click.echo(f"[{share:.2f}] loss of the texts {losses}; divergence from the ends {apart}")
        merged = model.merge(between(ends[0], ends[1], share))
        click.echo("  " + "".join(_pieces(merged, tokenizer, tokens, options)).replace("\n", "\n  "))
    click.echo(f"the divergences are {'' if found.smooth else 'not '}monotone along the way")


lm.add_command(train)


def _loaded(checkpoint: Path, preset: str | None) -> Checkpoint:
    require_torch()
    from brainsim.networks.training.checkpoints import load

    return load(checkpoint, preset)


def _network(preset: str | None, checkpoint: Path | None) -> tuple[nn.Module, Tokenizer]:
    """Return a network and its tokenizer: of a file, or a new one, of bytes."""
    if checkpoint is not None:
        found = _loaded(checkpoint, preset)
        return found.model(), found.tokenizer
    if preset is None:
        raise click.UsageError("needs --checkpoint, a network that `brainsim lm train` wrote")
    from brainsim.networks.presets import preset as preset_of
    from brainsim.networks.text import ByteTokenizer

    chosen = preset_of(preset)
    if chosen.large:
        raise click.UsageError(f"{preset} has {chosen.parameters:_} parameters and is only counted; see `lm verify`")
    click.echo(f"note: a new {preset} has learned nothing; give --checkpoint", err=True)
    return chosen.model(), ByteTokenizer()


def _geometric(model: nn.Module) -> Geometric:
    from brainsim.networks.geometric import Geometric

    if not isinstance(model, Geometric):
        raise click.UsageError("the network has no coordinates; take one of a preset geometric_…")
    return model


def _refined(model: Geometric, tokens: Sequence[int], steps: int) -> nn.Module:
    """Return the weights at the coordinate that fits a prompt."""
    import torch

    from brainsim.networks.geometric.coordinates import refine

    theta, losses = refine(model, torch.tensor(_within(tokens, model, least=2)), steps=steps)
    click.echo(f"note: the loss of the prompt went from {losses[0]:.4f} to {losses[-1]:.4f}", err=True)
    return model.merge(theta)


def _within(tokens: Sequence[int], model: nn.Module, least: int = 1) -> list[int]:
    """Return tokens, if there are enough of them and not too many."""
    if not least <= len(tokens) <= model.config.context:
        allowed = f"between {least} and {model.config.context} tokens"
        raise click.UsageError(f"the text has {len(tokens)} tokens; it must have {allowed}")
    return list(tokens)


def _pieces(model: nn.Module, tokenizer: Tokenizer, tokens: Sequence[int], options: dict[str, Any]) -> Iterator[str]:
    """Return generated text, in pieces, after the prompt was found to be one that can be continued."""
    from brainsim.networks.generating import Decoding, generate

    names = ("choose", "uncertainty", "threshold", "top_p", "temperature")
    decoding = Decoding(**{name: options[name] for name in names})
    known = tokenizer.vocabulary  # the network may have more tokens, which it has never seen
    return _letters(tokenizer, generate(model, tokens, options["tokens"], decoding, options["seed"], known))


def _letters(tokenizer: Tokenizer, steps: Iterator[Step]) -> Iterator[str]:
    """Yield text, a piece as soon as its bytes are whole letters."""
    held: list[int] = []
    for step in steps:
        held.append(step.token)
        text = tokenizer.decode(held)
        if "\ufffd" not in text or len(held) > 3:
            yield text
            held = []
    yield tokenizer.decode(held)


def _lines() -> Iterator[str]:
    while True:
        try:
            line: str = click.prompt("", prompt_suffix="> ", default="", show_default=False)
        except click.Abort:
            return
        if not line.strip():
            return
        yield line
