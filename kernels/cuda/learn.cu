// Learning, in six launches of which only the last changes weights: neurons are enrolled, the synapses from those that
// fired to those that have won are drawn, those stored already are crossed out, pages are reserved for the new ones, and
// all are strengthened.  Every place is a sum over those before it, so that equal runs store equal bytes.
#include "connectome.cuh"
#include "overlay.cuh"

__device__ __forceinline__ i64 lesson_of_item(const Lesson* lessons, i64 count, i64 item) {
    i64 lesson = 0;
    while (lesson + 1 < count && lessons[lesson + 1].first_item <= item) ++lesson;
    return lesson;
}

// The neurons of a lesson's target that have won, or fire on.
struct Posts {
    const u32* neurons;
    i64 count;
};

__device__ __forceinline__ Posts posts_of(const Lesson& lesson, const Fiber& fiber, const Area* areas,
                                          const u32* winners, const u32* sizes, const u32* next_winners,
                                          const u32* next_sizes) {
    const i64 begin = areas[fiber.target].winners;
    if (lesson.moved) return {next_winners + begin, i64(next_sizes[fiber.target])};
    return {winners + begin, i64(sizes[fiber.target])};
}

// Gives rows to the firing neurons of some areas that have none.  Grid: one block, so that equal runs give equal rows.
extern "C" __global__ void __launch_bounds__(THREADS)
enrol(Status* status, const i64* sources, i64 source_count, const Area* areas, const u32* winners, const u32* sizes,
      u32* ranks, i64 row_capacity) {
    __shared__ u64 scratch[WARPS + 1];
    if (status->stalled) return;
    u64 wanted = u64(status->rows_used);
    for (int assign = 0; assign < 2; ++assign) {
        for (i64 which = 0; which < source_count; ++which) {
            const Area area = areas[sources[which]];
            const u32* const firing = winners + area.winners;
            const i64 count = sizes[sources[which]];
            for (i64 start = 0; start < count; start += THREADS) {
                const i64 place = start + threadIdx.x;
                const bool fresh = place < count && ranks[area.ranks + firing[place]] == 0;
                u64 total = 0;
                const u64 before = block_sum_before(fresh, scratch, total);
                if (assign && fresh) ranks[area.ranks + firing[place]] = u32(wanted + before * u64(area.slots) + 1);
                wanted += total * u64(area.slots);
            }
        }
        if (assign || wanted == u64(status->rows_used)) return;
        __syncthreads();  // all have read `rows_used`
        if (i64(wanted) > row_capacity) {
            if (threadIdx.x == 0) {
                status->stalled = 1;
                status->rows_needed = i64(wanted);
            }
            return;
        }
        const u64 used = u64(status->rows_used);
        __syncthreads();
        if (threadIdx.x == 0) status->rows_used = i64(wanted);
        wanted = used;
    }
}

