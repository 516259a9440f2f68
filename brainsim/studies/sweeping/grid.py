"""The grid of a sweep: values for some parameters, and seeds; every combination is a run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from brainsim._validation import whole
from brainsim.errors import ExperimentError, unknown
from brainsim.studies.experiment import Experiment, converted, type_name

MOST_RUNS = 100_000
_HIGHEST_SEED = 2**62


@dataclass(frozen=True)
class Grid:
    """Values by parameter, and seeds.

    Attributes
    ----------
    values : mapping of str to tuple
        The values of each parameter, in the order given.
    seeds : tuple of int
        The seeds of each combination.
    """

    values: Mapping[str, tuple[Any, ...]]
    seeds: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self) > MOST_RUNS:
            raise ExperimentError(f"grid: must have at most {MOST_RUNS:_} runs (got {len(self):_}); split the sweep")
        for name, values in self.values.items():
            _check_different(f"grid {name}", values, "give each value once")
        _check_different("seeds", self.seeds, "give each seed once")

    def __len__(self) -> int:
        return math.prod(map(len, self.values.values())) * len(self.seeds)

    def conditions(self) -> Iterator[dict[str, Any]]:
        """Yield the combinations of values; those of the last parameter change fastest."""
        for values in product(*self.values.values()):
            yield dict(zip(self.values, values, strict=True))

    def plain(self) -> dict[str, list[Any]]:
        """Return the values as JSON data."""
        return {
            name: [str(value) if isinstance(value, Path) else value for value in values]
            for name, values in self.values.items()
        }

    def holds(self, values: Mapping[str, Sequence[Any]], seeds: Iterable[int]) -> bool:
        """Return whether all runs of another grid, as JSON data, are among these."""
        own = self.plain()
        same = list(own) == list(values)
        return (
            same and set(seeds) <= set(self.seeds) and all(each in own[name] for name in own for each in values[name])
        )


def _check_different(where: str, values: Sequence[Any], cure: str) -> None:
    names = Counter(map(repr, values))  # values need not be hashable
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise ExperimentError(f"{where}: {twice[0]} is given twice; {cure}")


def of_texts(settings: Iterable[str], experiment: Experiment, fixed: Iterable[str]) -> dict[str, tuple[Any, ...]]:
    """Return values by parameter, given ``name=value,value`` texts; numbers may be ``start:stop:count``.

    Raises
    ------
    ExperimentError
        If a text has no ``=``, does not name a parameter, names one twice or a fixed one, or has an empty value or one
        of the wrong type.
    """
    given: dict[str, tuple[Any, ...]] = {}
    fixed = [setting.partition("=")[0].strip() for setting in fixed]
    for setting in settings:
        name, equals, text = setting.partition("=")
        where, name = f"--grid {setting}", name.strip()
        if not equals:
            raise ExperimentError(f"{where}: must have the form name=value,value")
        _check_name(where, name, experiment.types, fixed)
        if name in given:
            raise ExperimentError(f"{where}: {name!r} is in the grid twice; give all its values at once")
        texts = [each.strip() for each in text.split(",")]
        if not all(texts):
            raise ExperimentError(f"{where}: a value is empty; separate values by single commas")
        given[name] = tuple(value for each in texts for value in _values(where, experiment.types[name], each))
        for value in given[name]:
            experiment.check_choice(where, name, value)
    return given


def of_values(grid: Any, experiment: Experiment | None, fixed: Iterable[str]) -> dict[str, tuple[Any, ...]]:
    """Return values by parameter as given in Python, checked against an experiment, if there is one."""
    if not isinstance(grid, Mapping):
        raise ExperimentError(f"grid: must be a mapping of parameters to lists of values (got {grid!r})")
    checked = {}
    for name, values in grid.items():
        where = f"grid {name}"
        if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
            raise ExperimentError(f"{where}: must be a list of values (got {values!r}); write [{values!r}]")
        plain = [value.item() if isinstance(value, np.generic) else value for value in values]
        if not plain:
            raise ExperimentError(f"{where}: must have at least one value (got {values!r})")
        if experiment is not None:
            _check_name(where, name, experiment.types, fixed)
            plain = [of_type(where, name, experiment, value) for value in plain]
        elif name in fixed:
            raise ExperimentError(f"{where}: {name!r} is among the fixed parameters, too; give it once")
        checked[str(name)] = tuple(plain)
    return checked


def of_seeds(seeds: Any, first: int = 0) -> tuple[int, ...]:
    """Return seeds, given how many or which."""
    count = whole(seeds)
    if count is not None:
        if count < 1:
            raise ExperimentError(f"seeds: must be at least 1 (got {count})")
        if count > MOST_RUNS:
            raise ExperimentError(f"seeds: must be at most {MOST_RUNS:_} (got {count:_}); split the sweep")
        return tuple(range(first, first + count))
    if isinstance(seeds, str | bytes | Mapping) or not isinstance(seeds, Iterable):
        raise ExperimentError(f"seeds: must be a number of seeds or a list of seeds (got {seeds!r})")
    each = tuple(map(_seed, seeds))
    if not each:
        raise ExperimentError("seeds: must be at least one (got none)")
    return each


def _seed(value: Any) -> int:
    seed = whole(value)
    if seed is None or not 0 <= seed <= _HIGHEST_SEED:
        raise ExperimentError(f"seeds: must be whole numbers between 0 and 2**62 (got {value!r})")
    return seed


def of_type(where: str, name: str, experiment: Experiment, value: Any) -> Any:
    """Return a value given in Python as one of a parameter; `ExperimentError` if the parameter cannot have it."""
    kind = experiment.types.get(name)
    if kind is None:
        raise ExperimentError(f"{where}: {unknown('parameter', name, experiment.types)}")
    experiment.check_choice(where, name, value)
    if kind is Path and (value is None or isinstance(value, str | Path)):
        return None if value is None else Path(value)
    if kind is int and whole(value) is not None:
        return whole(value)
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    if kind in (bool, str) and isinstance(value, kind):
        return value
    raise ExperimentError(f"{where}: must be {type_name(kind)} (got {value!r})")


def _check_name(where: str, name: str, types: Mapping[str, type], fixed: Iterable[str]) -> None:
    if name == "seed" and name not in types:
        raise ExperimentError(f"{where}: seeds are no parameter; say how many with --seeds, in Python by seeds=")
    if name not in types:
        raise ExperimentError(f"{where}: {unknown('parameter', name, types)}")
    if name in fixed:
        raise ExperimentError(f"{where}: {name!r} is set to one value, too; give it once")


def _values(where: str, kind: type, text: str) -> list[Any]:
    """Return the values of a text: one, or those of a range of numbers including its ends."""
    parts = text.split(":")
    if kind not in (int, float) or len(parts) != 3:
        return [converted(where, kind, text)]
    start, stop = (float(converted(where, kind, part)) for part in parts[:2])  # type: ignore[arg-type]
    logarithmic, count = parts[2].startswith("log"), parts[2].removeprefix("log")
    if not count.isdigit() or not 2 <= int(count) <= MOST_RUNS:
        raise ExperimentError(f"{where}: a range must end in the number of its values (got {parts[2]!r}); 1e4:1e6:log5")
    if logarithmic and min(start, stop) <= 0:
        raise ExperimentError(f"{where}: a logarithmic range must be above 0 (got {text!r})")
    spaced = np.geomspace(start, stop, int(count)) if logarithmic else np.linspace(start, stop, int(count))
    return [round(value) if kind is int else float(f"{value:.12g}") for value in spaced.tolist()]
