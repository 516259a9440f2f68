// How ties are broken: the order of `kernels/law/selection.py`, which says why it is as it is.
#pragma once
#include "block.cuh"
#include "connectome.cuh"

constexpr u64 TAG_STREAM = 0x8CB92BA72F3D8DD7ull;
constexpr u64 NO_TAG = ~0ull;

// Returns the smallest hash of any neuron that fires at the area of a job: `input_tag` of the law.  The one place that says
// which fibers count.  All threads of a block must call.
__device__ __forceinline__ u64 input_tag(const Job& job, const i64* opened, const Fiber* fibers, const Area* areas,
                                         const u32* winners, const u32* sizes, u64* scratch) {
    u64 smallest = NO_TAG;
    for (i64 open = job.first_fiber; open < job.end_fiber; ++open) {
        const Fiber& fiber = fibers[opened[open]];
        const u32* const firing = winners + areas[fiber.source].winners;
        const u64 count = sizes[fiber.source];
        for (u64 place = threadIdx.x; place < count; place += THREADS) {
            const u64 hash = row_key(fiber.key ^ TAG_STREAM, firing[place]);
            smallest = hash < smallest ? hash : smallest;
        }
    }
    return block_minimum(smallest, scratch);
}

// Returns the key from which `tie_hash` orders the tied neurons of an area.
__device__ __forceinline__ u64 tie_key(const Area& area, u64 tag) { return mix64(area.key ^ tag); }

// Of neurons that are driven equally, the one with the smaller hash wins: `tie_order` of the law.
__device__ __forceinline__ u64 tie_hash(u64 key, i64 neuron) { return row_key(key, u64(neuron)); }
