"""Kernels with one fault each, which a GPU would run without an error, and the same kernels without the fault."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

# By name: the body of a kernel that takes `u32* out, i64 count`, the correct text for FAULT, and the faulty text.
PLANTED = {
    "out_of_bounds": (
        """
        const i64 at = i64(blockIdx.x) * blockDim.x + threadIdx.x;
        if (at FAULT count) out[at] = 1;
        """,
        "<",
        "<=",
    ),
    "out_of_shared_bounds": (
        """
        DYNAMIC_SHARED(u32, mine);
        mine[threadIdx.x + FAULT] = 1;
        if (threadIdx.x < count) out[threadIdx.x] = 1;
        """,
        "0",
        "1",
    ),
    "missing_barrier": (
        """
        __shared__ u32 mine[64];
        mine[threadIdx.x] = threadIdx.x;
        FAULT
        if (threadIdx.x < count) out[threadIdx.x] = mine[63 - threadIdx.x];
        """,
        "__syncthreads();",
        "",
    ),
    "scratch_used_again_too_early": (
        """
        __shared__ u32 mine[64];
        mine[threadIdx.x] = threadIdx.x;
        __syncthreads();
        const u32 value = mine[63 - threadIdx.x];
        FAULT
        mine[threadIdx.x] = value;
        if (threadIdx.x < count) out[threadIdx.x] = mine[threadIdx.x];
        """,
        "__syncthreads();",
        "",
    ),
    "missing_warp_barrier": (
        """
        __shared__ u32 mine[64];
        mine[threadIdx.x] = threadIdx.x;
        FAULT
        if (threadIdx.x < count) out[threadIdx.x] = mine[threadIdx.x ^ 1];
        """,
        "__syncwarp();",
        "",
    ),
    "barrier_not_reached_by_all": (
        """
        if (threadIdx.x FAULT 17) __syncthreads();
        if (threadIdx.x < count) out[threadIdx.x] = 1;
        """,
        ">= 0 *",
        "<",
    ),
    "shuffle_without_all": (
        """
        u32 value = threadIdx.x;
        if (FAULT) value = __shfl_xor_sync(0xFFFFFFFFu, value, 1);
        if (threadIdx.x < count) out[threadIdx.x] = value;
        """,
        "true",
        "threadIdx.x != 3",
    ),
    "different_warp_operations": (
        """
        u32 value = threadIdx.x;
        if (FAULT) value = __shfl_xor_sync(0xFFFFFFFFu, value, 1);
        else __syncwarp();
        if (threadIdx.x < count) out[threadIdx.x] = value;
        """,
        "true",
        "threadIdx.x & 1",
    ),
    "not_atomic": (
        """
        if (threadIdx.x >= count) return;
        u32* const sum = &out[0];
        FAULT
        """,
        "atomicAdd(sum, 1u);",
        "const u32 old = *sum; atomicAdd(&out[1], 1u); *sum = old + 1;",
    ),
    "unwritten_shared": (
        """
        __shared__ u32 mine[64];
        FAULT
        __syncthreads();
        if (threadIdx.x < count) out[threadIdx.x] = mine[threadIdx.x];
        """,
        "mine[threadIdx.x] = 3;",
        "if (threadIdx.x != 5) mine[threadIdx.x] = 3;",
    ),
    "unwritten_dynamic": (
        """
        DYNAMIC_SHARED(u32, mine);
        FAULT
        if (threadIdx.x < count) out[threadIdx.x] = mine[threadIdx.x];
        """,
        "mine[threadIdx.x] = 3;",
        "if (threadIdx.x != 5) mine[threadIdx.x] = 3;",
    ),
}


def arguments(out: npt.NDArray[np.uint32], count: int) -> list[npt.NDArray[Any]]:
    """Return the arguments of a planted kernel."""
    return [np.array([out.ctypes.data], np.uint64), np.array([count], np.int64)]


def source() -> str:
    """Return the source of all planted kernels: each as ``<name>_fine`` and as ``<name>_faulty``."""
    parts = ['#include "types.cuh"']
    for name, (body, fine, fault) in PLANTED.items():
        for kind, text in (("fine", fine), ("faulty", fault)):
            kernel = f"{name}_{kind}"
            inside = body.replace("FAULT", text)
            parts.append(f'extern "C" __global__ void {kernel}(u32* out, i64 count) {{{inside}}}')
            parts.append(f"EMULATED_KERNEL({kernel})")
    return "\n".join(parts)
