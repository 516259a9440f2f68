"""Errors that say what is wrong, where, what is allowed and what to do about it.

Every error is a `BrainsimError` and also the builtin that fits, so that ``except ValueError`` works as expected.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BrainsimError(Exception):
    """Base of all errors that brainsim raises on purpose."""

    def __str__(self) -> str:
        # KeyError would show the message in quotes.
        return str(self.args[0]) if self.args else type(self).__name__


class DeclarationError(BrainsimError, ValueError):
    """A declaration (area, fiber, pattern, plasticity rule) that makes no sense."""


class UnknownNameError(BrainsimError, KeyError):
    """A name that nothing was declared under."""


class FrozenBrainError(BrainsimError, RuntimeError):
    """A change to a brain that a simulator has already been built from."""


class SimulationError(BrainsimError, RuntimeError):
    """A request that the simulator cannot carry out in its present state."""


class BackendError(BrainsimError, RuntimeError):
    """A backend that cannot run here or cannot run this brain."""


class BackendMemoryError(BrainsimError, MemoryError):
    """A brain that does not fit into memory."""


class LexiconError(BrainsimError, ValueError):
    """A word list that cannot be used."""


class DumpError(BrainsimError, ValueError):
    """A file that does not hold what it should, or belongs to another brain."""


class ExperimentError(BrainsimError, ValueError):
    """An experiment file or a parameter that cannot be used."""


class RunFolderError(BrainsimError, OSError):
    """A run folder that cannot be written or continued."""


class UnusedWarning(UserWarning):
    """An area that never fired or a fiber that was never opened: often a forgotten connection."""


def unknown(kind: str, name: object, known: Iterable[str]) -> str:
    """Return ``unknown <kind> 'x'`` with the closest known name, or all known names if none is close."""
    names = list(known)
    close = difflib.get_close_matches(str(name), names, n=1, cutoff=0.6)
    if close:
        hint = f"did you mean {close[0]!r}?"
    elif names:
        shown = ", ".join(repr(n) for n in names[:12]) + (f", … ({len(names)} in all)" if len(names) > 12 else "")
        hint = f"known: {shown}"
    else:
        hint = "none has been declared"
    return f"unknown {kind} {name!r}; {hint}"
