"""The checks of ``brainsim lm verify``: parameters of each part, causality, the cache, and those of the preset."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from brainsim.networks.presets import Check, Preset
from brainsim.networks.transformer.blocks import generator_of

CACHE_TOLERANCE = 1e-4
"""Largest difference of logits with and without a cache, as a share of the largest logit."""


def verify(preset: Preset, model: nn.Module | None = None) -> Iterator[Check]:
    """Yield each check of a preset.

    Parameters
    ----------
    preset : Preset
        What is checked.
    model : torch.nn.Module, optional
        A model of the preset; by default a new one, or none for a preset that is only counted.

    Examples
    --------
    >>> from brainsim.networks.presets import preset
    >>> from brainsim.networks.verifying import verify
    >>> all(check.right for check in verify(preset("geometric_tiny")))
    True
    """
    yield from counts(preset, model)
    if model is None and preset.large:
        return
    model = preset.model() if model is None else model
    model.eval()
    yield causality(model)
    yield caching(model)
    yield from preset.checks(model) if preset.checks else ()


def counts(preset: Preset, model: nn.Module | None = None) -> Iterator[Check]:
    """Yield a check of the parameters of each part, and of all."""
    found = preset.counted() if model is None else preset.parts(model)
    for name in dict.fromkeys((*preset.counts, *found)):
        has, states = found.get(name, 0), preset.counts.get(name, 0)
        yield Check(f"parameters: {name}", f"{has:_}", f"{states:_}", has == states)
    whole = sum(found.values())
    yield Check("parameters", f"{whole:_}", f"{preset.parameters:_}", whole == preset.parameters)


@torch.no_grad()
def causality(model: nn.Module, length: int = 32) -> Check:
    """Return whether changing a token leaves the logits before it unchanged, bit for bit."""
    tokens, at = _tokens(model, length), length // 2
    changed = tokens.clone()
    changed[:, at] = (changed[:, at] + 1) % model.config.vocabulary
    before, after = model(tokens), model(changed)
    touched = [place for place in range(length) if not torch.equal(before[:, place], after[:, place])]
    right = bool(touched) and touched[0] == at
    found = f"first changed at {touched[0]}" if touched else "nothing changed"
    return Check("causality: logits, a token changed", found, f"first changed at {at}", right)


@torch.no_grad()
def caching(model: nn.Module, length: int = 32) -> Check:
    """Return whether decoding with a cache gives the logits of the whole sequence."""
    tokens, cache = _tokens(model, length), model.cache()
    whole = model(tokens)
    ends = [length // 2, *range(length // 2 + 1, length + 1)]
    parts = [model(tokens[:, begin:end], cache) for begin, end in zip([0, *ends], ends, strict=False)]
    error = float((torch.cat(parts, 1) - whole).abs().max() / whole.abs().max())
    name, wanted = "cache: logits, token by token", f"at most {CACHE_TOLERANCE:.0e}"
    return Check(name, f"differ by {error:.1e}", wanted, error <= CACHE_TOLERANCE)


def _tokens(model: nn.Module, length: int) -> torch.Tensor:
    tokens = torch.randint(model.config.vocabulary, (2, length), generator=generator_of(0, "verify"))
    return tokens.to(next(model.parameters()).device)
