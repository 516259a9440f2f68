"""Colours that readers with colour-vision deficiency can distinguish."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np

# Okabe & Ito (2008), without the yellow that is hard to see on white.
_FEW = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000")


def distinct(count: int) -> Sequence[str]:
    """Return ``count`` colours: well-known ones for up to seven, from there on steps of a map of rising lightness."""
    if count <= len(_FEW):
        return _FEW[:count]
    return [mpl.colors.to_hex(colour) for colour in mpl.colormaps["viridis"](np.linspace(0.0, 0.92, count))]
