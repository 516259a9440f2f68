"""What reproductions share: parts over seeds, and tables that set what was measured beside what was published."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

from brainsim.studies.run import Checkpoint, Run
from brainsim.studies.statistics import interval_95

if TYPE_CHECKING:
    from tqdm import tqdm


def over_seeds(run: Run, bar: tqdm[Any], key: str, seeds: int, compute: Callable[[int], Any]) -> list[Any]:
    """Compute a part of a run for each of some seeds, from the run's own on; what an interrupted run has is read."""
    parts = []
    for seed in range(run.seed, run.seed + seeds):

        def part(_: Checkpoint, seed: int = seed) -> Any:
            return compute(seed)

        parts.append(run.part(f"{key}-{seed}", part))
        bar.update()
    return parts


def scores(parts: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    """Return one score of every part."""
    return [part[name] for part in parts]


def measured(values: Sequence[float], digits: int = 2, *, bounded: bool = False) -> str:
    """Return the mean over seeds with its 95 % interval, as ``1.61 [1.55, 1.67]``, cut to [0, 1] if ``bounded``."""
    interval = interval_95(values, bounded=bounded)
    spread = f" [{interval[0]:.{digits}f}, {interval[1]:.{digits}f}]" if interval else ""
    return f"{fmean(values):.{digits}f}{spread}"


def write_table(run: Run, name: str, title: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write a table in Markdown into the run's folder; ``None`` becomes an empty cell."""
    lines = [["" if cell is None else str(cell) for cell in row] for row in (header, *rows)]
    text = [f"# {title}", "", *(f"| {' | '.join(row)} |" for row in lines)]
    text.insert(3, "|---" * len(header) + "|")
    with run.file(name) as path:
        path.write_text("\n".join(text) + "\n")
