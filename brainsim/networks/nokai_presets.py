"""Models with thalamic routing of given sizes, and what ``brainsim lm verify`` checks of them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from brainsim.networks.nokai import Nokai
from brainsim.networks.nokai.config import NokaiConfig
from brainsim.networks.presets import Check, Preset
from brainsim.networks.transformer.blocks import generator_of

CACHE_TOLERANCE = 1e-4
"""Largest difference of logits with a cache and without, as a share of the largest logit."""


def parts(model: nn.Module) -> dict[str, int]:
    """Return how many parameters each part of a model has."""
    return {name: sum(each.numel() for each in part.parameters()) for name, part in model.named_children()}


def cache_error(model: Nokai) -> float:
    """Return the difference between logits with and without a cache, as a share of the largest logit.

    The text is longer than the number of positions that a query reads, so that the cache has to drop some.
    """
    length = min(model.config.context, model.config.routing_k + 24)
    tokens = torch.randint(model.config.vocabulary, (1, length), generator=generator_of(0, "cache"))
    cache = model.cache()
    with torch.no_grad():
        whole = model(tokens)
        cut = length // 2
        pieces = [model(tokens[:, :cut], cache), *(model(tokens[:, at : at + 1], cache) for at in range(cut, length))]
        return float((torch.cat(pieces, 1) - whole).abs().max() / whole.abs().max())


def _checks(model: nn.Module) -> Iterator[Check]:
    assert isinstance(model, Nokai)
    error = cache_error(model)
    yield Check("cache of the k best", f"{error:.1e}", f"at most {CACHE_TOLERANCE:.0e}", error <= CACHE_TOLERANCE)


def _preset(name: str, about: str, config: NokaiConfig, counts: tuple[int, ...], *, large: bool = False) -> Preset:
    named = dict(zip(("embedding", "cortex", "hippocampus", "thalamus", "limbic"), counts, strict=True))
    return Preset(name, about, config, Nokai, named, parts, None if large else _checks, large)


PRESETS = (
    _preset(
        "nokai_tiny",
        "thalamic routing, small enough for tests",
        NokaiConfig.tiny(),
        (32_768, 99_330, 19_456, 6_209, 3_341),
    ),
    _preset(
        "nokai_small",
        "thalamic routing, 9.5 M parameters",
        NokaiConfig.small(),
        (2_621_440, 6_151_686, 486_400, 153_921, 40_037),
    ),
    _preset(
        "nokai_massive",
        "thalamic routing, the described 1.8 billion parameters; only counted",
        NokaiConfig.massive(),
        (102_400_000, 1_679_818_752, 19_922_944, 6_293_505, 1_647_905),
        large=True,
    ),
)
