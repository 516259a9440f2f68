// Implicit projection: each thread block owns a tile of targets and counts their synapses from all firing neurons.
#include "ties.cuh"

// Two 16-bit counts share a word; a source adds at most one to each, so that many may be added before they are moved on.
constexpr u64 MOST_SOURCES = 0xFFFF;

// Adds to the counts of a tile, which begins at neuron `low` of the area and has `size` targets, one for every synapse of
// some sources.  A thread begins at `item`; what is returned is where it goes on in the next call, so that no thread waits.
// Fibers whose synapses are thinned have code of their own, so that others need no register for it.
template <bool TAPERED>
__device__ __forceinline__ u32 count_sources(u32* counts, const u32* sources, u32 source_count, u64 low, u32 size, int tile_bits,
                              const Fibers& fibers, const Fiber& fiber, u32 item) {
    const Gaps gaps = gaps_of(fibers, fiber);
    const int bits = int(fiber.bits);
    // A tile holds whole blocks of the graph or lies inside one; then what comes before it is drawn and skipped.
    const int blocks_bits = tile_bits > bits ? tile_bits - bits : 0;
    const bool recurrent = fiber.recurrent != 0;
    // At most 2^16 sources and 2^8 blocks.
    const u32 items = source_count << blocks_bits;
    for (; item < items; item += THREADS) {
        const u64 pre = sources[item >> blocks_bits];
        const u64 block = (low >> bits) + (item & ((1u << blocks_bits) - 1));
        const u64 base = block << bits, high = low + size;
        if (base >= high) continue;
        const u64 length = high - base;
        const u32 end = length < (1ull << bits) ? u32(length) : 1u << bits;
        draw_block(block_state(row_key(fiber.key, pre), block), end, gaps, [&](u32 at) {
            const u64 post = base + at;
            if (post < low || (recurrent && post == pre)) return;
            if (TAPERED && !keeps(fibers, fiber, pre, post)) return;
            const u32 place = u32(post - low);
            atomicAdd(&counts[place >> 1], 1u << ((place & 1) * 16));
        });
    }
    return item - items;
}

// Moves the counts of a tile to the drives, which begin at minus the thresholds (null if there are none), and returns
// the largest drive of those this thread has moved, or 0.
__device__ __forceinline__ i64 move_counts(u32* counts, i64* drive, const i64* thresholds, u32 size, i64 base,
                                          bool first) {
    i64 largest = 0;
    for (u32 place = threadIdx.x; place < size; place += THREADS) {
        const i64 count = (counts[place >> 1] >> ((place & 1) * 16)) & 0xFFFF;
        const i64 before = !first ? drive[place] : thresholds ? -thresholds[place] : 0;
        const i64 value = before + count * base;
        drive[place] = value;
        largest = value > largest ? value : largest;
    }
    return largest;
}

// Counts the neurons that transmit to the area of a job: once in a round, which may stall and be run again.  `counted` says
// so until the round is committed.
__device__ __forceinline__ void count_transmissions(const Fibers& fibers, const State& state, const Round& round,
                                                    const SelectJob& job) {
    const bool counted = state.counted[job.area] != 0;
    __syncthreads();  // all have read it
    if (counted) return;
    if (threadIdx.x == 0) state.counted[job.area] = 1;
    for (i64 place = job.first_fiber; place < job.end_fiber; ++place) {
        const Neurons firing = firing_of(state, round, fibers.items[round.transmitting[place]]);
        u32* const counts = state.transmissions + round.counted_at[place];
        for (i64 at = threadIdx.x; at < firing.count; at += THREADS) counts[firing.items[at]] += 1;
    }
}

// Grid: a block for each job, which counts its transmissions, and the tiles of all jobs.
// Dynamic shared memory: 2 bytes for each target of a tile.
extern "C" __global__ void __launch_bounds__(THREADS, 4)
project(const Fibers fibers, const State state, const Round round) {
    DYNAMIC_SHARED(u32, counts);
    __shared__ i64 scratch[WARPS + 1];
    if (state.status->stalled) return;
    if (i64(blockIdx.x) < round.select_count) {
        count_transmissions(fibers, state, round, round.select_jobs[blockIdx.x]);
        return;
    }
    const Tile tile = tile_of(round, state, i64(blockIdx.x) - round.select_count);
    const SelectJob job = round.select_jobs[tile.job];
    const Area& area = state.areas[job.area];
    if (tile.index == 0) {
        const i64 bins = round.passes * DIGITS;
        for (i64 bin = threadIdx.x; bin < bins; bin += THREADS) round.histograms[tile.job * bins + bin] = 0;
        const u64 tag = input_tag(fibers, state, round, job, reinterpret_cast<u64*>(scratch));
        if (threadIdx.x == 0) round.tie_keys[tile.job] = tie_key(area, tag);
    }
    const u32 size = u32(tile.end - tile.low), count_words = (size + 1) >> 1;
    const u64 low = u64(area.first + tile.low);  // a part begins with a block of every graph
    i64* const drive = state.drive + area.drive + tile.low;
    const i64* const thresholds = area.thresholds == -1 ? nullptr : state.thresholds + area.thresholds + tile.low;
    for (u32 word = threadIdx.x; word < count_words; word += THREADS) counts[word] = 0;
    __syncthreads();
    u32 added = 0, item = threadIdx.x;
    bool first = true;
    const auto base_of = [&](i64 at) { return fibers.items[round.transmitting[at]].base; };
    // All that is counted has the base weight of the last fiber, and is of no more sources than 16 bits can count.
    const auto move_on = [&](i64 base) {
        __syncthreads();
        move_counts(counts, drive, thresholds, size, base, first);
        __syncthreads();
        for (u32 word = threadIdx.x; word < count_words; word += THREADS) counts[word] = 0;
        __syncthreads();
        first = false;
        added = 0;
    };
    for (i64 at = job.first_fiber; at < job.end_fiber; ++at) {
        const Fiber& fiber = fibers.items[round.transmitting[at]];
        if (added && base_of(at - 1) != fiber.base) move_on(base_of(at - 1));
        const Neurons firing = firing_of(state, round, fiber);
        for (u64 begin = 0; begin < u64(firing.count);) {
            const u64 rest = u64(firing.count) - begin, room = MOST_SOURCES - added;
            const u64 taken = rest < room ? rest : room;
            const u32* const sources = firing.items + begin;
            const int bits = int(state.tile_bits);
            if (fiber.taper < 0) item = count_sources<false>(counts, sources, u32(taken), low, size, bits, fibers, fiber, item);
            else item = count_sources<true>(counts, sources, u32(taken), low, size, bits, fibers, fiber, item);
            begin += taken;
            added += u32(taken);
            if (added == MOST_SOURCES) move_on(fiber.base);
        }
    }
    __syncthreads();
    const i64 base = base_of(job.end_fiber - 1);
    const i64 peak = block_maximum(move_counts(counts, drive, thresholds, size, base, first), scratch);
    if (threadIdx.x) return;
    state.peaks[area.tiles + tile.index] = peak;
    if (area.channel > 1 && tile.low < area.rivals) state.peaks[area.sum_tiles + tile.index] = 0;  // a tile of channels
}
