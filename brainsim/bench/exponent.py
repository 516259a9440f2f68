"""How time grows with size: the exponent of a power law."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from brainsim.bench.measure import Record


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float | None:
    """Return ``e`` of ``seconds ~ sizes**e``: least squares in logarithms; ``None`` for fewer than two sizes."""
    x, y = np.log(np.asarray(sizes, dtype=float)), np.log(np.asarray(seconds, dtype=float))
    if len(np.unique(x)) < 2:
        return None
    x = x - x.mean()
    return float(x @ y / (x @ x))


def with_exponent(records: Sequence[Record]) -> list[Record]:
    """Return the records with the exponent of each engine's seconds per round in all of that engine's records."""
    fitted = {}
    for engine in {record["engine"] for record in records}:
        own = [record for record in records if record["engine"] == engine]
        fitted[engine] = exponent([r["n"] for r in own], [1 / r["rate"] for r in own])
    return [{**record, "exponent": fitted[record["engine"]]} for record in records]
