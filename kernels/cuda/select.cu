// Exact selection of the k largest drives; ties by hash.  A radix search, digit by digit from the top, finds the drive of
// the last winner (the bar); if more neurons lie at the bar than can win, it goes on with their preferences, the
// complements of their hashes, so that what is looked for is always the largest.  Then the winners are listed, ascending.
// Tiles whose peak is too low are not read.
#include "ties.cuh"

__device__ __forceinline__ u64 without_low_bits(u64 value, u64 bits) { return bits < 64 ? value >> bits : 0; }

__device__ __forceinline__ u64 with_low_bits(u64 value, u64 bits) { return bits < 64 ? value << bits : 0; }

__device__ __forceinline__ u64 digit_bits(const Choice& choice) {
    return choice.unknown < u64(DIGIT_BITS) ? choice.unknown : u64(DIGIT_BITS);
}

// Returns what is known when all neurons that begin like `prefix` win: the lowest bar, or preference, of them.  A bar is at
// least 1, because a neuron that is not driven never wins.
__device__ __forceinline__ Choice settled(u64 bar, u64 prefix, u64 unknown) {
    const u64 lowest = with_low_bits(prefix, unknown);
    if (bar) return {bar, lowest, 0, 0};
    return {lowest ? lowest : 1, 0, 0, 0};
}

