"""The file of a memory: the state of the brain, with the statistics of the key and the settings of the memory."""

from __future__ import annotations

import json
from pathlib import Path

from brainsim._validation import real
from brainsim.errors import DumpError
from brainsim.networks.memory.addressing import Addressing
from brainsim.simulate.simulator import Simulator

_FORMAT = 1


def write_memory(path: str | Path, sim: Simulator, addressing: Addressing, threshold: float, weight: float) -> None:
    """Write one sealed HDF5 file; see `Hippocampal.save`."""
    content = {"format": _FORMAT, "key": addressing.state(), "threshold": threshold, "weight": weight}
    sim.save(path, json.dumps({"hippocampal": content}))


def read_memory(path: str | Path, sim: Simulator, addressing: Addressing) -> tuple[float, float]:
    """Restore a simulator and a key, both or neither, from a file; return its threshold and weight."""
    from brainsim.simulate.states_file import read_state

    try:
        content = json.loads(read_state(path).note)["hippocampal"]
        if content["format"] != _FORMAT:
            raise ValueError(f"its format is {content['format']!r}, here {_FORMAT}")
        threshold, weight = (real("the file", content[name], 0.0, 1.0) for name in ("threshold", "weight"))
        before = addressing.state()
        addressing.restore(content["key"])
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        if isinstance(error, DumpError):
            raise
        raise DumpError(f"{path}: holds no memory of this kind ({error}); write one with Hippocampal.save") from error
    try:
        sim.load(path)
    except BaseException:
        addressing.restore(before)
        raise
    return threshold, weight
