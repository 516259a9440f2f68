// Gates: which of the neurons that fire at the source of a fiber transmit and learn in a round.
#include "block.cuh"

// Neurons of one open channel: from `low` on in the list of those that fire, they go to `place` in that of those that pass.
struct Run {
    i64 low;
    i64 place;
    i64 count;
};

// Lists the neurons whose channel is open.  Both lists ascend, so those of a channel lie side by side in each, and only
// what passes is read.  Returns how many pass.
__device__ __forceinline__ u64 pass_channels(const GateJob& job, const Neurons& firing, const Neurons& gating, u32* passing,
                                             u64* scratch) {
    __shared__ Run runs[THREADS];
    u64 passed = 0;
    const u32 size = u32(job.size);
    for (i64 start = 0; start < gating.count; start += THREADS) {
        const i64 place = start + threadIdx.x;
        i64 low = 0, count = 0;
        if (place < gating.count) {
            const u32 channel = gating.items[place] / size;
            if (place == 0 || gating.items[place - 1] / size != channel) {  // the first to name this channel
                low = count_below(firing, u64(channel) * u64(job.width));
                count = count_below(firing, (u64(channel) + 1) * u64(job.width)) - low;
            }
        }
        u64 total = 0;
        const u64 before = block_sum_before(u64(count), scratch, total);
        runs[threadIdx.x] = {low, i64(passed + before), count};
        __syncthreads();
        for (int each = int(threadIdx.x >> 5); each < THREADS; each += WARPS) {
            const Run run = runs[each];
            for (i64 at = lane_id(); at < run.count; at += 32) passing[run.place + at] = firing.items[run.low + at];
        }
        __syncthreads();
        passed += total;
    }
    return passed;
}

// Returns how many neurons pass: all if at least half of an assembly fires, else none.
__device__ __forceinline__ u64 pass_all(const GateJob& job, const u32* assembly, const Neurons& firing, const Neurons& gating,
                                        u64* scratch) {
    u64 own = 0, fire = 0;
    for (i64 at = threadIdx.x; at < job.neuron_count; at += THREADS) own += position_of(assembly[at], gating) >= 0;
    block_sum_before(own, scratch, fire);
    return 2 * fire >= u64(job.neuron_count) ? u64(firing.count) : 0;
}

// Grid: a block for each gate of the brain.
extern "C" __global__ void __launch_bounds__(THREADS)
pass_gates(const Fibers fibers, const State state, const Round round) {
    __shared__ u64 scratch[WARPS + 1];
    if (state.status->stalled) return;
    const GateJob& job = round.gate_jobs[blockIdx.x];
    if (!job.used) return;
    const Neurons firing = firing_at(state, fibers.items[job.fiber].source), gating = firing_at(state, job.area);
    const u64 passed =
        job.neuron_count ? pass_all(job, fibers.gate_neurons + job.first_neuron, firing, gating, scratch)
                         : pass_channels(job, firing, gating, round.passing + job.first_item, scratch);
    if (threadIdx.x == 0) round.passing_sizes[blockIdx.x] = u32(passed);
}