// Finds the next digit of the last winner from how often each digit occurs among the candidates.
__device__ Choice descend(const u32* histogram, Choice choice, u64* scratch) {
    __shared__ Choice found;
    constexpr i64 OWN = DIGITS / THREADS;
    const i64 top = DIGITS - 1 - i64(threadIdx.x) * OWN;
    u64 own = 0, total = 0;
    for (i64 bin = 0; bin < OWN; ++bin) own += histogram[top - bin];
    u64 above = block_sum_before(own, scratch, total);
    if (threadIdx.x == 0) found = settled(0, 0, 0);  // if fewer neurons are driven than can win, all of them do
    __syncthreads();
    if (above < choice.remaining && above + own >= choice.remaining) {
        i64 bin = top;
        while (above + histogram[bin] < choice.remaining) above += histogram[bin--];
        const u64 width = digit_bits(choice), unknown = choice.unknown - width;
        const u64 prefix = choice.prefix << width | u64(bin), remaining = choice.remaining - above;
        if (remaining == histogram[bin]) found = settled(choice.bar, prefix, unknown);
        else if (unknown == 0) found = {prefix, 0, 64, remaining};  // never two equal preferences, so this was the drive
        else found = {choice.bar, prefix, unknown, remaining};
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
    if (peak == 0) return settled(0, 0, 0);
    return {0, 0, u64(64 - __clzll(peak)), u64(k)};
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

// Whether a tile with this peak may hold a neuron that begins like the last winner, or wins.
__device__ __forceinline__ bool may_win(i64 peak, const Choice& choice) {
    if (choice.bar) return peak >= i64(choice.bar);
    return peak > 0 && without_low_bits(u64(peak), choice.unknown) >= choice.prefix;
}

// Counts, among the neurons that begin like the last winner, how often each next digit occurs.
// Grid: the tiles of all jobs, as in `project`.
extern "C" __global__ void __launch_bounds__(THREADS)
count_digits(const Status* status, const Job* jobs, i64 job_count, const Area* areas, const i64* drive, const i64* peaks,
             const u64* tie_keys, u32* histograms, Choice* choices, i64 pass, i64 passes, i64 tile_bits) {
    __shared__ u32 bins[DIGITS];
    __shared__ u64 scratch[WARPS + 1];
    if (status->stalled) return;
    const i64 number = job_of(jobs, job_count, blockIdx.x);
    const Area area = areas[jobs[number].area];
    const i64 tile = i64(blockIdx.x) - jobs[number].first_block, tiles = ((area.n - 1) >> tile_bits) + 1;
    const Choice choice =
        choice_before(pass, passes, number, tile == 0, area, tiles, peaks, histograms, choices, scratch);
    if (choice.unknown == 0 || !may_win(peaks[area.tiles + tile], choice)) return;
    for (i64 bin = threadIdx.x; bin < DIGITS; bin += THREADS) bins[bin] = 0;
    __syncthreads();
    const i64 low = tile << tile_bits, end = low + (1ll << tile_bits) < area.n ? low + (1ll << tile_bits) : area.n;
    const u64 digit_at = choice.unknown - digit_bits(choice), mask = (1ull << digit_bits(choice)) - 1;
    const u64 key = tie_keys[number];
    u64 last = 0;
    u32 same = 0;  // equal digits in a row are added at once, or the few that most drives have would be a bottleneck
    for (i64 post = low + threadIdx.x; post < end; post += THREADS) {
        const i64 value = drive[area.drive + post];
        if (choice.bar ? value != i64(choice.bar) : value <= 0) continue;
        const u64 sought = choice.bar ? ~tie_hash(key, post) : u64(value);
        if (without_low_bits(sought, choice.unknown) != choice.prefix) continue;
        const u64 digit = (sought >> digit_at) & mask;
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

// Finds the last winner among candidates whose preferences have all the digits in common that were looked for: hardly ever
// there are any, and then two or three.  So each block looks for itself, and takes one after the other.
__device__ Choice finish(Choice choice, const i64* drive, i64 n, u64 key, u64* scratch) {
    u64 hash = 0;
    for (u64 taken = 0; taken < choice.remaining; ++taken) {
        const u64 least = taken ? hash + 1 : 0;
        u64 smallest = ~0ull;
        for (i64 post = threadIdx.x; post < n; post += THREADS) {
            if (drive[post] != i64(choice.bar)) continue;
            const u64 own = tie_hash(key, post);
            if (own >= least && own < smallest && without_low_bits(~own, choice.unknown) == choice.prefix) smallest = own;
        }
        hash = block_minimum(smallest, scratch);
    }
    return settled(choice.bar, ~hash, 0);
}

__device__ __forceinline__ bool wins(i64 value, i64 post, const Choice& choice, u64 key) {
    if (value != i64(choice.bar)) return value > i64(choice.bar);
    return choice.prefix == 0 || ~tie_hash(key, post) >= choice.prefix;
}

// Counts the winners of each tile.  Grid: the tiles of all jobs.
extern "C" __global__ void __launch_bounds__(THREADS)
count_winners(const Status* status, const Job* jobs, i64 job_count, const Area* areas, const i64* drive,
              const i64* peaks, const u64* tie_keys, const u32* histograms, Choice* choices, u32* won, i64 passes,
              i64 tile_bits) {
    __shared__ u64 scratch[WARPS + 1];
    if (status->stalled) return;
    const i64 number = job_of(jobs, job_count, blockIdx.x);
    const Area area = areas[jobs[number].area];
    const i64 tile = i64(blockIdx.x) - jobs[number].first_block, tiles = ((area.n - 1) >> tile_bits) + 1;
    const u64 key = tie_keys[number];
    Choice choice = choice_before(passes, passes, number, false, area, tiles, peaks, histograms, choices, scratch);
    if (choice.unknown) choice = finish(choice, drive + area.drive, area.n, key, scratch);
    if (tile == 0 && threadIdx.x == 0) choices[number * (passes + 1) + passes] = choice;
    u64 own = 0, total = 0;
    if (may_win(peaks[area.tiles + tile], choice)) {
        const i64 low = tile << tile_bits, end = low + (1ll << tile_bits) < area.n ? low + (1ll << tile_bits) : area.n;
        for (i64 post = low + threadIdx.x; post < end; post += THREADS) {
            own += wins(drive[area.drive + post], post, choice, key);
        }
    }
    block_sum_before(own, scratch, total);
    if (threadIdx.x == 0) won[area.tiles + tile] = u32(total);
}

// Lists the winners, ascending, as the next ones of their area.  Grid: the tiles of all jobs.
extern "C" __global__ void __launch_bounds__(THREADS)
list_winners(const Status* status, const Job* jobs, i64 job_count, const Area* areas, const i64* drive,
             const u64* tie_keys, const Choice* choices, const u32* won, u32* next_winners, u32* next_sizes, i64 passes,
             i64 tile_bits) {
    __shared__ u64 scratch[WARPS + 1];
    if (status->stalled) return;
    const i64 number = job_of(jobs, job_count, blockIdx.x);
    const i64 index = jobs[number].area;
    const Area area = areas[index];
    const i64 tile = i64(blockIdx.x) - jobs[number].first_block;
    const u64 here = won[area.tiles + tile];
    const i64 low = tile << tile_bits, end = low + (1ll << tile_bits) < area.n ? low + (1ll << tile_bits) : area.n;
    if (here == 0 && end < area.n) return;
    u64 own = 0, before = 0;
    for (i64 earlier = threadIdx.x; earlier < tile; earlier += THREADS) own += won[area.tiles + earlier];
    block_sum_before(own, scratch, before);
    if (end == area.n && threadIdx.x == 0) next_sizes[index] = u32(before + here);
    if (here == 0) return;
    const Choice choice = choices[number * (passes + 1) + passes];
    const u64 key = tie_keys[number];
    for (i64 start = low; start < end; start += THREADS) {
        const i64 post = start + threadIdx.x;
        const bool winner = post < end && wins(drive[area.drive + post], post, choice, key);
        u64 total = 0;
        const u64 place = before + block_sum_before(winner, scratch, total);
        if (winner) next_winners[area.winners + i64(place)] = u32(post);
        before += total;
    }
}
