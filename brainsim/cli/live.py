"""The progress of a sweep: a live table on a terminal, a line per run elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING, Any

import click

from brainsim.studies.inspecting.table import counted
from brainsim.studies.sweeping.rows import FAILED, OWN, Row
from brainsim.studies.sweeping.work import SweepWatch

if TYPE_CHECKING:
    from rich.progress import Progress
    from rich.table import Table

    from brainsim.studies.sweeping.plan import Plan, Trial

_SCORES = 3
"""Number of metrics that fit into the table."""


@contextmanager
def shown(plan: Plan) -> Iterator[SweepWatch]:
    """Show the progress of a sweep on stderr during the block."""
    if not sys.stderr.isatty():
        yield Lines(plan)
        return
    from rich.console import Console
    from rich.live import Live

    table = LiveTable(plan)
    with Live(get_renderable=table.drawn, console=Console(stderr=True), refresh_per_second=2):
        yield table


@dataclass
class Lines(SweepWatch):
    """Writes a line for each run, with the time left, and for each death."""

    plan: Plan
    _trials: Sequence[Trial] = ()
    _waiting: Sequence[int] = ()
    _done: int = 0
    _began: float = field(default_factory=time.monotonic)

    def begun(self, trials: Sequence[Trial], waiting: Sequence[int]) -> None:
        """Print the number of runs."""
        self._trials, self._waiting = trials, waiting
        done = len(trials) - len(waiting)
        click.echo(counted(len(trials), "run") + (f", {done} of them done before" if done else ""), err=True)

    def finished(self, index: int, row: Row) -> None:
        """Print the result of a run."""
        if index not in self._waiting:
            return
        self._done += 1
        left = len(self._waiting) - self._done
        seconds = (time.monotonic() - self._began) / self._done * left
        result = row["error"] if row["status"] == FAILED else _scores_of(row, self._trials[index])
        done = len(self._trials) - left
        ending = f"; {_duration(seconds)} left" if left else ""
        click.echo(f"[{done}/{len(self._trials)}] {_named(self._trials[index])}: {result}{ending}", err=True)

    def died(self, index: int, how: str) -> None:
        """Print that a worker died."""
        if how:
            name = _named(self._trials[self._waiting[index]])
            click.echo(f"{name}: its worker process died ({how}) and is replaced", err=True)


@dataclass
class LiveTable(SweepWatch):
    """A table with a row for each condition: runs done and failed, and means of metrics; below it the time left."""

    plan: Plan
    rows: list[list[Row]] = field(default_factory=list)
    running: dict[int, int] = field(default_factory=dict)
    deaths: int = 0
    _trials: Sequence[Trial] = ()
    _waiting: Sequence[int] = ()
    _bar: Progress | None = None
    _task: Any = None

    def begun(self, trials: Sequence[Trial], waiting: Sequence[int]) -> None:
        """Make the table and the bar."""
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._trials, self._waiting = trials, waiting
        self.rows = [[] for _ in self.plan.grid.conditions()]
        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
        self._bar = Progress(*columns, speed_estimate_period=3600)
        self._task = self._bar.add_task("", total=len(waiting))

    def started(self, index: int) -> None:
        """Count a run as running."""
        self.running[index] = self._trials[self._waiting[index]].condition

    def died(self, index: int, how: str) -> None:
        """Count a death."""
        self.running.pop(index, None)
        self.deaths += bool(how)

    def finished(self, index: int, row: Row) -> None:
        """Put a run into the table."""
        self.rows[self._trials[index].condition].append(row)
        if index in self._waiting and self._bar is not None:
            self.running.pop(self._waiting.index(index), None)
            self._bar.advance(self._task)

    def drawn(self) -> Any:
        """Return the content of the terminal."""
        from rich.console import Group

        if self._bar is None:
            return ""
        one = self.deaths == 1
        dead = f"{self.deaths} worker process{'' if one else 'es'} died and {'was' if one else 'were'} replaced"
        notes = [dead] if self.deaths else []
        return Group(self._table(), self._bar, *notes)

    def _table(self) -> Table:
        from rich import box
        from rich.table import Table

        points = list(self.plan.grid.conditions())
        scores = _scores([row for rows in self.rows for row in rows], self._trials[0])
        table = Table(*self.plan.grid.values, "done", "running", "failed", *scores, box=box.SIMPLE_HEAD)
        for condition in self._visible(len(points)):
            rows = self.rows[condition]
            failed = sum(row["status"] == FAILED for row in rows)
            running = list(self.running.values()).count(condition)
            counts = [f"{len(rows)}/{len(self.plan.grid.seeds)}", str(running or ""), str(failed or "")]
            table.add_row(*map(str, points[condition].values()), *counts, *(_mean(rows, score) for score in scores))
        return table

    def _visible(self, conditions: int) -> Sequence[int]:
        """Return the conditions that fit on the screen: those around the first one that is not complete."""
        import shutil

        room = max(3, shutil.get_terminal_size().lines - 8)
        whole = [len(rows) == len(self.plan.grid.seeds) for rows in self.rows]
        first = whole.index(False) if False in whole else 0
        start = max(0, min(first - room // 4, conditions - room))
        return range(start, min(conditions, start + room))


def _named(trial: Trial) -> str:
    return " ".join(f"{name}={value}" for name, value in {**trial.point, "seed": trial.settings.seed}.items())


def _scores(rows: Sequence[Row], trial: Trial) -> list[str]:
    """Return the first metrics that are numbers."""
    others = {*OWN, *trial.settings.parameters}
    names = dict.fromkeys(
        name
        for row in rows[:1]
        for name, value in row.items()
        if name not in others and isinstance(value, int | float) and not isinstance(value, bool)
    )
    return list(names)[:_SCORES]


def _scores_of(row: Row, trial: Trial) -> str:
    return ", ".join(f"{name} {row[name]:.4g}" for name in _scores([row], trial)) or "finished"


def _mean(rows: Sequence[Row], score: str) -> str:
    values = [row[score] for row in rows if isinstance(row.get(score), int | float)]
    return f"{fmean(values):.4g}" if values else ""


def _duration(seconds: float) -> str:
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {left} s" if minutes else f"{left} s"
