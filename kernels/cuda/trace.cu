// Traces: who fired at a fiber, and who won, in each of its last rounds that learned.
#include "block.cuh"

// Copies a list into a slot, led by its length.
__device__ __forceinline__ void note(const Neurons& list, u32* there) {
    if (threadIdx.x == 0) there[0] = u32(list.count);
    for (i64 place = threadIdx.x; place < list.count; place += THREADS) there[1 + place] = list.items[place];
}

// Remembers a round before it is committed; a pair of sets of which one is empty changes nothing, and is noted as two empty
// ones.  A round that has stalled does not get here, so each round is noted once.  Grid: a block for each job.
extern "C" __global__ void __launch_bounds__(THREADS)
remember(const Fibers fibers, const State state, const Round round, const Traces traces) {
    if (state.status->stalled) return;
    const TraceJob job = round.trace_jobs[blockIdx.x];
    const Trace trace = traces.items[job.trace];
    const Fiber& fiber = fibers.items[trace.fiber];
    u32* const ring = traces.neurons + trace.first;
    const i64 number = ring[0];
    u32* const slot = ring + 1 + number * trace.width;
    Neurons fired = {nullptr, 0}, won = {nullptr, 0};
    if (job.noted) {
        fired = firing_of(state, round, fiber);
        won = posts_of(state, fiber, job.moved);
    }
    if (fired.count == 0 || won.count == 0) fired.count = won.count = 0;
    note(fired, slot);
    note(won, slot + 1 + trace.sources);
    __syncthreads();  // all threads have read the number
    if (threadIdx.x == 0) ring[0] = u32((number + 1) % trace.rounds);
}
