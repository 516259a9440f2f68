// Learned projection: what learning added to the synapses of the firing neurons joins the drives.
#include "overlay.cuh"

// Grid: a warp for each neuron that may fire, fiber by fiber.
extern "C" __global__ void __launch_bounds__(THREADS)
gather(const Fibers fibers, const State state, const Overlay overlay, const Round round) {
    if (state.status->stalled) return;
    const i64 item = (i64(blockIdx.x) * THREADS + threadIdx.x) >> 5;
    if (item >= round.gather_items) return;
    const GatherJob& job = round.gather_jobs[job_of(round.gather_jobs, round.gather_count, &GatherJob::first_item, item)];
    const Fiber& fiber = fibers.items[job.fiber];
    const Neurons firing = firing_of(state, round, fiber);
    const i64 place = item - job.first_item;
    if (place >= firing.count) return;
    const Row* const row = row_at(state, overlay, fiber, firing.items[place]);
    if (!row) return;
    const Area& target = state.areas[fiber.target];
    walk_row(overlay, *row, [&](u64 slot) {
        const u64 post = overlay.posts[slot];
        const i64 extra = overlay.weights[slot] - fiber.base;
        // Sums of integers do not depend on their order, and the thread that adds last sees all of the drive.  Where
        // weights fall below the base, a sum on the way may exceed it: peaks bound the drives from above.
        u64* const sum = reinterpret_cast<u64*>(state.drive + target.drive + post);
        const i64 value = i64(atomicAdd(sum, u64(extra))) + extra;
        i64* const peak = state.peaks + target.tiles + (post >> state.tile_bits);
        if (value > *reinterpret_cast<volatile i64*>(peak)) atomicMax(peak, value);
    });
}
