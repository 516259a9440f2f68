"""Time per sentence against size, from records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from brainsim.bench.measure import Record
from brainsim.errors import DeclarationError


def time_per_sentence(records: Sequence[Record], path: str | Path) -> Path:
    """Draw time per sentence against ``n``: a line per engine and ``p``, with bars from the fastest to the slowest run.

    Parameters
    ----------
    records : sequence of Record
        Records of the cases ``sentence`` and ``sentence-cold``; others are left out.
    path : str or Path
        Where to write the picture.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    DeclarationError
        If no record is of a sentence.
    """
    spoken = [record for record in records if record["case"].startswith("sentence")]
    if not spoken:
        raise DeclarationError("time_per_sentence: must be given records of the case 'sentence' or 'sentence-cold'")
    figure = Figure(figsize=(7.0, 4.5), layout="constrained")
    ax = figure.subplots()
    for engine, case, p in dict.fromkeys((r["engine"], r["case"], r["p"]) for r in spoken):
        own = [r for r in spoken if (r["engine"], r["case"], r["p"]) == (engine, case, p)]
        own.sort(key=lambda record: record["n"])
        each = np.array([[r[key] / r["sentences"] for r in own] for key in ("seconds_min", "seconds", "seconds_max")])
        label = f"{engine}{', new words' if case == 'sentence-cold' else ''}, p = {p:g}"
        line = ax.errorbar([r["n"] for r in own], each[1], yerr=np.diff(each, axis=0), label=label, capsize=3)[0]
        line.set(marker="o", linestyle="--" if case == "sentence-cold" else "-")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("neurons per area")
    ax.set_ylabel("seconds per sentence")
    ax.grid(which="major", alpha=0.3)
    ax.legend(frameon=False, fontsize="small")
    figure.savefig(path, dpi=150)
    return Path(path)
