// How ties are broken: the order of `kernels/law/selection.py`, which says why it is as it is.
#pragma once
#include "block.cuh"
#include "connectome.cuh"

constexpr u64 TAG_STREAM = 0x8CB92BA72F3D8DD7ull;
constexpr u64 NO_TAG = ~0ull;

// Returns the smallest hash of any neuron that fires at the area of a job: `input_tag` of the law.  The one place that says
// which fibers count.  All threads of a block must call.
__device__ __forceinline__ u64 input_tag(const Fibers& fibers, const State& state, const Round& round,
                                         const SelectJob& job, u64* scratch) {
    u64 smallest = NO_TAG;
    for (i64 place = job.first_fiber; place < job.end_fiber; ++place) {
        const Fiber& fiber = fibers.items[round.transmitting[place]];
        const Neurons firing = firing_of(state, round, fiber);
        for (i64 at = threadIdx.x; at < firing.count; at += THREADS) {
            const u64 hash = row_key(fiber.key ^ TAG_STREAM, firing.items[at]);
            smallest = hash < smallest ? hash : smallest;
        }
    }
    return block_minimum(smallest, scratch);
}

// Returns the key from which `tie_hash` orders the tied neurons, or channels, of an area.  The hash adds a multiple of the
// number to the key, so the first number of a part is in the key, and costs nothing for each neuron.
__device__ __forceinline__ u64 tie_key(const Area& area, u64 tag) {
    return mix64(area.key ^ tag) + u64(u32(area.first) / u32(area.channel)) * GOLDEN;
}

// Of neurons that are driven equally, the one with the smaller hash wins: `tie_order` of the law.
__device__ __forceinline__ u64 tie_hash(u64 key, i64 neuron) { return row_key(key, u64(neuron)); }
