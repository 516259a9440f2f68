"""Calls: a function and its arguments, its result or error, and the progress that it reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from brainsim.errors import ExperimentError

_report: ContextVar[Callable[[int], None] | None] = ContextVar("brainsim_report", default=None)


@dataclass(frozen=True)
class Call:
    """A function and its arguments.

    Attributes
    ----------
    function : callable
        A function of a module, a script, a notebook or an experiment file.
    args : tuple
        Its arguments; plain data.
    kwargs : mapping of str to object
        Its arguments by keyword.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self) -> Any:
        return self.function(*self.args, **self.kwargs)


@dataclass(frozen=True)
class Done:
    """What a call returned, and its place among the calls."""

    index: int
    result: Any


@dataclass(frozen=True)
class Failed:
    """What a call raised, or `WorkerError` if its workers died, and its place among the calls."""

    index: int
    error: BaseException


class Watch:
    """Receives events while calls run; a subclass overrides the methods that it needs."""

    def started(self, index: int) -> None:
        """Note that a call begins, or begins again after the death of its worker."""

    def ticked(self, index: int, steps: int) -> None:
        """Note that a call reports a number of steps."""

    def died(self, index: int, how: str) -> None:
        """Note that the worker of a call died."""

    def waiting(self) -> None:
        """Do periodic work: called about once a second while calls run in processes."""


def tick(steps: int = 1) -> None:
    """Report a number of steps of the running call; outside a call nothing happens."""
    report = _report.get()
    if report is not None:
        report(steps)


def inside_call() -> bool:
    """Return whether this code runs in a call, which by default starts no processes and shows no progress."""
    return _report.get() is not None


def carried_out(call: Callable[[], Any], report: Callable[[int], None]) -> Any:
    """Return what a call returns, with its ticks reported; `ExperimentError` if it asks Python to exit."""
    token = _report.set(report)
    try:
        return call()
    except SystemExit as leaving:
        raise ExperimentError(f"call: must not end Python (exit code {leaving.code}); raise an error") from leaving
    finally:
        _report.reset(token)
