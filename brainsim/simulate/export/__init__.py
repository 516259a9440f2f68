"""Recordings in the formats of other tools: SONATA, Neo and NWB.

All of them take a `Recording`, a `History` or a `StoredRecording`, and the time from one round to the next.
"""

from __future__ import annotations

from brainsim.simulate.export.neo_block import to_neo
from brainsim.simulate.export.nwb import write_nwb
from brainsim.simulate.export.sonata import write_sonata

__all__ = ["to_neo", "write_nwb", "write_sonata"]
