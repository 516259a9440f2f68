// Areas whose nodes hold unit vectors; see `kernels/vectors/reference.py` for the law.  A warp works for one node.
// A launch works for many fibers or areas, each with blocks of its own, so that brains side by side share it.
#include "block.cuh"

constexpr i64 KEEP = 0, ANCHOR = 1, MIX = 2;  // where shares stand
constexpr f32 SMALLEST_ROW = 1e-30f;
constexpr i64 BY_ROW = 1, COSINE = 2, ONTO_SELF = 4, SYMMETRIC = 8, PRODUCT = 16, WITH_INPUT = 32;

// What this block works for.
__device__ __forceinline__ const Message& message_of_block(const Messages& messages) {
    return messages.items[job_of(messages.items, messages.count, &Message::first_block, i64(blockIdx.x))];
}

// The item of its list that this warp works for.
__device__ __forceinline__ i64 item_of_warp(const Message& message) {
    return (i64(blockIdx.x) - message.first_block) * WARPS + (threadIdx.x >> 5);
}

// Returns the sum over the lanes of a warp, the same in each of them.
template <class Number>
__device__ __forceinline__ Number warp_sum(Number value) {
    for (int step = 16; step; step >>= 1) value += __shfl_xor_sync(ALL_LANES, value, step);
    return value;
}

__device__ __forceinline__ f32 scalar_product(const f32* a, const f32* b, i64 dim) {
    f32 sum = 0;
    for (i64 at = lane_id(); at < dim; at += 32) sum += a[at] * b[at];
    return warp_sum(sum);
}

// The weight of an edge in a message: that of its channels, mixed.
__device__ __forceinline__ f32 mixed(const Message& message, i64 edge, bool sizes) {
    f32 sum = 0;
    for (i64 channel = 0; channel < message.channels; ++channel) {
        const f32 part = message.shares[MIX + channel] * message.weights[edge * message.channels + channel];
        sum += sizes && part < 0 ? -part : part;
    }
    return sum;
}

// Writes what a message proposes to some nodes into their rows of `out`, or adds it if `add`.
// Grid: a warp for each node of the list.
extern "C" __global__ void __launch_bounds__(THREADS) propose(const Messages messages, i64 add) {
    const Message& message = message_of_block(messages);
    const i64 item = item_of_warp(message);
    if (item >= message.count) return;
    const i64 node = message.nodes[item], first = message.starts[node], end = message.starts[node + 1];
    const i64 dim = message.dim;
    const f32 keep = message.shares[KEEP], anchor = message.shares[ANCHOR], pull = 1 - anchor;
    const f32* const own = message.targets + node * dim;
    const f32* const origin = message.anchors + node * dim;
    f32* const out = message.out + message.places[item] * dim;

    f32 scale = 1 - keep;
    if (message.flags & BY_ROW) {
        f32 total = 0;
        for (i64 entry = first + lane_id(); entry < end; entry += 32) total += mixed(message, message.ids[entry], true);
        total = warp_sum(total);
        scale = total > SMALLEST_ROW ? scale / total : 0;
    }
    for (i64 at = lane_id(); at < dim; at += 32)
        out[at] = (add ? out[at] : 0) + pull * keep * own[at] + anchor * origin[at];
    f32 onto_own = 0;
    for (i64 entry = first; entry < end; ++entry) {
        const f32* const other = message.sources + i64(message.neighbours[entry]) * dim;
        f32 weight = mixed(message, message.ids[entry], false);
        if (message.flags & COSINE) weight *= scalar_product(own, other, dim);
        if (message.flags & ONTO_SELF) onto_own += weight;
        else
            for (i64 at = lane_id(); at < dim; at += 32) out[at] += pull * scale * weight * other[at];
    }
    if (message.flags & ONTO_SELF)
        for (i64 at = lane_id(); at < dim; at += 32) out[at] += pull * scale * onto_own * own[at];
}

