"""How colours look to readers with a colour-vision deficiency, and how far apart they are.

Deficiencies as in Machado, Oliveira & Fernandes (2009), for severity 1; distances in CIE L*a*b* (1976); contrast as in
the Web Content Accessibility Guidelines 2.2.
"""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

Light = npt.NDArray[np.float64]

SEEN = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_WHITE = np.array([0.9505, 1.0, 1.089])


def linear(colour: str) -> Light:
    """Return the linear light of a colour such as ``#0072B2``."""
    parts = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def _lab(light: Light) -> Light:
    scaled = _XYZ @ light / _WHITE
    x, y, z = np.where(scaled > 0.008856, np.cbrt(scaled), 7.787 * scaled + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def least_distance(colours: list[str]) -> float:
    """Return the distance of the two colours that are hardest to distinguish, for any reader."""
    seen = [np.array([_lab(np.clip(matrix @ linear(each), 0, 1)) for matrix in SEEN.values()]) for each in colours]
    return min(float(np.linalg.norm(one - other, axis=1).min()) for one, other in itertools.combinations(seen, 2))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    low, high = sorted(float(_XYZ[1] @ linear(each)) for each in (one, other))
    return (high + 0.05) / (low + 0.05)
