"""Tables of a state that are returned without a copy."""

from __future__ import annotations

import numpy as np

from brainsim.kernels.state import Floats, Table


class Held:
    """One table of the state.  A returned table keeps its numbers: a table that a caller may hold is not written to.

    So a probe or a read costs no copy as long as nothing changes.
    """

    def __init__(self, rows: Floats) -> None:
        self._value = _read_only(rows)
        self._rows = rows
        self._spare: Floats | None = None
        self._seen = False

    @property
    def rows(self) -> Floats:
        """The present numbers, not to be written to."""
        return self._rows

    @property
    def nbytes(self) -> int:
        """Bytes allocated."""
        return self._rows.nbytes + (0 if self._spare is None else self._spare.nbytes)

    def read(self) -> Table:
        """Return the value: the same object until it changes."""
        self._seen = True
        return self._value

    def write(self, value: Table) -> None:
        """Replace the value by one that others may hold."""
        rows = np.ascontiguousarray(value.rows)
        # A value that was returned before is the same object again, so that it counts as unchanged.
        self._value = value if rows is value.rows and not rows.flags.writeable else _read_only(rows)
        self._rows, self._seen = rows, True

    def own(self) -> Floats:
        """Return the numbers, to be written to."""
        if self._seen:
            self._become(self._rows.copy())
        return self._rows

    def spare(self) -> Floats:
        """Return an array of the same shape to write new numbers into, for `swap`."""
        if self._spare is None:
            self._spare = np.empty_like(self._rows)
        return self._spare

    def swap(self) -> None:
        """Swap the spare array and the value."""
        assert self._spare is not None, "new numbers are written into the spare array"
        before, seen = self._rows, self._seen
        self._become(self._spare)
        self._spare = None if seen else before

    def _become(self, rows: Floats) -> None:
        self._rows, self._value, self._seen = rows, _read_only(rows), False


def _read_only(rows: Floats) -> Table:
    view = rows.view()
    view.flags.writeable = False
    return Table(view)