// Makes unit vectors of the rows of a list of nodes; a node whose row is 0 keeps its vector.  Grid: a warp for each row.
extern "C" __global__ void __launch_bounds__(THREADS) normalize(const Messages messages) {
    const Message& message = message_of_block(messages);
    const i64 item = item_of_warp(message);
    if (item >= message.count) return;
    f32* const out = message.out + item * message.dim;
    const f32* const own = message.targets + message.nodes[item] * message.dim;
    f64 square = 0;
    for (i64 at = lane_id(); at < message.dim; at += 32) square += f64(out[at]) * f64(out[at]);
    const f64 length = sqrt(warp_sum(square));
    for (i64 at = lane_id(); at < message.dim; at += 32) out[at] = length > 0 ? f32(f64(out[at]) / length) : own[at];
}

// Puts the rows of a list of nodes in place of their vectors.  Grid: a warp for each row.
extern "C" __global__ void __launch_bounds__(THREADS) replace_rows(const Messages messages) {
    const Message& message = message_of_block(messages);
    const i64 item = item_of_warp(message);
    if (item >= message.count) return;
    f32* const own = message.targets + message.nodes[item] * message.dim;
    for (i64 at = lane_id(); at < message.dim; at += 32) own[at] = message.out[item * message.dim + at];
}

// Moves the weights of the edges among active nodes.  An undirected edge has an entry at either end, of which that at the
// larger node counts: one lane alone writes to the weights of an edge.  Grid: a warp for each active node of the target.
extern "C" __global__ void __launch_bounds__(THREADS) relax(const Messages messages) {
    const Message message = message_of_block(messages);  // a reference takes 66 registers of Turing's 64 for four blocks
    const i64 item = item_of_warp(message);
    if (item >= message.count) return;
    const i64 node = message.nodes[item], dim = message.dim, channels = message.channels;
    const f32* const own = message.targets + node * dim;
    for (i64 entry = message.starts[node] + lane_id(); entry < message.starts[node + 1]; entry += 32) {
        const i64 neighbour = message.neighbours[entry];
        if (!message.active[neighbour] || (message.flags & SYMMETRIC && neighbour > node)) continue;
        const f32* const other = message.sources + neighbour * dim;
        f64 cosine = 0, square = 0;
        for (i64 at = 0; at < dim; ++at) {
            const f64 mine = own[at], theirs = other[at];
            cosine += mine * theirs;
            square += (mine - theirs) * (mine - theirs);
        }
        const f64 gate = tanh(message.flags & PRODUCT ? fabs(cosine) : sqrt(square));
        for (i64 channel = 0; channel < channels; ++channel) {
            const f64 step = message.rule[channel];
            if (step == 0) continue;
            f32* const place = message.weights + i64(message.ids[entry]) * channels + channel;
            const f64 weight = *place;
            f64 target = cosine;
            if (message.flags & WITH_INPUT)
                target *= (f64(message.inputs[node * channels + channel]) +
                           f64(message.inputs[neighbour * channels + channel])) / 2;
            const f64 moved = weight + step * gate * (message.flags & PRODUCT ? cosine * weight : target - weight);
            const f64 low = message.rule[channels], high = message.rule[channels + 1];
            *place = f32(moved < low ? low : moved > high ? high : moved);
        }
    }
}

// Adds up the weights of the edges from active nodes, and counts the edges.  Grid: a thread for each node of the target.
extern "C" __global__ void __launch_bounds__(THREADS) read_out(const Messages messages) {
    const Message& message = message_of_block(messages);
    const i64 node = (i64(blockIdx.x) - message.first_block) * THREADS + threadIdx.x;
    if (node >= message.count) return;
    for (i64 channel = 0; channel < message.channels; ++channel) {
        f64 sum = 0;
        i64 edges = 0;
        for (i64 entry = message.starts[node]; entry < message.starts[node + 1]; ++entry) {
            if (!message.active[message.neighbours[entry]]) continue;
            sum += message.weights[i64(message.ids[entry]) * message.channels + channel];
            ++edges;
        }
        message.out[node * message.channels + channel] = f32(sum);
        message.places[node] = edges;
    }
}
