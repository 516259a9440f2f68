"""Modulated decoders of given sizes, the parameters of each of their parts, and what ``brainsim lm verify`` checks."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from brainsim.networks.geometric import Geometric, GeometricConfig
from brainsim.networks.presets import Check, Preset
from brainsim.networks.transformer import TransformerConfig
from brainsim.networks.transformer.blocks import generator_of

PARTS = (
    "embedding",
    "layers and last norm",
    "pairs U, V, P, Q",
    "directions, gains, gates",
    "predictor",
    "head",
)


def parts(model: Geometric) -> dict[str, int]:
    """Return how many parameters each part of a model has."""
    pairs = sum(_size(bank.pairs) for bank in model.banks)
    sizes = [
        _size(model.base.embedding),
        _size(model.base.blocks) + _size(model.base.norm),
        pairs,
        _size(model.banks) - pairs,
        _size(model.predictor),
    ]
    if model.base.head is not None:
        sizes.append(_size(model.base.head))
    return dict(zip(PARTS, sizes, strict=False))


def _size(module: nn.Module) -> int:
    return sum(each.numel() for each in module.parameters())


GEOMETRIC_TINY = GeometricConfig(
    TransformerConfig(512, dim=64, layers=2, heads=4, kv_heads=2, hidden=172),
    coordinates=64,
    pairs=8,
    rank=2,
    predictor=170,
)
GEOMETRIC_10M = GeometricConfig(
    TransformerConfig(8192, dim=320, layers=6, heads=16, kv_heads=4, hidden=640),
    coordinates=1024,
    pairs=32,
    rank=12,
    predictor=190,
)
GEOMETRIC_ORIGIN_108M = GeometricConfig(
    TransformerConfig(32_000, dim=448, layers=10, heads=16, kv_heads=4, hidden=1792, head_dim=112, tied=False),
    coordinates=1024,
    pairs=16,
    rank=12,
    predictor=512,
    depth=2,
    banks="own",
    gate_pairs=32,
    gated=True,
)

MERGE_TOLERANCE = 1e-5
"""Largest difference of logits between a model at one point and its merged weights, as a share of the largest logit."""


def merge_error(model: Geometric) -> float:
    """Return the difference between a model at one point and its merged weights, as a share of the largest logit.

    A copy of the bank that is still at zero is drawn, so that there is something to merge.
    """
    generator = generator_of(0, "merge")
    with torch.no_grad():
        for bank in model.banks:
            for pairs in bank.pairs.values():
                if not pairs.writes.any():
                    pairs.writes.normal_(0.0, 0.1 * pairs.writes.shape[0] ** -0.5, generator=generator)
        tokens = torch.randint(model.config.base.vocabulary, (2, 24), generator=generator)
        theta = model.coordinates(tokens)[0, -1]
        modulated, merged = model(tokens, theta=theta), model.merge(theta)(tokens)
        return float((modulated - merged).abs().max() / modulated.abs().max())


def _checks(model: nn.Module) -> Iterator[Check]:
    assert isinstance(model, Geometric)
    error = merge_error(model)
    yield Check("merged weights", f"{error:.1e}", f"at most {MERGE_TOLERANCE:.0e}", error <= MERGE_TOLERANCE)


def _preset(name: str, about: str, config: GeometricConfig, counts: tuple[int, ...], *, large: bool = False) -> Preset:
    named = dict(zip(PARTS, counts, strict=False))
    return Preset(name, about, config, Geometric, named, parts, None if large else _checks, large)


PRESETS = (
    _preset(
        "geometric_tiny",
        "modulated weights, small enough for tests",
        GEOMETRIC_TINY,
        (32_768, 90_944, 17_792, 640, 21_994),
    ),
    _preset(
        "geometric_10m",
        "modulated weights, 10 M parameters: one bank for all layers",
        GEOMETRIC_10M,
        (2_621_440, 5_226_560, 1_843_200, 34_304, 256_574),
    ),
    _preset(
        "geometric_origin_108m",
        "modulated weights as the original code builds them: a bank for every matrix; only counted",
        GEOMETRIC_ORIGIN_108M,
        (14_336_000, 44_164_288, 32_686_080, 1_178_400, 1_281_536, 14_336_000),
        large=True,
    ),
)
