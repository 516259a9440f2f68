"""The cost of one pass of routed and of dense attention: counted scores, and CPU seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from brainsim.studies.parts import Part

HEADS, WIDTH = 4, 16


def costs(_part: Part, sizes: Sequence[int], k: int, seed: int) -> dict[str, Any]:
    """Return counted scores and CPU seconds of one pass, for routed attention and for dense attention."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from brainsim.networks.nokai.routing import routed_attention, scores_computed

    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(seed)
    counted: dict[str, dict[str, int]] = {"routed": {}, "dense": {}}
    seconds: dict[str, dict[str, float]] = {"routed": {}, "dense": {}}
    for n in sizes:
        q, key, v = (torch.randn(1, HEADS, n, WIDTH, generator=generator) for _ in range(3))
        gate = torch.nn.functional.logsigmoid(torch.randn(1, n, generator=generator))
        for name, arm in (("routed", "recency"), ("dense", "dense")):
            seconds[name][str(n)] = min(_timed(partial(routed_attention, q, key, v, gate, k=k, arm=arm)))
        with FlopCounterMode(display=False) as flops:
            routed_attention(q, key, v, gate, k=k)
        # Two operations for each element of a key, and two for each of a value.
        counted["routed"][str(n)] = flops.get_total_flops() // (4 * HEADS * WIDTH)
        counted["dense"][str(n)] = n * n  # by arithmetic: the counter does not see into its kernel
    exact = all(counted["routed"][str(n)] == scores_computed(n, k, k) == n * 2 * k for n in sizes)
    return {"scores": counted, "seconds": seconds, "exact": exact}


def _timed(work: Callable[[], Any]) -> list[float]:
    found = []
    for _ in range(3):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return found
