"""Generate text with a cache: take the most likely token, draw from the nucleus, or choose by uncertainty."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from brainsim._arguments import check_record, checked
from brainsim._validation import count, integer, real
from brainsim.errors import BrainsimError
from brainsim.networks.geometric import Geometric
from brainsim.networks.geometric.context import Running, moving_average

THRESHOLDS = {"entropy": 1.5, "coordinate": 0.5}
"""Uncertainty above which a token is drawn: entropy in nats, and the variance that the original document states."""


class GenerationError(BrainsimError, ValueError):
    """A prompt that cannot be continued."""


@dataclass(frozen=True)
class Decoding:
    """How the next token is chosen.

    Parameters
    ----------
    choose : str
        ``"greedy"``: the most likely token.  ``"nucleus"``: drawn from the most likely ones (Holtzman et al. 2020).
        ``"adaptive"``: drawn if the model is uncertain, otherwise the most likely one.
    uncertainty : str
        ``"entropy"`` of the next token, in nats; or ``"coordinate"``: the variance of ``theta_t`` minus its moving
        average, over the coordinates.  The latter exceeds its threshold only at the first positions, because a
        predicted coordinate changes little later; decoding is then greedy.
    threshold : float, optional
        Above which the model is uncertain; 1.5 nats or .5 by default.
    top_p : float
        The nucleus is the smallest set of most likely tokens with this total probability.
    temperature : float
        Divides the logits before a token is drawn.

    Raises
    ------
    DeclarationError
        If a value is out of its range.
    """

    choose: Literal["greedy", "nucleus", "adaptive"] = "adaptive"
    uncertainty: Literal["entropy", "coordinate"] = "entropy"
    threshold: float | None = None
    top_p: float = 0.92
    temperature: float = 0.7

    def __post_init__(self) -> None:
        check_record(self)
        real("Decoding.top_p", self.top_p, 0.0, 1.0)
        real("Decoding.temperature", self.temperature, 1e-3, 1e3)
        if self.threshold is not None:
            real("Decoding.threshold", self.threshold, -1e9, 1e9)

    @property
    def limit(self) -> float:
        """The uncertainty above which a token is drawn."""
        return THRESHOLDS[self.uncertainty] if self.threshold is None else self.threshold


@dataclass(frozen=True)
class Step:
    """One generated token.

    Attributes
    ----------
    token : int
        The token.
    uncertainty : float
        The uncertainty, in the measure of the decoding.
    drawn : bool
        Whether the token was drawn; otherwise it is the most likely one.
    """

    token: int
    uncertainty: float
    drawn: bool


@checked()
def generate(
    model: nn.Module,
    prompt: Sequence[int],
    length: int,
    decoding: Decoding | None = None,
    seed: int = 0,
    vocabulary: int | None = None,
) -> Iterator[Step]:
    """Yield the tokens that continue a prompt.

    Parameters
    ----------
    model : torch.nn.Module
        ``model(tokens, cache)`` gives logits, ``model.cache()`` an empty cache; ``model.config.context`` is its longest
        sequence.
    prompt : sequence of int
        Tokens, at least one.
    length : int
        Tokens to generate.
    decoding : Decoding, optional
        Adaptive by entropy by default.
    seed : int
        Seed of the tokens that are drawn.
    vocabulary : int, optional
        Number of tokens that may be generated (the first ones), if a tokenizer has fewer than the model.

    Raises
    ------
    GenerationError
        If the prompt is empty or too long, or the uncertainty is measured by coordinates and the model has none.

    Examples
    --------
    >>> from brainsim.networks.generating import Decoding, generate
    >>> from brainsim.networks.transformer import Transformer, TransformerConfig
    >>> model = Transformer(TransformerConfig(vocabulary=9, dim=8, layers=1, heads=1, kv_heads=1, hidden=8))
    >>> len([step.token for step in generate(model, [1, 2], 5, Decoding("greedy"))])
    5
    """
    decoding = decoding or Decoding()
    count("generate.length", length, 1)
    _check(model, prompt, length, decoding)
    known = integer("generate.vocabulary", vocabulary or model.config.vocabulary, 1, model.config.vocabulary)
    steps: Iterator[Step] = _generated(model, prompt, length, decoding, count("generate.seed", seed, 0), known)
    return steps


def _check(model: nn.Module, prompt: Sequence[int], length: int, decoding: Decoding) -> None:
    longest, vocabulary = model.config.context, model.config.vocabulary
    if not len(prompt):
        raise GenerationError("the prompt is empty; give one character at least")
    if len(prompt) + length > longest:
        many = f"a prompt of {len(prompt)} tokens and {length} more are {len(prompt) + length}"
        raise GenerationError(f"{many}, beyond the {longest} of the model; shorten the prompt, or ask for fewer")
    if not 0 <= min(prompt) <= max(prompt) < vocabulary:
        raise GenerationError(f"the prompt holds token {max(prompt)}, beyond the vocabulary of {vocabulary}")
    if decoding.choose == "adaptive" and decoding.uncertainty == "coordinate" and not isinstance(model, Geometric):
        raise GenerationError("the model has no coordinates; take uncertainty='entropy'")


@torch.no_grad()
def _generated(
    model: nn.Module, prompt: Sequence[int], length: int, decoding: Decoding, seed: int, vocabulary: int
) -> Iterator[Step]:
    device = next(model.parameters()).device
    generator = torch.Generator().manual_seed(seed % 2**63)
    forward = _forward(model, decoding)
    tokens = torch.as_tensor(prompt, dtype=torch.long, device=device)[None]
    for _ in range(length):
        logits, coordinate = forward(tokens)
        logits = logits[0, -1, :vocabulary].float().cpu()
        uncertainty = entropy(logits) if decoding.uncertainty == "entropy" else coordinate
        step = _chosen(logits, uncertainty, decoding, generator)
        tokens = torch.tensor([[step.token]], device=device)
        yield step


def _forward(model: nn.Module, decoding: Decoding) -> Callable[[Tensor], tuple[Tensor, float]]:
    """Return a function of new tokens that gives their logits, and the uncertainty of the last coordinate."""
    model.eval()
    cache, mean = model.cache(), Running()

    def forward(tokens: Tensor) -> tuple[Tensor, float]:
        if decoding.uncertainty == "entropy" or not isinstance(model, Geometric):
            return model(tokens, cache), 0.0
        theta = model.coordinates(tokens, cache)
        moved = theta - moving_average(theta, model.config.keep, mean)
        return model(tokens, cache, theta=theta), float(moved[0, -1].var(correction=0))

    return forward


def _chosen(logits: Tensor, uncertainty: float, decoding: Decoding, generator: torch.Generator) -> Step:
    drawn = decoding.choose == "nucleus" or (decoding.choose == "adaptive" and uncertainty > decoding.limit)
    token = _drawn(logits, decoding, generator) if drawn else int(logits.argmax())
    return Step(token, uncertainty, drawn)


def _drawn(logits: Tensor, decoding: Decoding, generator: torch.Generator) -> int:
    """Draw from the nucleus: a token is in it if all more likely tokens together have less than ``top_p``."""
    likely, order = torch.softmax(logits / decoding.temperature, -1).sort(descending=True, stable=True)
    likely[likely.cumsum(-1) - likely >= decoding.top_p] = 0.0
    if not likely.any():  # top_p = 0
        return int(order[0])
    return int(order[torch.multinomial(likely, 1, generator=generator)])


def entropy(logits: Tensor) -> float:
    """Return the entropy of the next token in nats, for logits ``(vocabulary,)``."""
    logs = torch.log_softmax(logits.float(), -1)
    return float(-(logs.exp() * logs).sum())
