// Learned synapses: chains of pages in one pool, found by the rank of the presynaptic neuron.
#pragma once
#include "block.cuh"

// A rank is one more than the first of a neuron's rows: one for each fiber that starts at its area and stores weights.
__device__ __forceinline__ u64 row_of(u32 rank, const Fiber& fiber) { return u64(rank) - 1 + u64(fiber.slot); }

// Returns the row of a neuron at the source of a fiber, or null if it has none.
__device__ __forceinline__ Row* row_at(const State& state, const Overlay& overlay, const Fiber& fiber, u32 neuron) {
    const u32 rank = overlay.ranks[state.areas[fiber.source].ranks + neuron];
    return rank ? overlay.rows + row_of(rank, fiber) : nullptr;
}

// Calls `visit` with the slot of every synapse of a row; all lanes of a warp walk it together, one page at a time.
template <class Visit>
__device__ __forceinline__ void walk_row(const Overlay& overlay, const Row& row, Visit visit) {
    u64 page = row.head;
    for (u64 passed = 0; passed < row.length; passed += PAGE) {
        if (passed + lane_id() < row.length) visit(page * PAGE + lane_id());
        if (passed + PAGE < row.length) page = overlay.next[page];
    }
}

// The item of a rule's table for a weight.  One below the floor, as a base weight may be, has the first.
__device__ __forceinline__ i64 tabled_step(i64 weight, const Fibers& fibers, const Rule& rule) {
    const i64 item = weight > rule.floor ? (weight - rule.floor) >> rule.step_shift : 0, last = rule.step_count - 1;
    return fibers.steps[rule.steps + (item < last ? item : last)];
}

// A weight after a step, within the bounds of the rule: one that lies below the floor is not lowered further.
__device__ __forceinline__ i64 bounded(i64 weight, i64 step, const Rule& rule) {
    const i64 moved = weight + step < rule.ceiling ? weight + step : rule.ceiling;
    const i64 lowest = weight < rule.floor ? weight : rule.floor;
    return moved > lowest ? moved : lowest;
}

// One step of potentiation: `Update.apply` of `kernels/law/rules.py`.
__device__ __forceinline__ i64 strengthened(i64 weight, i64 rate, const Fibers& fibers, const Rule& rule) {
    i64 step;
    if (rule.step_count) step = tabled_step(weight, fibers, rule);
    else step = (rule.gain * weight + rule.drift + (1ll << (RATE_BITS - 1))) >> RATE_BITS;
    return bounded(weight, (rate * step + (1ll << (WEIGHT_BITS - 1))) >> WEIGHT_BITS, rule);
}

// Divides by a power of two, rounding down if `down`, else up.
__device__ __forceinline__ i64 shifted(i64 value, int bits, bool down) {
    return down ? value >> bits : -(-value >> bits);
}

// One step of depression: `Depression.apply` of `kernels/law/rules.py`.  All rounding goes towards the base.
__device__ __forceinline__ i64 weakened(i64 weight, i64 rate, const Fibers& fibers, const Rule& rule) {
    const bool down = weight >= rule.base;
    i64 step;
    if (rule.step_count) step = tabled_step(weight, fibers, rule);
    else step = shifted(rule.gain * (weight - rule.base) + rule.drift, RATE_BITS, down);
    return bounded(weight, shifted(rate * step, WEIGHT_BITS, down), rule);
}
