// Exact selection of the largest drives; ties by hash.  The rivals are neurons, or channels with summed drives.  A radix search, digit by digit from the top, finds the drive of
// the last winner (the bar); if more neurons lie at the bar than can win, it goes on with their preferences, the
// complements of their hashes, so that what is looked for is always the largest.  Then the winners are listed, ascending.
// Tiles whose peak is too low are not read.
#include "ties.cuh"

__device__ __forceinline__ u64 without_low_bits(u64 value, u64 bits) { return bits < 64 ? value >> bits : 0; }

__device__ __forceinline__ u64 with_low_bits(u64 value, u64 bits) { return bits < 64 ? value << bits : 0; }

__device__ __forceinline__ u64 digit_bits(const Search& search) {
    return search.unknown < u64(DIGIT_BITS) ? search.unknown : u64(DIGIT_BITS);
}

// Returns the end of a search in which all neurons that begin like `prefix` win: their lowest drive, or preference.  A bar
// is at least 1, because a neuron that is not driven never wins.
__device__ __forceinline__ Search ended(u64 bar, u64 prefix, u64 unknown) {
    const u64 lowest = with_low_bits(prefix, unknown);
    if (bar) return {bar, lowest, 0, 0};
    return {lowest ? lowest : 1, 0, 0, 0};
}

// Finds the next digit of the last winner from how often each digit occurs among the candidates.
__device__ Search descend(const u32* histogram, Search search, u64* scratch) {
    __shared__ Search found;
    constexpr i64 OWN = DIGITS / THREADS;
    const i64 top = DIGITS - 1 - i64(threadIdx.x) * OWN;
    u64 own = 0, total = 0;
    for (i64 bin = 0; bin < OWN; ++bin) own += histogram[top - bin];
    u64 above = block_sum_before(own, scratch, total);
    if (threadIdx.x == 0) found = ended(0, 0, 0);  // if fewer neurons are driven than can win, all of them do
    __syncthreads();
    if (above < search.remaining && above + own >= search.remaining) {
        i64 bin = top;
        while (above + histogram[bin] < search.remaining) above += histogram[bin--];
        const u64 width = digit_bits(search), unknown = search.unknown - width;
        const u64 prefix = search.prefix << width | u64(bin), remaining = search.remaining - above;
        if (remaining == histogram[bin]) found = ended(search.bar, prefix, unknown);
        else if (unknown == 0) found = {prefix, 0, 64, remaining};  // preferences differ, so this was the drive
        else found = {search.bar, prefix, unknown, remaining};
    }
    __syncthreads();
    return found;
}

// At first, all bits of the largest drive are unknown.  So the first digit separates the drives as well as possible, and
// nearly all tiles can be skipped afterwards.
__device__ Search search_at_first(const State& state, const Area& area, u64* scratch) {
    const i64 tiles = ((area.rivals - 1) >> state.tile_bits) + 1;
    const i64* const peaks = state.peaks + area.sum_tiles;
    i64 peak = 0;
    for (i64 tile = threadIdx.x; tile < tiles; tile += THREADS) peak = peaks[tile] > peak ? peaks[tile] : peak;
    peak = block_maximum(peak, reinterpret_cast<i64*>(scratch));
    if (peak == 0) return ended(0, 0, 0);
    return {0, 0, u64(64 - __clzll(peak)), u64(area.open)};
}

// What is known of a job before a pass.
__device__ Search search_before(i64 pass, const State& state, const Round& round, i64 job, const Area& area, u64* scratch) {
    if (pass == 0) return search_at_first(state, area, scratch);
    const Search search = round.searches[job * (round.passes + 1) + pass - 1];
    if (search.unknown == 0) return search;
    return descend(round.histograms + (job * round.passes + pass - 1) * DIGITS, search, scratch);
}

// Keeps what is known before a pass for the next one: once for a job.
__device__ __forceinline__ void keep(const Search& search, i64 pass, const Round& round, const Tile& tile) {
    if (tile.index == 0 && threadIdx.x == 0) round.searches[tile.job * (round.passes + 1) + pass] = search;
}

// Whether a tile with this peak may hold a neuron that begins like the last winner, or wins.
__device__ __forceinline__ bool may_win(i64 peak, const Search& search) {
    if (search.bar) return peak >= i64(search.bar);
    return peak > 0 && without_low_bits(u64(peak), search.unknown) >= search.prefix;
}

