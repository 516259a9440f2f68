"""The runs of a sweep: the work of each one in its process, and its result."""

from __future__ import annotations

import hashlib
import inspect
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainsim.errors import ExperimentError, unknown
from brainsim.studies.experiment import Experiment
from brainsim.studies.metrics import plain
from brainsim.studies.run import Run
from brainsim.studies.settings import HEADER, Settings


@dataclass(frozen=True)
class Outcome:
    """The result of a run: its metrics, JSON data including ``seconds``, and its notes."""

    metrics: Mapping[str, Any]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class OfFunction:
    """A function of parameters and ``seed`` in the form of a run."""

    function: Callable[..., Any]

    def __call__(self, run: Run, **parameters: Any) -> Mapping[str, Any]:
        return metrics_of(self.function, parameters, run.seed)

    @property
    def name(self) -> str:
        """Name of the function."""
        return getattr(self.function, "__name__", type(self.function).__name__)

    @property
    def sha256(self) -> str:
        """A digest of the text of the function, or of its name if there is no text."""
        try:
            text = inspect.getsource(self.function)
        except (OSError, TypeError):
            text = self.name
        return hashlib.sha256(text.encode()).hexdigest()

    def check(self, names: Mapping[str, Any]) -> None:
        """Refuse parameters that the function does not take, and a function that lacks one or takes no seed."""
        taken = inspect.signature(self.function).parameters
        where = f"function {self.name!r}"
        if any(each.kind is each.VAR_KEYWORD for each in taken.values()):
            return
        known = [name for name, each in taken.items() if each.kind in (each.KEYWORD_ONLY, each.POSITIONAL_OR_KEYWORD)]
        if "seed" not in known:
            raise ExperimentError(f"{where}: must take the keyword argument seed; write def {self.name}(*, n, seed)")
        for name in names:
            if name not in known:
                raise ExperimentError(f"grid {name}: {where}: {unknown('parameter', name, known)}")
        for name, each in taken.items():
            if each.default is each.empty and name not in names and name != "seed":
                raise ExperimentError(f"{where}: needs a value for {name!r}; add it to the grid")


def metrics_of(function: Callable[..., Any], parameters: Mapping[str, Any], seed: int) -> Mapping[str, Any]:
    """Return the result of a function as metrics; a single number is called ``value``."""
    result = function(**parameters, seed=seed)
    return result if isinstance(result, Mapping) else {"value": result}


def in_memory(function: Callable[..., Any], parameters: Mapping[str, Any], seed: int) -> Outcome:
    """Carry out a run of a function that writes no files."""
    began = time.perf_counter()
    own, missing = plain(metrics_of(function, parameters, seed))
    seconds = round(time.perf_counter() - began, 3)
    return Outcome({**own, "seconds": seconds}, tuple(f"metrics: {name} is no finite number" for name in missing))


def in_folder(study: Experiment | OfFunction, settings: Settings, folder: Path) -> Outcome:
    """Carry out a run in its folder, or continue it there.

    A folder without a header comes from a process that was killed just after it began.
    """
    resume = (folder / HEADER).is_file()
    if not resume and folder.exists():
        shutil.rmtree(folder)
    run = Run(folder, settings)
    run.begin(resume=resume)
    try:
        metrics = run.finish(study(run, **settings.parameters))
    except BaseException as error:
        run.abandon("interrupted" if isinstance(error, KeyboardInterrupt) else "failed")
        raise
    return Outcome(metrics, tuple(run.notes))
