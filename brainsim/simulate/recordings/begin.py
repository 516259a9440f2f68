"""Beginning a recording, in memory or in a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from brainsim.declare.area import Area
from brainsim.errors import DeclarationError
from brainsim.simulate.recordings.recording import Recording

if TYPE_CHECKING:
    from brainsim.simulate.recordings.history import History


def begin(
    areas: Sequence[Area], seed: int, *, drives: bool, to: object, every: object, overwrite: object
) -> Recording | History:
    """Return a recording for `Simulator.record`: in memory, or with a path in a file."""
    if not isinstance(drives, bool):
        raise DeclarationError(where="Simulator.record: drives", value=drives, allowed="True or False")
    if to is not None:
        from brainsim.simulate.recordings.history import start  # h5py takes a while to import

        return start(areas, seed, drives=drives, path=to, every=every, overwrite=overwrite)
    for name, value, default in (("every", every, None), ("overwrite", overwrite, False)):
        if value is not default:
            raise DeclarationError(
                f"Simulator.record: {name} is for recordings in files; give to='file.h5', too (got {name}={value!r})"
            )
    return Recording(areas, drives=drives, seed=seed)
