"""The structures of `kernels/cuda/types.cuh` as NumPy types; every field has eight bytes, so that nothing is padded.

Two kinds: items of arrays on the device, as plain types, and structures that kernels take by value, which hold the
addresses of arrays (`Structure`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

PAGE = 32
PAGE_BYTES = PAGE * 8 + 8  # targets, weights, and the page that follows
DIGIT_BITS = 11
DIGITS = 1 << DIGIT_BITS
THREADS = 256
WARPS = THREADS // 32

DType = np.dtype[Any]

U32: DType = np.dtype(np.uint32)
I32: DType = np.dtype(np.int32)
U64: DType = np.dtype(np.uint64)
I64: DType = np.dtype(np.int64)
F32: DType = np.dtype(np.float32)
F64: DType = np.dtype(np.float64)


def _item(signed: str, unsigned: str = "", real: str = "") -> DType:
    """Return a type whose fields are unsigned, then signed, then real numbers of 64 bits."""
    fields = ((unsigned, U64), (signed, I64), (real, F64))
    return np.dtype([(name, kind) for names, kind in fields for name in names.split()])


AREA = _item(
    "n k winners drive tiles ranks slots thresholds refraction channel rivals open sums sum_tiles first", "key"
)
FIBER = _item(
    "source target recurrent bits last heads gap_thresholds taper source_scale target_scale gate slot rule base",
    "key taper_key",
    "half_life",
)
RULE = _item("gain drift ceiling floor base steps step_count step_shift losers")
SELECT_JOB = _item("area first_block first_fiber end_fiber raises")
GATHER_JOB = _item("fiber first_item items")
CHANNEL_JOB = _item("area first_block lanes")
GATE_JOB = _item("fiber used area size width first_neuron neuron_count first_item")
LEARN_JOB = _item("fiber moved rate fresh depression first_item items first_pair first_start starts hits words")
TRACE_JOB = _item("trace noted moved")
TRACE = _item("fiber rounds first width sources")
RECORD_JOB = _item("area offset first_drive")
SEARCH = _item("", "bar prefix unknown remaining")
ROW = _item("", "head tail length")
STATUS = _item("stalled rows_used rows_needed pages_used pages_needed done")

ITEMS: dict[str, DType] = {
    "u32": U32,
    "i32": I32,
    "u64": U64,
    "i64": I64,
    "f32": F32,
    "f64": F64,
    "Area": AREA,
    "Fiber": FIBER,
    "Rule": RULE,
    "SelectJob": SELECT_JOB,
    "GatherJob": GATHER_JOB,
    "ChannelJob": CHANNEL_JOB,
    "GateJob": GATE_JOB,
    "LearnJob": LEARN_JOB,
    "TraceJob": TRACE_JOB,
    "Trace": TRACE,
    "RecordJob": RECORD_JOB,
    "Search": SEARCH,
    "Row": ROW,
    "Status": STATUS,
}


@dataclass(frozen=True, eq=False)
class Structure:
    """A structure that kernels take by value.

    Attributes
    ----------
    name : str
        As in C.
    fields : mapping of str to dtype or None
        For each field, in order: the items of the array that it points to, or ``None`` for a signed number.
    """

    name: str
    fields: Mapping[str, DType | None]

    @cached_property
    def dtype(self) -> DType:
        """The structure in host memory; addresses are unsigned numbers."""
        return np.dtype([(name, I64 if items is None else U64) for name, items in self.fields.items()])


FIBERS = Structure(
    "Fibers",
    {
        "items": FIBER,
        "heads": U32,
        "gap_thresholds": U64,
        "rules": RULE,
        "steps": I64,
        "gate_neurons": U32,
        "tapers": U32,
    },
)
STATE = Structure(
    "State",
    {
        "status": STATUS,
        "areas": AREA,
        "winners": U32,
        "sizes": U32,
        "next_winners": U32,
        "next_sizes": U32,
        "changed": U32,
        "fired": U32,
        "counted": U32,
        "transmissions": U32,
        "drives": I64,
        "next_drives": I64,
        "thresholds": I64,
        "drive": I64,
        "peaks": I64,
        "won": U32,
        "tile_bits": None,
    },
)
OVERLAY = Structure(
    "Overlay",
    {
        "ranks": U32,
        "rows": ROW,
        "posts": U32,
        "weights": I32,
        "next": U64,
        "row_capacity": None,
        "page_capacity": None,
    },
)
ROUND = Structure(
    "Round",
    {
        "select_jobs": SELECT_JOB,
        "select_count": None,
        "channel_jobs": CHANNEL_JOB,
        "channel_count": None,
        "transmitting": I64,
        "counted_at": I64,
        "gate_jobs": GATE_JOB,
        "gate_count": None,
        "gather_jobs": GATHER_JOB,
        "gather_count": None,
        "gather_items": None,
        "learn_jobs": LEARN_JOB,
        "learn_count": None,
        "learn_items": None,
        "learn_pairs": None,
        "sources": I64,
        "source_count": None,
        "trace_jobs": TRACE_JOB,
        "passes": None,
        "histograms": U32,
        "searches": SEARCH,
        "tie_keys": U64,
        "passing": U32,
        "passing_sizes": U32,
        "starts": U32,
        "hits": U32,
        "pages": U64,
    },
)
TRACES = Structure("Traces", {"items": TRACE, "neurons": U32})
RING = Structure("Ring", {"jobs": RECORD_JOB, "items": U32, "drives": I64, "width": None, "drive_width": None})
MESSAGE = Structure(
    "Message",
    {
        "starts": I64,
        "neighbours": I32,
        "ids": I32,
        "shares": F32,
        "weights": F32,
        "sources": F32,
        "targets": F32,
        "anchors": F32,
        "inputs": F32,
        "rule": F64,
        "active": U32,
        "nodes": I64,
        "places": I64,
        "out": F32,
        "dim": None,
        "channels": None,
        "count": None,
        "flags": None,
        "first_block": None,
    },
)
MESSAGES = Structure("Messages", {"items": MESSAGE.dtype, "count": None})
STRUCTURES = (FIBERS, STATE, OVERLAY, ROUND, TRACES, RING, MESSAGE, MESSAGES)
