// Learning, in six launches of which only the last changes weights: firing neurons get rows, the synapses from those that
// fired to those that have won are drawn, those stored already are crossed out, pages are reserved for the new ones, and
// all are strengthened, and stored ones to neurons that have lost are weakened.  Every place is a sum over those before it,
// so that equal runs store equal bytes.
#include "connectome.cuh"
#include "overlay.cuh"

// What a warp works for: a neuron that fired at the source of a fiber that learns.
struct Item {
    i64 number;
    i64 job;
    i64 place;  // among the neurons that may have fired
};

__device__ __forceinline__ Item item_of_warp(const Round& round) {
    const i64 item = (i64(blockIdx.x) * THREADS + threadIdx.x) >> 5;
    if (item >= round.learn_items) return {item, -1, 0};
    const i64 job = job_of(round.learn_jobs, round.learn_count, &LearnJob::first_item, item);
    return {item, job, item - round.learn_jobs[job].first_item};
}

// Gives rows to the neurons that fire at some fibers, if they have none.  Grid: one block, so that equal runs give equal
// rows.  A neuron may fire at two of the fibers; it is counted twice, which may ask for more room than is taken.
extern "C" __global__ void __launch_bounds__(THREADS)
assign_rows(const Fibers fibers, const State state, const Overlay overlay, const Round round) {
    __shared__ u64 scratch[WARPS + 1];
    if (state.status->stalled) return;
    const u64 used = u64(state.status->rows_used);
    for (int assign = 0; assign < 2; ++assign) {
        u64 wanted = used;
        for (i64 which = 0; which < round.source_count; ++which) {
            const Fiber& fiber = fibers.items[round.sources[which]];
            const Area& area = state.areas[fiber.source];
            const Neurons firing = firing_of(state, round, fiber);
            u32* const ranks = overlay.ranks + area.ranks;
            __syncthreads();  // the fiber before may have given rows to the same neurons
            for (i64 start = 0; start < firing.count; start += THREADS) {
                const i64 place = start + threadIdx.x;
                const bool fresh = place < firing.count && ranks[firing.items[place]] == 0;
                u64 total = 0;
                const u64 before = block_sum_before(fresh, scratch, total);
                if (assign && fresh) ranks[firing.items[place]] = u32(wanted + before * u64(area.slots) + 1);
                wanted += total * u64(area.slots);
            }
        }
        if (wanted == used) return;
        if (assign) {
            if (threadIdx.x == 0) state.status->rows_used = i64(wanted);
        } else if (i64(wanted) > overlay.row_capacity) {
            if (threadIdx.x == 0) {
                state.status->stalled = 1;
                state.status->rows_needed = i64(wanted);
            }
            return;
        }
    }
}

// Lists, for each job, the first winner of each block of the graph that holds any, led by their number.
// Grid: a block for each job.
extern "C" __global__ void __launch_bounds__(THREADS)
list_starts(const Fibers fibers, const State state, const Round round) {
    __shared__ u64 scratch[WARPS + 1];
    if (state.status->stalled) return;
    const LearnJob& job = round.learn_jobs[blockIdx.x];
    if (job.starts == 0) return;
    const Fiber& fiber = fibers.items[job.fiber];
    const Neurons posts = posts_of(state, fiber, job.moved);
    u32* const own = round.starts + job.first_start;
    u64 found = 0;
    for (i64 begin = 0; begin < posts.count; begin += THREADS) {
        const i64 at = begin + threadIdx.x;
        const bool first =
            at < posts.count && (at == 0 || posts.items[at - 1] >> fiber.bits != posts.items[at] >> fiber.bits);
        u64 total = 0;
        const u64 before = block_sum_before(first, scratch, total);
        if (first) own[1 + found + before] = u32(at);
        found += total;
    }
    if (threadIdx.x == 0) own[0] = u32(found);
}

// Draws which synapses exist between those that fired and those that have won: a bit for each pair.
// Grid: a thread for each neuron that fired and block of the graph that holds winners.
extern "C" __global__ void __launch_bounds__(THREADS)
draw_pairs(const Fibers fibers, const State state, const Round round) {
    if (state.status->stalled) return;
    const i64 pair = i64(blockIdx.x) * THREADS + threadIdx.x;
    if (pair >= round.learn_pairs) return;
    const LearnJob& job = round.learn_jobs[job_of(round.learn_jobs, round.learn_count, &LearnJob::first_pair, pair)];
    const Fiber& fiber = fibers.items[job.fiber];
    const u64 local = u64(pair - job.first_pair), width = u64(job.starts);
    // A division of 64 bits takes some hundred instructions, one of 32 bits twenty.
    const i64 place = local >> 32 ? i64(local / width) : i64(u32(local) / u32(width));
    const i64 start = i64(local - u64(place) * width);
    const u32* const own = round.starts + job.first_start;
    const i64 start_count = own[0];
    const Neurons firing = firing_of(state, round, fiber);
    if (place >= firing.count || start >= start_count) return;
    const Neurons posts = posts_of(state, fiber, job.moved);
    const i64 first = own[1 + start], last = (start + 1 < start_count ? i64(own[2 + start]) : posts.count) - 1;
    const u64 block = u64(posts.items[first]) >> fiber.bits;
    const u64 pre = firing.items[place], base = block << fiber.bits;
    // A part of an area counts its neurons from its first one, with which a block of the graph begins.
    const u32 part = u32(state.areas[fiber.target].first);
    const u64 own_block = block + (part >> fiber.bits);
    u32* const row = round.hits + job.hits + place * job.words;
    i64 at = first;
    const u32 end = u32(u64(posts.items[last]) - base) + 1;
    draw_block(block_state(row_key(fiber.key, pre), own_block), end, gaps_of(fibers, fiber), [&](u32 position) {
        const u64 post = base + position;
        while (u64(posts.items[at]) < post) ++at;  // the last winner is not below any position
        if (u64(posts.items[at]) != post) return;
        const u32 whole = part + u32(post);
        if (fiber.recurrent != 0 && whole == u32(pre)) return;
        if (fiber.taper < 0 || keeps(fibers, fiber, pre, whole)) atomicOr(&row[at >> 5], 1u << (at & 31));
    });
}

