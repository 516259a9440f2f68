// Exact selection of the k largest drives, ties to the lowest index: a radix search for the k-th largest, digit by digit
// from the top, and then the winners in ascending order.  Tiles whose peak is too low are not read.
#include "block.cuh"

__device__ __forceinline__ u64 without_low_bits(u64 value, u64 bits) { return bits < 64 ? value >> bits : 0; }

__device__ __forceinline__ u64 digit_bits(const Choice& choice) {
    return choice.unknown < u64(DIGIT_BITS) ? choice.unknown : u64(DIGIT_BITS);
}

// Finds the next digit of the k-th largest drive from how often each digit occurs.  If there are fewer positive drives
// than winners wanted, every digit comes out as 0, and so does the drive: it means that all positive drives win.
__device__ Choice descend(const u32* histogram, Choice choice, u64* scratch) {
    __shared__ Choice found;
    constexpr i64 OWN = DIGITS / THREADS;
    const i64 top = DIGITS - 1 - i64(threadIdx.x) * OWN;
    const u64 width = digit_bits(choice), prefix = choice.prefix << width, unknown = choice.unknown - width;
    u64 own = 0, total = 0;
    for (i64 bin = 0; bin < OWN; ++bin) own += histogram[top - bin];
    u64 above = block_sum_before(own, scratch, total);
    if (threadIdx.x == 0) found = {prefix, choice.remaining - (total - histogram[0]), unknown};
    __syncthreads();
    if (above < choice.remaining && above + own >= choice.remaining) {
        i64 bin = top;
        while (above + histogram[bin] < choice.remaining) above += histogram[bin--];
        found = {prefix | u64(bin), choice.remaining - above, unknown};
    }
    __syncthreads();
    return found;
}

// At first, all bits of the largest drive are unknown; so the first digit tells the drives apart as well as it can, and
// nearly all tiles can be passed over from then on.
__device__ Choice choice_at_first(const i64* peaks, i64 tiles, i64 k, u64* scratch) {
    i64 peak = 0;
    for (i64 tile = threadIdx.x; tile < tiles; tile += THREADS) peak = peaks[tile] > peak ? peaks[tile] : peak;
    peak = block_maximum(peak, reinterpret_cast<i64*>(scratch));
    return {0, u64(k), u64(64 - __clzll(peak))};
}

// What is known before a pass; the first thread block of a job keeps it for the next one.
__device__ Choice choice_before(i64 pass, i64 passes, i64 job, bool keep, const Area& area, i64 tiles, const i64* peaks,
                                const u32* histograms, Choice* choices, u64* scratch) {
    Choice* const known = choices + job * (passes + 1);
    Choice choice;
    if (pass == 0) {
        choice = choice_at_first(peaks + area.tiles, tiles, area.k, scratch);
    } else {
        choice = known[pass - 1];
        if (choice.unknown) choice = descend(histograms + (job * passes + pass - 1) * DIGITS, choice, scratch);
    }
    if (keep && threadIdx.x == 0) known[pass] = choice;
    return choice;
}

// Counts, among the drives that begin with the bits found so far, how often each next digit occurs.
// Grid: the tiles of all jobs, as in `project`.
extern "C" __global__ void __launch_bounds__(THREADS)
count_digits(const Status* status, const Job* jobs, i64 job_count, const Area* areas, const i64* drive, const i64* peaks,
             u32* histograms, Choice* choices, i64 pass, i64 passes, i64 tile_bits) {
    __shared__ u32 bins[DIGITS];
    __shared__ u64 scratch[WARPS + 1];
    if (status->stalled) return;
    const i64 number = job_of(jobs, job_count, blockIdx.x);
    const Area area = areas[jobs[number].area];
    const i64 tile = i64(blockIdx.x) - jobs[number].first_block, tiles = ((area.n - 1) >> tile_bits) + 1;
    const Choice choice =
        choice_before(pass, passes, number, tile == 0, area, tiles, peaks, histograms, choices, scratch);
    const u64 peak = u64(peaks[area.tiles + tile]), digit_at = choice.unknown - digit_bits(choice);
    if (choice.unknown == 0 || peak == 0 || without_low_bits(peak, choice.unknown) < choice.prefix) return;
    for (i64 bin = threadIdx.x; bin < DIGITS; bin += THREADS) bins[bin] = 0;
    __syncthreads();
    const i64 low = tile << tile_bits, end = low + (1ll << tile_bits) < area.n ? low + (1ll << tile_bits) : area.n;
    const u64 mask = (1ull << digit_bits(choice)) - 1;
    u64 last = 0;
    u32 same = 0;  // equal digits in a row are added at once, or the few that most drives have would be a bottleneck
    for (i64 post = low + threadIdx.x; post < end; post += THREADS) {
        const i64 value = drive[area.drive + post];
        if (value <= 0 || without_low_bits(u64(value), choice.unknown) != choice.prefix) continue;
        const u64 digit = (u64(value) >> digit_at) & mask;
        if (digit != last && same) {
            atomicAdd(&bins[last], same);
            same = 0;
        }
        last = digit;
        ++same;
    }
    if (same) atomicAdd(&bins[last], same);
    __syncthreads();
    u32* const histogram = histograms + (number * passes + pass) * DIGITS;
    for (i64 bin = threadIdx.x; bin < DIGITS; bin += THREADS) {
        if (bins[bin]) atomicAdd(&histogram[bin], bins[bin]);
    }
}

