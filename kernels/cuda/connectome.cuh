// The random graph, bit for bit that of `kernels/law/graph.py`, which says why it is as it is.
#pragma once
#include "types.cuh"

constexpr u64 GOLDEN = 0x9E3779B97F4A7C15ull;
constexpr u64 BLOCK_STEP = 0xD1342543DE82EF95ull;
constexpr u64 FINE_LOW = 0xA0761D6478BD642Full;
constexpr u64 FINE_HIGH = 0xE7037ED1A0B428DBull;
constexpr int TAPER_BITS = 12;
constexpr int POSITION_BITS = 32;

// The geometric distribution as in `kernels/law/gaps.py`: 32 bits to compare, and all 64.
struct Gaps {
    const u32* heads;
    const u64* thresholds;
    u32 last;
    f32 half_life;  // the probability that a gap is at least so long is 1/2
};

__device__ __forceinline__ Gaps gaps_of(const Fibers& fibers, const Fiber& fiber) {
    return {fibers.heads + fiber.heads, fibers.gap_thresholds + fiber.gap_thresholds, u32(fiber.last),
            f32(fiber.half_life)};
}

__device__ __forceinline__ u64 mix64(u64 x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
    return x ^ (x >> 31);
}

__device__ __forceinline__ u64 row_key(u64 key, u64 pre) { return mix64(key + (pre + 1) * GOLDEN); }

__device__ __forceinline__ u64 block_state(u64 row, u64 block) { return mix64(row ^ ((block + 1) * BLOCK_STEP)); }

// A logarithm says where in the table to begin, to within a place or two.  A table of beginnings, as the cpu backend has,
// is read at random places and does not fit into the first cache: with it, sparse graphs took twice as long to draw.
__device__ __forceinline__ u32 guessed_gap(u32 lane, const Gaps& gaps) {
    const f32 guess = gaps.half_life * (32.0f - __log2f(f32(~lane)));
    const u32 gap = u32(fminf(fmaxf(guess, 0.0f), 4e9f));
    return gap < gaps.last ? gap : gaps.last;
}

// The first gap whose threshold is not below `lane`.  Whatever the guess is, the two loops end there.
__device__ __forceinline__ u32 gap_of(u32 lane, u64 word, u64 fine, const Gaps& gaps) {
    u32 gap = guessed_gap(lane, gaps);
    while (gap > 0 && gaps.heads[gap - 1] >= lane) --gap;
    while (gaps.heads[gap] < lane) ++gap;
    if (gaps.heads[gap] == lane) {  // once in 10^8: the finer 32 bits decide
        const u64 uniform = (u64(lane) << 32) | (mix64(word ^ fine) & 0xFFFFFFFFull);
        while (gap < gaps.last && gaps.thresholds[gap] <= uniform) ++gap;
    }
    return gap;
}

__device__ __forceinline__ u32 position_at(u64 neuron, i64 scale) { return u32((neuron * u64(scale)) >> 31); }

// Whether a synapse of the random graph is one of a fiber that distance thins: `Tapered` of `kernels/law/taper.py`.
__device__ __forceinline__ bool keeps(const Fibers& fibers, const Fiber& fiber, u64 pre, u64 post) {
    const u32 from = position_at(pre, fiber.source_scale), to = position_at(post, fiber.target_scale);
    const u32 distance = from > to ? from - to : to - from;
    const u32 decides = u32(row_key(row_key(fiber.taper_key, pre), post) >> 32);
    return decides < fibers.tapers[fiber.taper + (distance >> (POSITION_BITS - TAPER_BITS))];
}

// Calls `visit` with the position of every synapse of a block below `end`, ascending.
template <class Visit>
__device__ __forceinline__ void draw_block(u64 state, u32 end, const Gaps& gaps, Visit visit) {
    u32 at = 0;
    while (true) {
        state += GOLDEN;
        const u64 word = mix64(state);
        at += gap_of(u32(word), word, FINE_LOW, gaps);
        if (at >= end) return;
        visit(at);
        at += gap_of(u32(word >> 32), word, FINE_HIGH, gaps) + 1;
        if (at >= end) return;
        visit(at);
        ++at;
    }
}
