// Learned projection: what learning added to the synapses of the firing neurons joins the drives.
#include "overlay.cuh"

// Grid: a warp for each neuron that may fire, fiber by fiber.
extern "C" __global__ void __launch_bounds__(THREADS)
gather(const Status* status, const Gathering* gatherings, i64 gathering_count, i64 item_count, const Fiber* fibers,
       const Area* areas, const u32* winners, const u32* sizes, const u32* ranks, const Row* rows, const u32* posts,
       const i32* weights, const u64* next, i64* drive, i64* peaks, i64 tile_bits) {
    if (status->stalled) return;
    const i64 item = (i64(blockIdx.x) * THREADS + threadIdx.x) >> 5;
    if (item >= item_count) return;
    i64 which = 0;
    while (which + 1 < gathering_count && gatherings[which + 1].first_item <= item) ++which;
    const Fiber& fiber = fibers[gatherings[which].fiber];
    const Area& source = areas[fiber.source];
    const Area& target = areas[fiber.target];
    const i64 place = item - gatherings[which].first_item;
    if (place >= i64(sizes[fiber.source])) return;
    const u32 rank = ranks[source.ranks + winners[source.winners + place]];
    if (rank == 0) return;
    walk_row(rows[row_of(rank, fiber)], next, [&](u64 slot) {
        const u64 post = posts[slot];
        const i64 extra = weights[slot] - fiber.base;
        // Sums of integers: whoever comes first, the drive is the same, and the last to come sees all of it.
        u64* const sum = reinterpret_cast<u64*>(drive + target.drive + post);
        const i64 value = i64(atomicAdd(sum, u64(extra))) + extra;
        i64* const peak = peaks + target.tiles + (post >> tile_bits);
        if (value > *reinterpret_cast<volatile i64*>(peak)) atomicMax(peak, value);
    });
}
