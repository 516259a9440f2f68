"""Check whether a state is possible for its brain."""

from __future__ import annotations

from dataclasses import replace

from brainsim.kernels.state import KINDS
from brainsim.simulate.skeleton import skeleton
from brainsim.simulate.state import fault
from brainsim.simulate.states_file import SavedState

_FORMAT_OF_ALL = 4
"""From this format on files hold every kind of state of every owner."""


def fault_of_state(saved: SavedState) -> str | None:
    """Return what is wrong with a state, judged by the brain that its own file describes; ``None`` if nothing is.

    Files of formats 1 and 2 describe it as text, which is not enough.
    """
    if saved.identity is None:
        return None
    try:
        program = skeleton(saved.identity, saved.seed)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        return f"its description of the brain lacks something ({error!r})"
    snapshot = saved.snapshot
    if saved.format < _FORMAT_OF_ALL:
        empty = {kind.name: dict.fromkeys(kind.named(program), kind.empty) for kind in KINDS}
        snapshot = replace(snapshot, values={name: {**empty[name], **snapshot.values[name]} for name in empty})
    return fault(program, saved.identity.get("modulators", {}), snapshot)
