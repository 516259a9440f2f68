"""Code shared by reproductions: parts over seeds, and tables of measured and published values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any, TypeVar

from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import Range, interval_95

Name = TypeVar("Name", bound="str | tuple[object, ...]")


def over_seeds(
    run: Run, calls: Mapping[Name, Call], seeds: int | Mapping[Name, int], unit: str = "brains", *, steps: int = 0
) -> dict[Name, list[Any]]:
    """Compute parts of a run for several seeds, from the seed of the run on; finished parts are read.

    Parameters
    ----------
    run : Run
        The run that the parts belong to.
    calls : mapping of str or tuple to Call
        ``function(part, *args, seed)`` by the name of the part; the seed is added here.
    seeds : int, or mapping of str or tuple to int
        How many seeds, for all parts or for each.
    unit : str
        What the progress bar counts.
    steps : int
        How many steps each part reports; by default each is one step.

    Returns
    -------
    dict
        A list of one result per seed, by the name of the part.
    """
    counts = dict.fromkeys(calls, seeds) if isinstance(seeds, int) else seeds
    names = {f"{_key(name)}-{run.seed + at}": (name, run.seed + at) for name in calls for at in range(counts[name])}
    parts = {
        key: Call(calls[name].function, (*calls[name].args, seed), calls[name].kwargs)
        for key, (name, seed) in names.items()
    }
    results = run.parts(parts, unit=unit, steps=dict.fromkeys(parts, steps) if steps else None)
    found: dict[Name, list[Any]] = {name: [] for name in calls}
    for key, (name, _) in names.items():
        found[name].append(results[key])
    return found


def _key(name: str | tuple[object, ...]) -> str:
    return name if isinstance(name, str) else "-".join(map(str, name))


def by_seed(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the numbers in the results of parts: for each name a list of one number per seed, nested as the results.

    Examples
    --------
    >>> from brainsim.studies.comparison import by_seed
    >>> by_seed([{"accuracy": 0.5, "links": {"back": 1.0}}, {"accuracy": 0.7, "links": {"back": 0.9}}])
    {'accuracy': [0.5, 0.7], 'links': {'back': [1.0, 0.9]}}
    """
    found: dict[str, Any] = {}
    for name, value in parts[0].items():
        values = [part[name] for part in parts]
        if isinstance(value, Mapping):
            found[name] = by_seed(values)
        elif isinstance(value, int | float):
            found[name] = values
    return found


def scores(parts: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    """Return one score of every part."""
    return [part[name] for part in parts]


def measured(values: Sequence[float], digits: int = 2, *, bounded: bool | Range = False) -> str:
    """Return the mean over seeds with its 95 % interval, as ``1.61 [1.55, 1.67]``, limited as by `interval_95`."""
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