// Lists, for each lesson, the first winner of each block of the graph that holds any, led by their number.
// Grid: a block for each lesson.
extern "C" __global__ void __launch_bounds__(THREADS)
list_starts(const Status* status, const Lesson* lessons, const Fiber* fibers, const Area* areas, const u32* winners,
            const u32* sizes, const u32* next_winners, const u32* next_sizes, u32* starts) {
    __shared__ u64 scratch[WARPS + 1];
    if (status->stalled) return;
    const Lesson& lesson = lessons[blockIdx.x];
    const Fiber& fiber = fibers[lesson.fiber];
    const Posts posts = posts_of(lesson, fiber, areas, winners, sizes, next_winners, next_sizes);
    u32* const own = starts + lesson.first_start;
    u64 found = 0;
    for (i64 begin = 0; begin < posts.count; begin += THREADS) {
        const i64 at = begin + threadIdx.x;
        const bool first = at < posts.count && (at == 0 || posts.neurons[at - 1] >> fiber.bits != posts.neurons[at] >> fiber.bits);
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
draw_pairs(const Status* status, const Lesson* lessons, i64 lesson_count, i64 pair_count, const Fiber* fibers,
           const Area* areas, const u32* winners, const u32* sizes, const u32* next_winners, const u32* next_sizes,
           const u16* guide, const u32* heads, const u64* thresholds, const u32* starts, u32* hits) {
    if (status->stalled) return;
    const i64 pair = i64(blockIdx.x) * THREADS + threadIdx.x;
    if (pair >= pair_count) return;
    i64 which = 0;
    while (which + 1 < lesson_count && lessons[which + 1].first_pair <= pair) ++which;
    const Lesson& lesson = lessons[which];
    const Fiber& fiber = fibers[lesson.fiber];
    const u64 local = u64(pair - lesson.first_pair), width = u64(lesson.starts);
    // A division of 64 bits takes some hundred instructions, one of 32 bits twenty.
    const i64 place = local >> 32 ? i64(local / width) : i64(u32(local) / u32(width));
    const i64 start = i64(local - u64(place) * width);
    const u32* const own = starts + lesson.first_start;
    const i64 start_count = own[0];
    if (place >= i64(sizes[fiber.source]) || start >= start_count) return;
    const Posts posts = posts_of(lesson, fiber, areas, winners, sizes, next_winners, next_sizes);
    const i64 first = own[1 + start], last = (start + 1 < start_count ? i64(own[2 + start]) : posts.count) - 1;
    const u64 block = u64(posts.neurons[first]) >> fiber.bits;
    const u64 pre = winners[areas[fiber.source].winners + place], base = block << fiber.bits;
    u32* const row = hits + lesson.hits + place * lesson.words;
    i64 at = first;
    const u32 end = u32(u64(posts.neurons[last]) - base) + 1;
    draw_block(block_state(row_key(fiber.key, pre), block), end, gaps_of(fiber, guide, heads, thresholds), [&](u32 position) {
        const u64 post = base + position;
        while (u64(posts.neurons[at]) < post) ++at;  // the last winner is not below any position
        const bool itself = fiber.recurrent != 0 && post == pre;
        if (u64(posts.neurons[at]) == post && !itself) atomicOr(&row[at >> 5], 1u << (at & 31));
    });
}

// Crosses out the synapses that are stored, and says how many pages the others need.  Grid: a warp for each item.
extern "C" __global__ void __launch_bounds__(THREADS)
cross_out(const Status* status, const Lesson* lessons, i64 lesson_count, i64 item_count, const Fiber* fibers,
          const Area* areas, const u32* winners, const u32* sizes, const u32* next_winners, const u32* next_sizes,
          const u32* ranks, const Row* rows, const u32* posts, const u64* next, u32* hits, u64* pages_wanted) {
    if (status->stalled) return;
    const i64 item = (i64(blockIdx.x) * THREADS + threadIdx.x) >> 5;
    if (item >= item_count) return;
    const Lesson& lesson = lessons[lesson_of_item(lessons, lesson_count, item)];
    const Fiber& fiber = fibers[lesson.fiber];
    const Area& source = areas[fiber.source];
    const i64 place = item - lesson.first_item;
    u64 pages = 0;
    if (place < i64(sizes[fiber.source])) {
        const Posts won = posts_of(lesson, fiber, areas, winners, sizes, next_winners, next_sizes);
        const Row& row = rows[row_of(ranks[source.ranks + winners[source.winners + place]], fiber)];
        u32* const bits = hits + lesson.hits + place * lesson.words;
        walk_row(row, next, [&](u64 slot) {
            const i64 at = position_of(posts[slot], won.neurons, won.count);
            if (at >= 0) atomicAnd(&bits[at >> 5], ~(1u << (at & 31)));
        });
        __syncwarp();
        u64 fresh = 0;
        for (i64 word = lane_id(); word < lesson.words; word += 32) fresh += __popc(bits[word]);
        for (int step = 16; step; step >>= 1) fresh += __shfl_xor_sync(ALL_LANES, fresh, step);
        pages = (row.length + fresh + PAGE - 1) / PAGE - (row.length + PAGE - 1) / PAGE;
    }
    if (lane_id() == 0) pages_wanted[item] = pages;
}

// Turns the pages wanted by each item into the first page of each.  Grid: one block.
extern "C" __global__ void __launch_bounds__(THREADS)
reserve(Status* status, u64* pages_wanted, i64 item_count, i64 page_capacity) {
    __shared__ u64 scratch[WARPS + 1];
    if (status->stalled) return;
    u64 reserved = u64(status->pages_used);
    for (i64 start = 0; start < item_count; start += THREADS) {
        const i64 item = start + threadIdx.x;
        u64 total = 0;
        const u64 before = block_sum_before(item < item_count ? pages_wanted[item] : 0, scratch, total);
        if (item < item_count) pages_wanted[item] = reserved + before;
        reserved += total;
    }
    if (threadIdx.x) return;
    if (i64(reserved) > page_capacity) {
        status->stalled = 1;
        status->pages_needed = i64(reserved);
    } else {
        status->pages_used = i64(reserved);
    }
}

// Strengthens what is stored and appends what is new, in the order of the winners.  Grid: a warp for each item.
extern "C" __global__ void __launch_bounds__(THREADS)
strengthen(const Status* status, const Lesson* lessons, i64 lesson_count, i64 item_count, const Fiber* fibers,
           const Area* areas, const u32* winners, const u32* sizes, const u32* next_winners, const u32* next_sizes,
           const u32* ranks, Row* rows, u32* posts, i32* weights, u64* next, u32* hits, const u64* first_pages,
           const i64* steps) {
    if (status->stalled) return;
    const i64 item = (i64(blockIdx.x) * THREADS + threadIdx.x) >> 5;
    if (item >= item_count) return;
    const Lesson& lesson = lessons[lesson_of_item(lessons, lesson_count, item)];
    const Fiber& fiber = fibers[lesson.fiber];
    const Area& source = areas[fiber.source];
    const i64 place = item - lesson.first_item;
    if (place >= i64(sizes[fiber.source])) return;
    const Posts won = posts_of(lesson, fiber, areas, winners, sizes, next_winners, next_sizes);
    Row* const own = rows + row_of(ranks[source.ranks + winners[source.winners + place]], fiber);
    const Row row = *own;
    walk_row(row, next, [&](u64 slot) {
        if (position_of(posts[slot], won.neurons, won.count) < 0) return;
        weights[slot] = i32(strengthened(weights[slot], fiber, steps));
    });
    u32* const bits = hits + lesson.hits + place * lesson.words;
    const u64 first_page = first_pages[item], held = (row.length + PAGE - 1) / PAGE;
    const i32 fresh_weight = i32(strengthened(fiber.base, fiber, steps));
    u64 length = row.length;
    for (i64 word = 0; word < lesson.words; ++word) {
        const u32 set = bits[word];
        if (set >> lane_id() & 1) {
            const u64 at = length + __popc(set & ((1u << lane_id()) - 1));
            const u64 page = at / PAGE < held ? row.tail : first_page + at / PAGE - held;
            posts[page * PAGE + at % PAGE] = won.neurons[word * 32 + lane_id()];
            weights[page * PAGE + at % PAGE] = fresh_weight;
        }
        length += __popc(set);
        __syncwarp();
        if (lane_id() == 0 && set) bits[word] = 0;
    }
    if (lane_id() || length == row.length) return;
    const u64 pages = (length + PAGE - 1) / PAGE - held;
    for (u64 page = 0; page + 1 < pages; ++page) next[first_page + page] = first_page + page + 1;
    if (pages && held) next[row.tail] = first_page;
    own->head = held ? row.head : first_page;
    own->tail = pages ? first_page + pages - 1 : row.tail;
    own->length = length;
}
