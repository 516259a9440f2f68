"""Patterns for small areas: blocks of neurons, one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np


def patterns(labels: str, k: int) -> dict[str, Any]:
    """Return the first k neurons for the first label, the next k for the second, and so on."""
    return {label: np.arange(k) + k * number for number, label in enumerate(labels)}
