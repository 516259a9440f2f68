"""The plan of a sweep: its runs, each with its settings, its folder and its call."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from brainsim.errors import ExperimentError
from brainsim.studies.experiment import Experiment, load_experiment
from brainsim.studies.processes import Call
from brainsim.studies.settings import Settings, hashes
from brainsim.studies.sweeping import grid as grids
from brainsim.studies.sweeping.folder import SweepFolder
from brainsim.studies.sweeping.grid import Grid
from brainsim.studies.sweeping.trials import OfFunction, in_folder, in_memory

Study = Experiment | OfFunction


@dataclass(frozen=True)
class Trial:
    """One run of a sweep.

    Attributes
    ----------
    condition : int
        The place of its values in the grid.
    point : mapping
        Its values of the parameters in the grid.
    settings : Settings
        Its seed and all its parameters.
    folder : Path, optional
        The folder for its files.
    """

    condition: int
    point: Mapping[str, Any]
    settings: Settings
    folder: Path | None

    def call(self, study: Study, threads: int | None) -> Call:
        """Return the call for its process."""
        if self.folder is None:
            assert isinstance(study, OfFunction)
            return Call(in_memory, (study.function, self.settings.parameters, self.settings.seed))
        return Call(in_folder, (study, replace(self.settings, threads=threads), self.folder))


@dataclass(frozen=True)
class Plan:
    """The runs of a sweep.

    Attributes
    ----------
    study : Experiment or OfFunction
        The function or experiment to run.
    settings : Settings
        Those of the first run, without the parameters in the grid.
    grid : Grid
        Parameters and seeds of the runs.
    """

    study: Study
    settings: Settings
    grid: Grid

    def trials(self, folder: SweepFolder | None) -> list[Trial]:
        """Return all runs, those of one combination of values together.

        Raises
        ------
        ExperimentError
            If a file that a parameter names cannot be read.
        """
        found = []
        for condition, point in enumerate(self.grid.conditions()):
            parameters = {**point, **self.settings.parameters}
            here = replace(self.settings, parameters=parameters, inputs=hashes(parameters))
            for seed in self.grid.seeds:
                place = folder.run_folder(point, seed) if folder else None
                found.append(Trial(condition, point, replace(here, seed=seed), place))
        return found


def of_study(
    study: Any, grid: Any, seeds: Any, parameters: Mapping[str, Any] | None, *, quick: bool, backend: str
) -> Plan:
    """Return the plan of a sweep that is given in Python.

    Raises
    ------
    ExperimentError
        If ``study`` is neither a function nor an experiment, or the grid does not fit it.
    """
    fixed = dict(parameters or {})
    if isinstance(study, str | Path):
        return of_file(Path(study), load_experiment(study), grid, seeds, fixed, quick=quick, backend=backend)
    if isinstance(study, Experiment):
        return of_file(_file_of(study), study, grid, seeds, fixed, quick=quick, backend=backend)
    if not callable(study):
        raise ExperimentError(f"sweep: must be given a function, an experiment or the path of one (got {study!r})")
    function = OfFunction(study)
    points = Grid(grids.of_values(grid, None, fixed), grids.of_seeds(seeds))
    function.check({**points.values, **fixed})
    name = f"{getattr(study, '__module__', '')}.{function.name}"
    settings = Settings(name, function.sha256, points.seeds[0], quick, fixed, backend=backend)
    return Plan(function, settings, points)


def of_file(
    file: Path, experiment: Experiment, grid: Any, seeds: Any, fixed: Mapping[str, Any], *, quick: bool, backend: str
) -> Plan:
    """Return the plan of a sweep of an experiment."""
    points = Grid(grids.of_values(grid, experiment, fixed), grids.of_seeds(seeds))
    given = {name: grids.of_type(f"parameters {name}", name, experiment, value) for name, value in fixed.items()}
    every = {**experiment.defaults, **(experiment.quick if quick else {}), **given}
    return of_parameters(file, experiment, points, every, quick=quick, backend=backend)


def of_parameters(
    file: Path, experiment: Experiment, grid: Grid, parameters: Mapping[str, Any], *, quick: bool, backend: str
) -> Plan:
    """Return the plan of a sweep, given all parameters; those in the grid take its values."""
    fixed = {name: value for name, value in parameters.items() if name not in grid.values}
    settings = Settings.of_file(file, seed=grid.seeds[0], quick=quick, parameters=fixed, backend=backend)
    return Plan(experiment, settings, grid)


def _file_of(experiment: Experiment) -> Path:
    file = inspect.getsourcefile(experiment.function)
    if file is None or not Path(file).is_file():
        raise ExperimentError(f"experiment {experiment.name!r}: must stand in a file to be swept; save it as one")
    return Path(file)
