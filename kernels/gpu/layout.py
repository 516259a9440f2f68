"""The structures of `kernels/cuda/types.cuh` as NumPy types; every field has eight bytes, so that nothing is padded."""

from __future__ import annotations

import numpy as np

PAGE = 32
DIGIT_BITS = 11
DIGITS = 1 << DIGIT_BITS
THREADS = 256
WARPS = THREADS // 32


def _signed(*names: str) -> list[tuple[str, type]]:
    return [(name, np.int64) for name in names]


AREA = np.dtype(
    [("key", np.uint64), *_signed("n", "k", "winners", "drive", "tiles", "ranks", "slots", "amounts", "refraction")]
)
_GRAPH = ("source", "target", "recurrent", "bits", "shift", "last", "guide", "heads", "thresholds")
_RULE = ("gain", "drift", "ceiling", "steps", "step_count", "step_shift")
FIBER = np.dtype([("key", np.uint64), *_signed(*_GRAPH, "slot", *_RULE, "base")])
JOB = np.dtype(_signed("area", "first_block", "first_fiber", "end_fiber"))
GATHERING = np.dtype(_signed("fiber", "first_item"))
LESSON = np.dtype(
    _signed("fiber", "moved", "first_item", "items", "first_pair", "first_start", "starts", "hits", "words")
)
CHANNEL = np.dtype(_signed("area", "offset"))
CHOICE = np.dtype([(name, np.uint64) for name in ("bar", "prefix", "unknown", "remaining")])
ROW = np.dtype([("head", np.uint64), ("tail", np.uint64), ("length", np.uint64)])
STATUS = np.dtype(_signed("stalled", "rows_used", "rows_needed", "pages_used", "pages_needed", "done"))

C_TYPES: dict[str, np.dtype] = {
    "u16": np.dtype(np.uint16),
    "u32": np.dtype(np.uint32),
    "i32": np.dtype(np.int32),
    "u64": np.dtype(np.uint64),
    "i64": np.dtype(np.int64),
    "Area": AREA,
    "Fiber": FIBER,
    "Job": JOB,
    "Gathering": GATHERING,
    "Lesson": LESSON,
    "Channel": CHANNEL,
    "Choice": CHOICE,
    "Row": ROW,
    "Status": STATUS,
}
