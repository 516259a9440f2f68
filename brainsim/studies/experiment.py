"""Experiments: plain Python files with one decorated function whose keyword arguments are the parameters.

Such a file reads::

    @experiment(quick={"sentences": 50})
    def my_study(run: Run, *, n: int = 100_000, sentences: int = 500) -> dict[str, object]:
        ...
        return {"score": 0.9}
"""

from __future__ import annotations

import importlib
import inspect
import math
import sys
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from brainsim.errors import ExperimentError, unknown
from brainsim.studies.descriptions import descriptions
from brainsim.studies.processes.modules import load

if TYPE_CHECKING:
    from brainsim.studies.run import Run

Value = int | float | bool | str | Path | None
Function = Callable[..., Mapping[str, Any]]
_TYPES: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    Path: "a file",
}
_FILES = (Path, Path | None)  # the second one if the file is optional
_OPTIONS = ("backend", "threads", "jobs", "seed", "out")  # of `brainsim run`, which are no parameters
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Experiment:
    """A study that the command line can run.

    Attributes
    ----------
    function : callable
        Takes a `Run` and the parameters by keyword; returns metrics that can be written as JSON.
    types : mapping of str to type
        Type of each parameter: int, float, bool, str or Path, which names a file.
    defaults : mapping of str to value
        Default value of each parameter.
    quick : mapping of str to value
        Values with ``--quick`` instead of the defaults.
    choices : mapping of str to tuple of str
        The values that a parameter annotated ``Literal["one", "other"]`` may have.
    """

    function: Function
    types: Mapping[str, type]
    defaults: Mapping[str, Value]
    quick: Mapping[str, Value] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the function."""
        return self.function.__name__

    def __reduce__(self) -> tuple[Any, ...]:
        # The function has the name of the experiment, so by that name the experiment is sent to another process.
        module = self.function.__module__
        if module != "__main__" and getattr(sys.modules.get(module), self.name, None) is self:
            return _of_module, (module, self.name)
        return Experiment, (self.function, self.types, self.defaults, self.quick, self.choices)

    @property
    def help(self) -> dict[str, str]:
        """The meanings of the parameters by name, from the docstring of the function."""
        return descriptions(self.function)

    def __call__(self, run: Run, **parameters: Value) -> Mapping[str, Any]:
        """Run it with these parameters, and defaults for the others.

        Raises
        ------
        ExperimentError
            If a text is not one of the choices of its parameter.
        """
        for name, value in parameters.items():
            self.check_choice(f"{self.name}: {name}", name, value)
        return self.function(run, **{**self.defaults, **parameters})

    def parameters(self, settings: Iterable[str] = (), *, quick: bool = False) -> dict[str, Value]:
        """Return all parameters, given ``name=value`` texts.

        Raises
        ------
        ExperimentError
            If a setting has no ``=``, names no parameter, is given twice, or its value has the wrong type.
        """
        given: dict[str, Value] = {}
        for setting in settings:
            name, equals, text = setting.partition("=")
            name = name.strip()
            if not equals:
                raise ExperimentError(f"--set {setting}: must have the form name=value")
            if name not in self.types:
                hint = f"; it is an option: --{name} {text.strip()}" if name in _OPTIONS else ""
                raise ExperimentError(f"--set {setting}: {unknown('parameter', name, self.types)}{hint}")
            if name in given:
                raise ExperimentError(f"--set {setting}: {name!r} is set twice; give it once")
            given[name] = converted(f"--set {setting}", self.types[name], text.strip())
            self.check_choice(f"--set {setting}", name, given[name])
        return {**self.defaults, **(self.quick if quick else {}), **given}

    def check_choice(self, where: str, name: str, value: Value) -> None:
        """Refuse a text that is not one of the choices of its parameter."""
        allowed = self.choices.get(name)
        if allowed is not None and value not in allowed:
            raise ExperimentError(where=where, value=value, allowed=f"one of {', '.join(allowed)}")

    def resumed(self, settings: Iterable[str], before: Mapping[str, Any], *, quick: bool) -> dict[str, Value]:
        """Return the parameters of a run that is continued: those it had ``before``, as JSON data, and given texts.

        Raises the same errors as `parameters`.
        """
        every = self.parameters(settings, quick=quick)
        given = {setting.partition("=")[0].strip() for setting in settings}
        files = {name for name, kind in self.types.items() if kind is Path}
        had = {name: Path(value) if name in files and value else value for name, value in before.items()}
        return {name: value if name in given else had.get(name, value) for name, value in every.items()}


def _of_module(module: str, name: str) -> Experiment:
    found: Experiment = getattr(importlib.import_module(module), name)
    return found


def type_name(kind: type) -> str:
    """Return the name of a type in words."""
    return _TYPES[kind]


def converted(where: str, kind: type, text: str) -> Value:
    """Return a text as a value of the type of a parameter; `ExperimentError` if it is none."""
    try:
        if kind is Path:
            return Path(text) if text else None
        if kind is bool:
            return _TRUTH[text.lower()]
        if kind is int and not text.lstrip("+-").replace("_", "").isdigit():
            return _whole(float(text))
        value: Value = kind(text)
        if kind is float and not math.isfinite(value):  # type: ignore[arg-type]
            raise ValueError
    except (ValueError, KeyError, OverflowError):
        raise ExperimentError(f"{where}: must be {_TYPES[kind]} (got {text!r})") from None
    return value


def _whole(number: float) -> int:
    # Lets users write n=1e6.
    if int(number) != number:
        raise ValueError
    return int(number)


@typing.overload
def experiment(function: Function) -> Experiment: ...
@typing.overload
def experiment(*, quick: Mapping[str, Value] | None = None) -> Callable[[Function], Experiment]: ...


def experiment(
    function: Function | None = None, *, quick: Mapping[str, Value] | None = None
) -> Experiment | Callable[[Function], Experiment]:
    """Make a function an experiment: ``function(run, *, name: type = default, ...) -> metrics``.

    Raises
    ------
    ExperimentError
        If a parameter has no default or is not annotated int, float, bool, str, Path, ``Path | None`` or
        ``Literal["one", "other"]``, whose value must be one of these texts, or ``quick`` names no parameter.
    """
    if not isinstance(quick, Mapping | None):
        raise ExperimentError(where="experiment.quick", value=quick, allowed="a mapping of parameters to values")
    if function is not None and not isinstance(function, FunctionType):
        raise ExperimentError(where="experiment", value=function, allowed="put on a function")

    def decorate(decorated: Function) -> Experiment:
        return _declare(decorated, quick or {})

    return decorate if function is None else decorate(function)


def _declare(function: Function, quick: Mapping[str, Value]) -> Experiment:
    where = f"experiment {function.__name__!r}"
    types: dict[str, type] = {}
    defaults: dict[str, Value] = {}
    choices: dict[str, tuple[str, ...]] = {}
    for parameter in list(inspect.signature(function, eval_str=True).parameters.values())[1:]:
        kind, allowed = _kind(parameter.annotation)
        if kind not in _TYPES or parameter.default is parameter.empty:
            raise ExperimentError(
                f"{where}: parameter {parameter.name!r} must be annotated int, float, bool, str, Path or Literal "
                "of texts, and have a default"
            )
        if allowed:
            choices[parameter.name] = allowed
        types[parameter.name], defaults[parameter.name] = kind, parameter.default
    for name in quick:
        if name not in types:
            raise ExperimentError(f"{where}: quick: {unknown('parameter', name, types)}")
    for name, texts in choices.items():
        for value in (defaults[name], quick.get(name, defaults[name])):
            if value not in texts:
                raise ExperimentError(where=f"{where}: {name}", value=value, allowed=f"one of {', '.join(texts)}")
    return Experiment(function, types, defaults, dict(quick), choices)


def _kind(annotation: Any) -> tuple[Any, tuple[str, ...]]:
    """Return the type of a parameter, and its choices if it is a ``Literal``."""
    if typing.get_origin(annotation) is typing.Literal:
        allowed = typing.get_args(annotation)
        return (str, allowed) if all(isinstance(each, str) for each in allowed) else (annotation, ())
    return (Path if annotation in _FILES else annotation), ()


def load_experiment(path: str | Path) -> Experiment:
    """Return the experiment that a Python file declares.

    Raises
    ------
    ExperimentError
        If the file does not exist, is not Python, or does not hold exactly one experiment.
    """
    found = experiments_in(load(path))
    if len(found) != 1:
        names = ", ".join(one.name for one in found) or "none"
        raise ExperimentError(
            f"{path}: must have exactly one function decorated with @brainsim.experiment (found {names})"
        )
    return found[0]


def experiments_in(module: ModuleType) -> list[Experiment]:
    """Return the experiments that a module declares."""
    return [value for value in vars(module).values() if isinstance(value, Experiment)]
