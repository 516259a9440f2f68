"""The brain that a Python file declares."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import NoReturn

from brainsim.declare.brain import Brain
from brainsim.errors import BrainsimError, ExperimentError, unknown
from brainsim.simulate.showing import shown_to
from brainsim.studies.experiment import Experiment, experiments_in
from brainsim.studies.processes.modules import load


class _Seen(BaseException):
    """End a file at its first simulator; no ``except Exception`` of the file catches it."""

    def __init__(self, brain: Brain) -> None:
        super().__init__()
        self.brain = brain


def declared_brain(
    path: str | Path, name: str | None = None, *, settings: Sequence[str] = (), quick: bool = False
) -> Brain:
    """Return the brain that a Python file declares, without simulating it.

    The top level of the file runs (as a module, so that what stands under ``if __name__ == "__main__"`` does not), and
    what it prints goes to stderr.  It runs until it builds a simulator, whose brain is returned.  If it builds none,
    the brain is the variable that holds one; if there is none, an experiment in the file runs until it builds its first
    simulator.

    Parameters
    ----------
    path : str or Path
        The file.
    name : str, optional
        The variable that holds the brain, or a function without parameters that returns it; the top level of the file
        then runs to its end.
    settings : sequence of str
        Parameters of an experiment as ``name=value``, as for ``brainsim run --set``.
    quick : bool
        Whether an experiment takes its quick parameters.

    Raises
    ------
    ExperimentError
        If the file cannot be run, or it is not clear which brain is meant.
    """
    try:
        with _running(path), redirect_stdout(sys.stderr):
            if name is not None:
                return _named(path, load(path), name)
            with shown_to(_stop):
                return _found(path, load(path), settings, quick)
    except _Seen as seen:
        return seen.brain


def _stop(brain: Brain) -> NoReturn:
    raise _Seen(brain)


@contextmanager
def _running(path: str | Path) -> Iterator[None]:
    """Run a file as a program without arguments; an error becomes one line with its place."""
    before, sys.argv = sys.argv, [str(path)]
    try:
        yield
    except BrainsimError as error:
        line = _line(path, error)
        if isinstance(error, ExperimentError) or not line:
            raise
        raise ExperimentError(f"{path}{line}: {error}") from error
    except (Exception, SystemExit) as error:  # whatever a user's file may raise
        raise ExperimentError(f"{path}{_line(path, error)}: raised {type(error).__name__}: {error}") from error
    finally:
        sys.argv = before


def _line(path: str | Path, error: BaseException) -> str:
    """Return the last line of the file in the traceback of an error, as text."""
    numbers = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(Path(path).resolve())]
    return f", line {numbers[-1]}" if numbers else ""


def _named(path: str | Path, module: ModuleType, name: str) -> Brain:
    if name not in vars(module):
        candidates = [*_brains(module), *_functions(module)]
        raise ExperimentError(f"--brain {name}: {path} has no such name; {unknown('brain', name, candidates)}")
    value = getattr(module, name)
    brain = value() if callable(value) and not isinstance(value, Brain | Experiment) else value
    if not isinstance(brain, Brain):
        raise ExperimentError(
            f"--brain {name}: must be a Brain, or a function without parameters that returns one (got {brain!r})"
        )
    return brain


def _found(path: str | Path, module: ModuleType, settings: Sequence[str], quick: bool) -> Brain:
    brains, experiments = _brains(module), experiments_in(module)
    if len({id(brain) for brain in brains.values()}) == 1:
        return next(iter(brains.values()))
    if brains:
        raise ExperimentError(f"{path}: declares several brains; choose one with --brain: {', '.join(brains)}")
    if len(experiments) == 1:
        _run(Path(path), experiments[0], settings, quick)
    what = "its experiment builds no simulator" if experiments else "declares no brain and no experiment"
    raise ExperimentError(
        f"{path}: {what}; give the variable that holds a brain, or a function that returns one, with --brain NAME"
    )


def _brains(module: ModuleType) -> dict[str, Brain]:
    return {name: value for name, value in vars(module).items() if isinstance(value, Brain)}


def _functions(module: ModuleType) -> dict[str, Callable[[], object]]:
    own = {name: value for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__}
    return {name: value for name, value in own.items() if callable(value) and not isinstance(value, type | Experiment)}


def _run(path: Path, experiment: Experiment, settings: Sequence[str], quick: bool) -> None:
    """Run an experiment, in a folder that is deleted, until it builds a simulator."""
    from brainsim.studies.run import Run
    from brainsim.studies.settings import Settings

    parameters = experiment.parameters(settings, quick=quick)
    with TemporaryDirectory() as folder:
        made = Settings.of_file(path, seed=0, quick=quick, parameters=parameters, backend="reference")
        run = Run(Path(folder) / "run", made)
        run.begin(resume=False)
        try:
            experiment(run, **parameters)
        finally:
            with suppress(OSError):  # of what an experiment may have left
                run.abandon("interrupted")
