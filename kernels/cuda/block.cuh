// What the threads of a block do together.  All of them must call; `scratch` is shared memory of WARPS + 1 items.
#pragma once
#include "types.cuh"

__device__ __forceinline__ int lane_id() { return int(threadIdx.x) & 31; }

__device__ __forceinline__ i64 block_maximum(i64 value, i64* scratch) {
    for (int step = 16; step; step >>= 1) {
        const i64 other = __shfl_xor_sync(ALL_LANES, value, step);
        value = other > value ? other : value;
    }
    if (lane_id() == 0) scratch[threadIdx.x >> 5] = value;
    __syncthreads();
    for (int warp = 0; warp < WARPS; ++warp) value = scratch[warp] > value ? scratch[warp] : value;
    __syncthreads();
    return value;
}

__device__ __forceinline__ u64 block_minimum(u64 value, u64* scratch) {
    for (int step = 16; step; step >>= 1) {
        const u64 other = __shfl_xor_sync(ALL_LANES, value, step);
        value = other < value ? other : value;
    }
    if (lane_id() == 0) scratch[threadIdx.x >> 5] = value;
    __syncthreads();
    for (int warp = 0; warp < WARPS; ++warp) value = scratch[warp] < value ? scratch[warp] : value;
    __syncthreads();
    return value;
}

// Returns the sum of `value` over the threads before this one, and sets `total` to that over all.
__device__ __forceinline__ u64 block_sum_before(u64 value, u64* scratch, u64& total) {
    u64 sum = value;
    for (int step = 1; step < 32; step <<= 1) {
        const u64 lower = __shfl_up_sync(ALL_LANES, sum, step);
        if (lane_id() >= step) sum += lower;
    }
    if (lane_id() == 31) scratch[threadIdx.x >> 5] = sum;
    __syncthreads();
    u64 before = 0;
    total = 0;
    for (int warp = 0; warp < WARPS; ++warp) {
        if (warp < int(threadIdx.x >> 5)) before += scratch[warp];
        total += scratch[warp];
    }
    __syncthreads();
    return before + sum - value;
}

// Returns which job a thread block, or an item, belongs to: the last that begins at or before it.  There are few.
template <class Job>
__device__ __forceinline__ i64 job_of(const Job* jobs, i64 job_count, i64 Job::*first, i64 item) {
    i64 job = 0;
    while (job + 1 < job_count && jobs[job + 1].*first <= item) ++job;
    return job;
}

// The tile of targets that a thread block works for.
struct Tile {
    i64 job;
    i64 index;  // within its area
    i64 low;    // its targets: from here
    i64 end;    // to before here
};

__device__ __forceinline__ Tile tile_of(const Round& round, const State& state, i64 block) {
    const i64 job = job_of(round.select_jobs, round.select_count, &SelectJob::first_block, block);
    const i64 n = state.areas[round.select_jobs[job].area].n;
    const i64 index = block - round.select_jobs[job].first_block, low = index << state.tile_bits;
    const i64 end = low + (1ll << state.tile_bits);
    return {job, index, low, end < n ? end : n};
}

// A list of neurons, ascending.
struct Neurons {
    const u32* items;
    i64 count;
};

__device__ __forceinline__ Neurons firing_at(const State& state, i64 area) {
    return {state.winners + state.areas[area].winners, i64(state.sizes[area])};
}

// The neurons of a fiber's target that have won, or fire on because it has not `moved`.
__device__ __forceinline__ Neurons posts_of(const State& state, const Fiber& fiber, i64 moved) {
    if (!moved) return firing_at(state, fiber.target);
    return {state.next_winners + state.areas[fiber.target].winners, i64(state.next_sizes[fiber.target])};
}

// Returns how many neurons of a list come before a number.
__device__ __forceinline__ i64 count_below(const Neurons& list, u64 number) {
    i64 low = 0, high = list.count;
    while (low < high) {
        const i64 middle = (low + high) >> 1;
        if (list.items[middle] < number) low = middle + 1;
        else high = middle;
    }
    return low;
}

// Returns where a neuron stands in a list, or -1 if it does not.
__device__ __forceinline__ i64 position_of(u32 neuron, const Neurons& list) {
    const i64 before = count_below(list, neuron);
    return before < list.count && list.items[before] == neuron ? before : -1;
}

// The neurons that fire at a fiber: those of its source that pass its gate.  The one place that says who they are.
// A round without gate jobs uses no gate; in a reinforcement, those that fire have passed it long ago.
__device__ __forceinline__ Neurons firing_of(const State& state, const Round& round, const Fiber& fiber) {
    const Neurons firing = firing_at(state, fiber.source);
    if (fiber.gate < 0 || round.gate_count == 0) return firing;
    const GateJob& job = round.gate_jobs[fiber.gate];
    const i64 passed = round.passing_sizes[fiber.gate];
    return {job.neuron_count ? firing.items : round.passing + job.first_item, passed};
}