// Counts each tile's drives above the k-th largest, and those equal to it.  Grid: the tiles of all jobs.
extern "C" __global__ void __launch_bounds__(THREADS)
count_winners(const Status* status, const Job* jobs, i64 job_count, const Area* areas, const i64* drive,
              const i64* peaks, const u32* histograms, Choice* choices, u32* greater, u32* equal, i64 passes,
              i64 tile_bits) {
    __shared__ u64 scratch[WARPS + 1];
    if (status->stalled) return;
    const i64 number = job_of(jobs, job_count, blockIdx.x);
    const Area area = areas[jobs[number].area];
    const i64 tile = i64(blockIdx.x) - jobs[number].first_block, tiles = ((area.n - 1) >> tile_bits) + 1;
    const Choice choice =
        choice_before(passes, passes, number, tile == 0, area, tiles, peaks, histograms, choices, scratch);
    const i64 bar = i64(choice.prefix);
    const i64 peak = peaks[area.tiles + tile];
    u64 above = 0, level = 0, total_above = 0, total_level = 0;
    if (peak > 0 && peak >= bar) {
        const i64 low = tile << tile_bits, end = low + (1ll << tile_bits) < area.n ? low + (1ll << tile_bits) : area.n;
        for (i64 post = low + threadIdx.x; post < end; post += THREADS) {
            const i64 value = drive[area.drive + post];
            above += value > bar;
            level += value == bar;
        }
    }
    block_sum_before(above, scratch, total_above);
    block_sum_before(level, scratch, total_level);
    if (threadIdx.x == 0) {
        greater[area.tiles + tile] = u32(total_above);
        equal[area.tiles + tile] = u32(total_level);
    }
}

// Sums what earlier tiles counted.
__device__ u64 sum_of(const u32* counts, i64 count, u64* scratch) {
    u64 own = 0, total = 0;
    for (i64 tile = threadIdx.x; tile < count; tile += THREADS) own += counts[tile];
    block_sum_before(own, scratch, total);
    return total;
}

// Lists the winners, ascending, as the next ones of their area.  Grid: the tiles of all jobs.
extern "C" __global__ void __launch_bounds__(THREADS)
list_winners(const Status* status, const Job* jobs, i64 job_count, const Area* areas, const i64* drive,
             const Choice* choices, const u32* greater, const u32* equal, u32* next_winners, u32* next_sizes,
             i64 passes, i64 tile_bits) {
    __shared__ u64 scratch[WARPS + 1];
    if (status->stalled) return;
    const i64 number = job_of(jobs, job_count, blockIdx.x);
    const i64 index = jobs[number].area;
    const Area area = areas[index];
    const i64 tile = i64(blockIdx.x) - jobs[number].first_block;
    const Choice choice = choices[number * (passes + 1) + passes];
    const i64 bar = i64(choice.prefix);
    const u64 ties = bar > 0 ? choice.remaining : 0;
    u64 above = sum_of(greater + area.tiles, tile, scratch);
    u64 level = sum_of(equal + area.tiles, tile, scratch);
    const u64 tile_above = greater[area.tiles + tile], tile_level = equal[area.tiles + tile];
    const i64 low = tile << tile_bits, end = low + (1ll << tile_bits) < area.n ? low + (1ll << tile_bits) : area.n;
    if (end == area.n && threadIdx.x == 0) {
        const u64 tied = level + tile_level;
        next_sizes[index] = u32(above + tile_above + (tied < ties ? tied : ties));
    }
    if (tile_above == 0 && (tile_level == 0 || level >= ties)) return;
    for (i64 start = low; start < end; start += THREADS) {
        const i64 post = start + threadIdx.x;
        const i64 value = post < end ? drive[area.drive + post] : -1;
        const u64 marks = (u64(value > bar) << 32) | u64(value == bar);
        u64 total = 0;
        const u64 before = block_sum_before(marks, scratch, total);
        const u64 level_here = level + (before & 0xFFFFFFFFull), tied = level_here < ties ? level_here : ties;
        if (value > bar || (value == bar && level_here < ties)) {
            next_winners[area.winners + i64(above + (before >> 32) + tied)] = u32(post);
        }
        above += total >> 32;
        level += total & 0xFFFFFFFFull;
    }
}