// Counts, among the rivals that begin like the last winner, how often each next digit occurs.
// Grid: the tiles of all jobs, as in `project`; channels need fewer.
extern "C" __global__ void __launch_bounds__(THREADS)
count_digits(const State state, const Round round, i64 pass) {
    __shared__ u32 bins[DIGITS];
    __shared__ u64 scratch[WARPS + 1];
    if (state.status->stalled) return;
    const Tile tile = tile_of(round, state, blockIdx.x);
    const Area& area = state.areas[round.select_jobs[tile.job].area];
    if (tile.low >= area.rivals) return;
    const Search search = search_before(pass, state, round, tile.job, area, scratch);
    keep(search, pass, round, tile);
    if (search.unknown == 0 || !may_win(state.peaks[area.sum_tiles + tile.index], search)) return;
    for (i64 bin = threadIdx.x; bin < DIGITS; bin += THREADS) bins[bin] = 0;
    __syncthreads();
    const u64 digit_at = search.unknown - digit_bits(search), mask = (1ull << digit_bits(search)) - 1;
    const u64 key = round.tie_keys[tile.job];
    const i64* const drive = state.drive + area.sums;
    const i64 end = tile.end < area.rivals ? tile.end : area.rivals;
    u64 last = 0;
    u32 same = 0;  // equal digits in a row are added at once, or the few that most drives have would be a bottleneck
    for (i64 post = tile.low + threadIdx.x; post < end; post += THREADS) {
        const i64 value = drive[post];
        if (search.bar ? value != i64(search.bar) : value <= 0) continue;
        const u64 sought = search.bar ? ~tie_hash(key, post) : u64(value);
        if (without_low_bits(sought, search.unknown) != search.prefix) continue;
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
    u32* const histogram = round.histograms + (tile.job * round.passes + pass) * DIGITS;
    for (i64 bin = threadIdx.x; bin < DIGITS; bin += THREADS) {
        if (bins[bin]) atomicAdd(&histogram[bin], bins[bin]);
    }
}

// Finds the last winner among candidates whose preferences have all the digits in common that were looked for: hardly ever
// there are any, and then two or three.  So each block looks for itself, and takes one after the other.
__device__ Search finished(Search search, const i64* drive, i64 n, u64 key, u64* scratch) {
    u64 hash = 0;
    for (u64 taken = 0; taken < search.remaining; ++taken) {
        const u64 least = taken ? hash + 1 : 0;
        u64 smallest = ~0ull;
        for (i64 post = threadIdx.x; post < n; post += THREADS) {
            if (drive[post] != i64(search.bar)) continue;
            const u64 own = tie_hash(key, post);
            const bool candidate = own >= least && without_low_bits(~own, search.unknown) == search.prefix;
            if (candidate && own < smallest) smallest = own;
        }
        hash = block_minimum(smallest, scratch);
    }
    return ended(search.bar, ~hash, 0);
}

__device__ __forceinline__ bool wins(i64 value, i64 post, const Search& search, u64 key) {
    if (value != i64(search.bar)) return value > i64(search.bar);
    return search.prefix == 0 || ~tie_hash(key, post) >= search.prefix;
}

// Whether a neuron fires once the search has ended.
__device__ __forceinline__ bool fires(const State& state, const Area& area, i64 post, const Search& search, u64 key) {
    const i64 value = state.drive[area.drive + post];
    if (area.channel == 1) return wins(value, post, search, key);
    const i64 channel = u32(post) / u32(area.channel);
    return value > 0 && wins(state.drive[area.sums + channel], channel, search, key);
}

// Whether a tile of neurons may hold one that fires.
__device__ __forceinline__ bool may_fire(const State& state, const Area& area, const Tile& tile, const Search& search) {
    const i64 peak = state.peaks[area.tiles + tile.index];
    if (area.channel == 1) return may_win(peak, search);
    if (peak <= 0) return false;
    // Its channels lie in one tile of channels, or in two that follow each other.
    const i64* const peaks = state.peaks + area.sum_tiles;
    const i64 first = u32(tile.low) / u32(area.channel), last = u32(tile.end - 1) / u32(area.channel);
    return may_win(peaks[first >> state.tile_bits], search) || may_win(peaks[last >> state.tile_bits], search);
}

// Counts the winners of each tile.  Grid: the tiles of all jobs.
extern "C" __global__ void __launch_bounds__(THREADS)
count_winners(const State state, const Round round) {
    __shared__ u64 scratch[WARPS + 1];
    if (state.status->stalled) return;
    const Tile tile = tile_of(round, state, blockIdx.x);
    const Area& area = state.areas[round.select_jobs[tile.job].area];
    const u64 key = round.tie_keys[tile.job];
    Search search = search_before(round.passes, state, round, tile.job, area, scratch);
    if (search.unknown) search = finished(search, state.drive + area.sums, area.rivals, key, scratch);
    keep(search, round.passes, round, tile);
    u64 own = 0, total = 0;
    if (may_fire(state, area, tile, search)) {
        for (i64 post = tile.low + threadIdx.x; post < tile.end; post += THREADS) {
            own += fires(state, area, post, search, key);
        }
    }
    block_sum_before(own, scratch, total);
    if (threadIdx.x == 0) state.won[area.tiles + tile.index] = u32(total);
}

// Lists the winners, ascending, as the next ones of their area.  Grid: the tiles of all jobs.
extern "C" __global__ void __launch_bounds__(THREADS)
list_winners(const State state, const Round round) {
    __shared__ u64 scratch[WARPS + 1];
    if (state.status->stalled) return;
    const Tile tile = tile_of(round, state, blockIdx.x);
    const i64 number = round.select_jobs[tile.job].area;
    const Area& area = state.areas[number];
    const u32* const won = state.won + area.tiles;
    const u64 here = won[tile.index];
    const bool last = tile.end == area.n;
    if (here == 0 && !last) return;
    u64 own = 0, before = 0;
    for (i64 earlier = threadIdx.x; earlier < tile.index; earlier += THREADS) own += won[earlier];
    block_sum_before(own, scratch, before);
    if (last && threadIdx.x == 0) state.next_sizes[number] = u32(before + here);
    if (here == 0) return;
    const Search search = round.searches[tile.job * (round.passes + 1) + round.passes];
    const u64 key = round.tie_keys[tile.job];
    for (i64 start = tile.low; start < tile.end; start += THREADS) {
        const i64 post = start + threadIdx.x;
        const bool winner = post < tile.end && fires(state, area, post, search, key);
        u64 total = 0;
        const u64 place = before + block_sum_before(winner, scratch, total);
        if (winner) {
            state.next_winners[area.winners + i64(place)] = u32(post);
            state.next_drives[area.winners + i64(place)] = state.drive[area.drive + post];
        }
        before += total;
    }
}
