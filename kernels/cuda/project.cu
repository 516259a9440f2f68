// Implicit projection: each thread block owns a tile of targets and counts their synapses from all firing neurons.
#include "ties.cuh"

// Two 16-bit counts share a word; a source adds at most one to each, so that many may be added before they are moved on.
constexpr u64 MOST_SOURCES = 0xFFFF;

// Adds to the counts of a tile, which begins at `low` and has `size` targets, one for every synapse of some sources.
__device__ __forceinline__ void count_sources(u32* counts, const u32* sources, u64 source_count, u64 low, u32 size, int tile_bits,
                              const Fiber& fiber, const Gaps& gaps) {
    const int bits = int(fiber.bits);
    // A tile holds whole blocks of the graph or lies inside one; then what comes before it is drawn and passed over.
    const int blocks_bits = tile_bits > bits ? tile_bits - bits : 0;
    const bool recurrent = fiber.recurrent != 0;
    for (u64 item = threadIdx.x; item < source_count << blocks_bits; item += THREADS) {
        const u64 pre = sources[item >> blocks_bits];
        const u64 block = (low >> bits) + (item & ((1ull << blocks_bits) - 1));
        const u64 base = block << bits, high = low + size;
        if (base >= high) continue;
        const u64 length = high - base;
        const u32 end = length < (1ull << bits) ? u32(length) : 1u << bits;
        draw_block(block_state(row_key(fiber.key, pre), block), end, gaps, [&](u32 at) {
            const u64 post = base + at;
            if (post < low || (recurrent && post == pre)) return;
            const u32 place = u32(post - low);
            atomicAdd(&counts[place >> 1], 1u << ((place & 1) * 16));
        });
    }
}

// Moves the counts of a tile to the drives, which begin at minus the thresholds (null if there are none), and returns
// the largest drive of those this thread has moved, or 0.
__device__ __forceinline__ i64 move_counts(u32* counts, i64* drive, const i64* amounts, u32 size, bool first) {
    i64 largest = 0;
    for (u32 place = threadIdx.x; place < size; place += THREADS) {
        const i64 count = (counts[place >> 1] >> ((place & 1) * 16)) & 0xFFFF;
        const i64 before = !first ? drive[place] : amounts ? -amounts[place] : 0;
        const i64 value = before + count * ONE;
        drive[place] = value;
        largest = value > largest ? value : largest;
    }
    return largest;
}

// Grid: the tiles of all jobs.  Dynamic shared memory: 2 bytes for each target of a tile.
extern "C" __global__ void __launch_bounds__(THREADS, 4)
project(const Status* status, const Job* jobs, i64 job_count, const i64* opened, const Fiber* fibers,
        const Area* areas, const u32* winners, const u32* sizes, const u16* guide, const u32* heads,
        const u64* thresholds, const i64* amounts, i64* drive, i64* peaks, u32* histograms, u64* tie_keys, i64 passes,
        i64 tile_bits) {
    DYNAMIC_SHARED(u32, counts);
    __shared__ i64 scratch[WARPS + 1];
    if (status->stalled) return;
    const i64 number = job_of(jobs, job_count, blockIdx.x);
    const Job job = jobs[number];
    const Area area = areas[job.area];
    const i64 tile = i64(blockIdx.x) - job.first_block;
    const u64 low = u64(tile) << tile_bits;
    const u64 left = u64(area.n) - low;
    const u32 size = left < (1ull << tile_bits) ? u32(left) : 1u << tile_bits;
    if (tile == 0) {
        const u64 tag = input_tag(job, opened, fibers, areas, winners, sizes, reinterpret_cast<u64*>(scratch));
        if (threadIdx.x == 0) tie_keys[number] = tie_key(area, tag);
        for (i64 bin = threadIdx.x; bin < passes * DIGITS; bin += THREADS) histograms[number * passes * DIGITS + bin] = 0;
    }
    const u32 count_words = (size + 1) >> 1;
    i64* const tile_drive = drive + area.drive + low;
    const i64* const tile_amounts = area.amounts == -1 ? nullptr : amounts + area.amounts + low;
    for (u32 word = threadIdx.x; word < count_words; word += THREADS) counts[word] = 0;
    __syncthreads();
    u64 added = 0;
    bool first = true;
    for (i64 open = job.first_fiber; open < job.end_fiber; ++open) {
        const Fiber& fiber = fibers[opened[open]];
        const Gaps gaps = gaps_of(fiber, guide, heads, thresholds);
        const u32* const sources = winners + areas[fiber.source].winners;
        const u64 source_count = sizes[fiber.source];
        for (u64 begin = 0; begin < source_count;) {
            const u64 rest = source_count - begin, room = MOST_SOURCES - added;
            const u64 taken = rest < room ? rest : room;
            count_sources(counts, sources + begin, taken, low, size, int(tile_bits), fiber, gaps);
            begin += taken;
            added += taken;
            if (added < MOST_SOURCES) continue;
            __syncthreads();
            move_counts(counts, tile_drive, tile_amounts, size, first);
            __syncthreads();
            for (u32 word = threadIdx.x; word < count_words; word += THREADS) counts[word] = 0;
            __syncthreads();
            first = false;
            added = 0;
        }
    }
    __syncthreads();
    const i64 peak = block_maximum(move_counts(counts, tile_drive, tile_amounts, size, first), scratch);
    if (threadIdx.x == 0) peaks[area.tiles + tile] = peak;
}
