// Learned synapses: chains of pages in one pool, found by the rank of the presynaptic neuron.
#pragma once
#include "block.cuh"

// A rank is one more than the first of a neuron's rows: one for each fiber that starts at its area and stores weights.
__device__ __forceinline__ u64 row_of(u32 rank, const Fiber& fiber) { return u64(rank) - 1 + u64(fiber.slot); }

// Calls `visit` with the slot of every synapse of a row; all lanes of a warp walk it together, one page at a time.
template <class Visit>
__device__ __forceinline__ void walk_row(const Overlay& overlay, const Row& row, Visit visit) {
    u64 page = row.head;
    for (u64 passed = 0; passed < row.length; passed += PAGE) {
        if (passed + lane_id() < row.length) visit(page * PAGE + lane_id());
        if (passed + PAGE < row.length) page = overlay.next[page];
    }
}

// One strengthening step: `Update.apply` of `kernels/law/rules.py`.
__device__ __forceinline__ i64 strengthened(i64 weight, const Fibers& fibers, const Fiber& fiber) {
    i64 step;
    if (fiber.step_count) {
        const i64 item = weight >> fiber.step_shift, last = fiber.step_count - 1;
        step = fibers.steps[fiber.steps + (item < last ? item : last)];
    } else {
        step = (fiber.gain * weight + fiber.drift + (1ll << (RATE_BITS - 1))) >> RATE_BITS;
    }
    const i64 raised = weight + step < fiber.ceiling ? weight + step : fiber.ceiling;
    return raised > 0 ? raised : 0;
}
