"""Errors that name the object, the value, what is allowed, and how to fix it.

Every error is a `BrainsimError` and also the matching built-in error, so ``except ValueError`` works as expected.
"""

from __future__ import annotations

import difflib
import pickle
from collections.abc import Iterable
from typing import Any


class BrainsimError(Exception):
    """Base of all errors that brainsim raises on purpose.

    Parameters
    ----------
    message : str, optional
        The text.  If empty, it is made from the other parts: ``<where>: must be <allowed> (got <value>); <cure>``.
    where : str
        Object and attribute, as in ``Area 'Lex1'.k``.
    value : object
        What was given.
    allowed : str
        What would have been accepted.
    cure : str
        What to do about it.

    Attributes
    ----------
    where, value, allowed, cure
        As given; empty (``value``: None) where an error only has a message.

    Examples
    --------
    >>> from brainsim import Area, BrainsimError
    >>> try:
    ...     Area("Lex1", n=1000, k=5000)
    ... except BrainsimError as error:
    ...     print(error)
    ...     print(error.value)
    Area 'Lex1'.k: must be between 1 and n = 1000 (got 5000); lower k or raise n
    5000
    """

    def __init__(
        self, message: str | None = None, *, where: str = "", value: object = None, allowed: str = "", cure: str = ""
    ) -> None:
        super().__init__(*(() if message is None else (message,)))
        self.where, self.value, self.allowed, self.cure = where, value, allowed, cure

    def __str__(self) -> str:
        # KeyError would show the message in quotes.
        if self.args:
            return str(self.args[0])
        if not self.where:
            return type(self).__name__
        ending = f"; {self.cure}" if self.cure else ""
        return f"{self.where}: must be {self.allowed} (got {_shown(self.value)}){ending}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        # An error must reach another process even if its value cannot be pickled.
        kept = {name: held for name, held in vars(self).items() if _can_be_pickled(held)}
        return type(self), (str(self),), {"value": None, **kept}


def _can_be_pickled(held: object) -> bool:
    try:
        pickle.dumps(held)
    except Exception:  # whatever an object's own methods may raise
        return False
    return True


def _shown(value: object) -> str:
    short = f"{value:g}" if isinstance(value, float) else ""
    if short and float(short) == value:
        return short
    first, *others = repr(value).splitlines() or [""]
    return f"{first} …" if others else first  # a region shows its parts, a line each


class DeclarationError(BrainsimError, ValueError):
    """A declaration (area, fiber, pattern, plasticity rule) that is not valid."""


class UnknownNameError(BrainsimError, KeyError):
    """A name that was not declared."""


class FrozenBrainError(BrainsimError, RuntimeError):
    """A change to a brain from which a simulator has already been built."""


class SimulationError(BrainsimError, RuntimeError):
    """A request that the simulator cannot carry out in its present state."""


class BackendError(BrainsimError, RuntimeError):
    """A backend that cannot run here or cannot run this brain."""


class BackendMemoryError(BrainsimError, MemoryError):
    """A brain that does not fit into memory."""


class LexiconError(BrainsimError, ValueError):
    """A word list that cannot be used."""


class DumpError(BrainsimError, ValueError):
    """A file with wrong content, or of another brain."""


class ComparisonError(BrainsimError, ValueError):
    """Two files or folders that cannot be compared, because they hold different kinds of data."""


class ExperimentError(BrainsimError, ValueError):
    """An experiment file or a parameter that cannot be used."""


class RunFolderError(BrainsimError, OSError):
    """A run folder that cannot be written or continued."""


class UnwrittenError(DumpError, RunFolderError):
    """A file that cannot be written: the disk is full, the folder is missing, or writing is not permitted.

    An existing file keeps its content, and no partial file is left.
    """


class WorkerError(BrainsimError, RuntimeError):
    """A call whose worker processes died, or workers that cannot be started."""


class MissingPackageError(BrainsimError, ImportError):
    """A package that is not installed, and the extra of brainsim that installs it."""


class SilentWarning(UserWarning):
    """A run in which no neuron fires, or the assembly of an area that never fired: often a forgotten stimulus."""


class UnusedWarning(UserWarning):
    """An area that never fired or a fiber that was never opened: often a forgotten connection."""


class FailedRunWarning(UserWarning):
    """Runs of a sweep that ended with an error; the table of the sweep names it."""


def unknown(kind: str, name: object, known: Iterable[str]) -> str:
    """Return ``unknown <kind> 'x'`` with the closest known names, or all known names if none is close."""
    names = list(known)
    parts = [each for each in names if each.endswith(f".{name}")]  # of regions, by their names in it
    close = parts or difflib.get_close_matches(str(name), names, n=1, cutoff=0.6)
    if close:
        hint = f"did you mean {' or '.join(map(repr, close))}?"
    elif names:
        shown = ", ".join(repr(n) for n in names[:12]) + (f", … ({len(names)} in all)" if len(names) > 12 else "")
        hint = f"known: {shown}"
    else:
        hint = "none has been declared"
    return f"unknown {kind} {name!r}; {hint}"