// Crosses out the synapses that are stored, and says how many pages the others need.  Grid: a warp for each item.
extern "C" __global__ void __launch_bounds__(THREADS)
cross_out(const Fibers fibers, const State state, const Overlay overlay, const Round round) {
    if (state.status->stalled) return;
    const Item item = item_of_warp(round);
    if (item.job < 0) return;
    const LearnJob& job = round.learn_jobs[item.job];
    const Fiber& fiber = fibers.items[job.fiber];
    const Neurons firing = firing_of(state, round, fiber);
    u64 pages = 0;
    if (job.words && item.place < firing.count) {
        const Neurons posts = posts_of(state, fiber, job.moved);
        const Row& row = *row_at(state, overlay, fiber, firing.items[item.place]);
        u32* const bits = round.hits + job.hits + item.place * job.words;
        walk_row(overlay, row, [&](u64 slot) {
            const i64 at = position_of(overlay.posts[slot], posts);
            if (at >= 0) atomicAnd(&bits[at >> 5], ~(1u << (at & 31)));
        });
        __syncwarp();
        u64 fresh = 0;
        for (i64 word = lane_id(); word < job.words; word += 32) fresh += __popc(bits[word]);
        for (int step = 16; step; step >>= 1) fresh += __shfl_xor_sync(ALL_LANES, fresh, step);
        pages = (row.length + fresh + PAGE - 1) / PAGE - (row.length + PAGE - 1) / PAGE;
    }
    if (lane_id() == 0) round.pages[item.number] = pages;
}

// Turns the pages that each item needs into the first page of each.  Grid: one block.
extern "C" __global__ void __launch_bounds__(THREADS)
reserve(const State state, const Overlay overlay, const Round round) {
    __shared__ u64 scratch[WARPS + 1];
    if (state.status->stalled) return;
    u64 reserved = u64(state.status->pages_used);
    for (i64 start = 0; start < round.learn_items; start += THREADS) {
        const i64 item = start + threadIdx.x;
        u64 total = 0;
        const u64 before = block_sum_before(item < round.learn_items ? round.pages[item] : 0, scratch, total);
        if (item < round.learn_items) round.pages[item] = reserved + before;
        reserved += total;
    }
    if (threadIdx.x) return;
    if (i64(reserved) > overlay.page_capacity) {
        state.status->stalled = 1;
        state.status->pages_needed = i64(reserved);
    } else {
        state.status->pages_used = i64(reserved);
    }
}

// Strengthens and weakens what is stored, and appends what is new, in the order of the winners.  No synapse is both:
// those that have lost fire until the round commits, and are no winners.  Grid: a warp for each item.
extern "C" __global__ void __launch_bounds__(THREADS, 4)
strengthen(const Fibers fibers, const State state, const Overlay overlay, const Round round) {
    if (state.status->stalled) return;
    const Item item = item_of_warp(round);
    if (item.job < 0) return;
    const LearnJob& job = round.learn_jobs[item.job];
    const Fiber& fiber = fibers.items[job.fiber];
    const Neurons firing = firing_of(state, round, fiber);
    if (item.place >= firing.count) return;
    Row* const own = row_at(state, overlay, fiber, firing.items[item.place]);
    if (!own) return;
    const Neurons posts = posts_of(state, fiber, job.moved), before = firing_at(state, fiber.target);
    const Row row = *own;
    walk_row(overlay, row, [&](u64 slot) {
        const u32 post = overlay.posts[slot];
        i32& weight = overlay.weights[slot];
        if (position_of(post, posts) >= 0) {
            weight = i32(strengthened(weight, job.rate, fibers, fibers.rules[fiber.rule]));
        } else if (job.depression >= 0) {
            const Rule& rule = fibers.rules[job.depression];
            if (rule.losers || position_of(post, before) >= 0) weight = i32(weakened(weight, job.rate, fibers, rule));
        }
    });
    if (job.words == 0) return;
    const u64 first_page = round.pages[item.number], held = (row.length + PAGE - 1) / PAGE;
    u32* const bits = round.hits + job.hits + item.place * job.words;
    u64 length = row.length;
    for (i64 word = 0; word < job.words; ++word) {
        const u32 set = bits[word];
        if (set >> lane_id() & 1) {
            const u64 at = length + __popc(set & ((1u << lane_id()) - 1));
            const u64 page = at / PAGE < held ? row.tail : first_page + at / PAGE - held;
            overlay.posts[page * PAGE + at % PAGE] = posts.items[word * 32 + lane_id()];
            overlay.weights[page * PAGE + at % PAGE] = i32(job.fresh);
        }
        length += __popc(set);
        __syncwarp();
        if (lane_id() == 0 && set) bits[word] = 0;
    }
    if (lane_id() || length == row.length) return;
    const u64 pages = (length + PAGE - 1) / PAGE - held;
    for (u64 page = 0; page + 1 < pages; ++page) overlay.next[first_page + page] = first_page + page + 1;
    if (pages && held) overlay.next[row.tail] = first_page;
    own->head = held ? row.head : first_page;
    own->tail = pages ? first_page + pages - 1 : row.tail;
    own->length = length;
}
