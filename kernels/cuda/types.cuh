// Types that host and device share.  Every field has eight bytes, so that no compiler pads; `kernels/gpu/layout.py`
// describes the same structures to the host, and a test compares them field by field.
#pragma once

#ifndef DYNAMIC_SHARED  // the emulator of the tests has its own
#define DYNAMIC_SHARED(type, name) extern __shared__ type name[]
#endif

typedef unsigned int u32;
typedef int i32;
typedef unsigned long long u64;
typedef long long i64;
typedef float f32;
typedef double f64;

// An area: `winners`, `drive`, `tiles`, `ranks` and `thresholds` say where its items begin in arrays that all areas share.
struct Area {
    u64 key;  // breaks ties
    i64 n;
    i64 k;
    i64 winners;
    i64 drive;
    i64 tiles;
    i64 ranks;
    i64 slots;       // fibers that start here and store weights: a neuron with learned synapses has so many rows
    i64 thresholds;  // -1 if no neuron has one
    i64 refraction;
    i64 channel;    // neurons of a channel; 1 if the neurons are rivals one by one
    i64 rivals;     // channels or neurons, of which the most driven win
    i64 open;       // rivals that win, at most
    i64 sums;       // where the drives of the rivals begin, in the array of those of the neurons
    i64 sum_tiles;  // where the tiles of the rivals begin
    i64 first;      // of a part of an area: which neuron of the area is neuron 0 of the part; else 0
};

// A fiber: its graph (`heads` and `gap_thresholds` say where its gap table begins) and its rule.
struct Fiber {
    u64 key;
    u64 taper_key;  // of the hashes that thin its synapses by distance
    i64 source;
    i64 target;
    i64 recurrent;
    i64 bits;
    i64 last;
    i64 heads;
    i64 gap_thresholds;
    i64 taper;  // where its table of probabilities by distance begins; -1 if distance does not matter
    i64 source_scale;  // turn neurons into relative positions
    i64 target_scale;
    i64 gate;  // which of the gates of the brain is its own; -1 if it has none
    i64 slot;  // which of its source's rows is its own
    i64 rule;  // its step of potentiation
    i64 base;  // weight of a synapse of the graph that is not stored
    f64 half_life;  // of gaps: with probability 1/2, one is at least so long
};

// A step of a rule: `Update` or `Depression` of `kernels/law/rules.py`.
struct Rule {
    i64 gain;
    i64 drift;
    i64 ceiling;
    i64 floor;
    i64 base;   // what the line is measured from, and depression rounds towards; 0 in potentiation
    i64 steps;  // where its table of steps begins, if it is one
    i64 step_count;
    i64 step_shift;
    i64 losers;  // whether depression reaches all neurons that have not won, instead of those that have just lost
};

// An area that selects winners in a round: its tiles are the thread blocks from `first_block` on.
struct SelectJob {
    i64 area;
    i64 first_block;
    i64 first_fiber;  // of the list of fibers that transmit
    i64 end_fiber;
    i64 raises;  // whether the thresholds of its winners rise
};

// A gate of the brain: which of the neurons that fire at the source of a fiber pass.  It opens by channels, or by an
// assembly of `neuron_count` neurons of the gating area.
struct GateJob {
    i64 fiber;
    i64 used;  // whether the fiber transmits, learns or remembers in this round
    i64 area;  // that gates
    i64 size;  // neurons of a channel in the gating area
    i64 width;  // and in the source
    i64 first_neuron;
    i64 neuron_count;
    i64 first_item;  // where the list of those that pass a gate by channels begins
};

// A selecting area with channels: `lanes` threads add up a channel; its thread blocks begin at `first_block`.
struct ChannelJob {
    i64 area;
    i64 first_block;
    i64 lanes;
};

// A fiber whose learned synapses are added to the drive: one warp for each neuron that may fire.
struct GatherJob {
    i64 fiber;
    i64 first_item;
    i64 items;
};

// A fiber that learns in a round: `items` neurons at most fired.  If a step leaves the base weight as it is, no synapse is
// new, and `starts` and `words` are 0.  Then a neuron that fired may have no row.
struct LearnJob {
    i64 fiber;
    i64 moved;       // whether its target has just selected; else its winners stayed
    i64 rate;        // by which all steps are multiplied, with 16 fractional bits
    i64 fresh;       // the weight of a new synapse
    i64 depression;  // the rule for synapses onto neurons that have not won, or -1
    i64 first_item;
    i64 items;
    i64 first_pair;
    i64 first_start;
    i64 starts;  // blocks of the graph that hold a winner, at most
    i64 hits;    // where its matrix of bits begins, a row of `words` for each item
    i64 words;
};

// A trace that ages by a round, and what it remembers of it.
struct TraceJob {
    i64 trace;
    i64 noted;  // whether who fired and won, or that nothing happened
    i64 moved;  // whether its target has just selected; else its winners stayed
};

// The trace of a fiber: the number of the slot that the next round fills, and a ring of slots, one for each of its last
// rounds that learned.  A slot has `width` items: how many neurons fired, room for `sources` of them, and likewise those
// that won.
struct Trace {
    i64 fiber;
    i64 rounds;
    i64 first;  // where the number of the next slot stands, before the first slot
    i64 width;
    i64 sources;
};

// An area whose winners are recorded, and where in a slot of the ring.
struct RecordJob {
    i64 area;
    i64 offset;
    i64 first_drive;  // of its winners in a slot of drives; -1 if those are not recorded
};

// What a search for the last winner knows before a pass.  First it looks for its drive, the k-th largest, and then, if
// more neurons are driven so than can win, for its preference, the complement of its hash.  Of the number that it looks
// for, all but the `unknown` lowest bits are known, and `remaining` winners are among the neurons that begin like it.  At
// the end nothing is unknown: what is driven above the bar wins, and at the bar what has a preference of `prefix` or more.
struct Search {
    u64 bar;  // 0 while the drive is looked for
    u64 prefix;
    u64 unknown;
    u64 remaining;
};

// The learned synapses of one neuron and fiber: a chain of pages, all full but the last.
struct Row {
    u64 head;
    u64 tail;
    u64 length;
};

// A round that finds no room is stalled: it changes nothing, and neither does any round after it, until the host has
// made room and runs them again.
struct Status {
    i64 stalled;
    i64 rows_used;
    i64 rows_needed;
    i64 pages_used;
    i64 pages_needed;
    i64 done;  // rounds
};

// What kernels take, by value: the structures below.  Their arrays are described in the Python modules that own them.

// The fibers of a brain; see `FiberTable` in `kernels/gpu/tables.py`.
struct Fibers {
    const Fiber* items;
    const u32* heads;
    const u64* gap_thresholds;
    const Rule* rules;
    const i64* steps;
    const u32* gate_neurons;
    const u32* tapers;
};

// The areas of a brain and what changes from round to round; see `State` in `kernels/gpu/state.py`.
struct State {
    Status* status;
    const Area* areas;
    u32* winners;
    u32* sizes;
    u32* next_winners;
    u32* next_sizes;
    u32* changed;
    u32* fired;
    u32* counted;
    u32* transmissions;
    i64* drives;
    i64* next_drives;
    i64* thresholds;
    i64* drive;
    i64* peaks;
    u32* won;
    i64 tile_bits;
};

// The learned synapses; see `Overlay` in `kernels/gpu/overlay.py`.
struct Overlay {
    u32* ranks;
    Row* rows;
    u32* posts;
    i32* weights;
    u64* next;
    i64 row_capacity;
    i64 page_capacity;
};

// What one kind of round does, and its scratch memory; see `DevicePlan` in `kernels/gpu/device_plan.py` and `Scratch`
// in `kernels/gpu/scratch.py`.
struct Round {
    const SelectJob* select_jobs;
    i64 select_count;
    const ChannelJob* channel_jobs;
    i64 channel_count;
    const i64* transmitting;
    const i64* counted_at;  // where, for each of these fibers, the transmissions of its source's neurons are counted
    const GateJob* gate_jobs;
    i64 gate_count;
    const GatherJob* gather_jobs;
    i64 gather_count;
    i64 gather_items;
    const LearnJob* learn_jobs;
    i64 learn_count;
    i64 learn_items;
    i64 learn_pairs;
    const i64* sources;  // fibers at which neurons fire that need rows
    i64 source_count;
    const TraceJob* trace_jobs;
    i64 passes;
    u32* histograms;
    Search* searches;
    u64* tie_keys;
    u32* passing;
    u32* passing_sizes;
    u32* starts;
    u32* hits;
    u64* pages;
};

// The traces of a brain; see `kernels/gpu/traces.py`.
struct Traces {
    const Trace* items;
    u32* neurons;
};

// The ring of recorded winners; see `kernels/gpu/ring.py`.
struct Ring {
    const RecordJob* jobs;
    u32* items;
    i64* drives;
    i64 width;  // items of a slot
    i64 drive_width;  // drives of a slot
};

// A fiber that carries messages, what a kernel is to do with it, and the vectors of its areas; see `kernels/gpu/vectors.py`.
// Its thread blocks are those from `first_block` on.
struct Message {
    const i64* starts;  // the entries of each node of the target
    const i32* neighbours;
    const i32* ids;
    const f32* shares;  // how much a node's own vector counts, its first one, and each channel
    f32* weights;
    const f32* sources;
    f32* targets;
    const f32* anchors;
    const f32* inputs;
    const f64* rule;     // the step of each channel, and the bounds of weights
    const u32* active;   // whether a node of the source is active
    const i64* nodes;    // the nodes that a kernel works for
    i64* places;         // their rows
    f32* out;
    i64 dim;
    i64 channels;
    i64 count;  // nodes that a kernel works for
    i64 flags;
    i64 first_block;
};

// What a launch works for: fibers, or areas alone; see `kernels/gpu/messages.py`.
struct Messages {
    const Message* items;
    i64 count;
};

constexpr i64 ONE = 1 << 16;           // the weight of a fresh synapse, in fixed point
constexpr int WEIGHT_BITS = 16;
constexpr int RATE_BITS = 28;
constexpr i64 THRESHOLD_LIMIT = i64(1) << 62;
constexpr i64 PAGE = 32;               // synapses: a lane of a warp each
constexpr int DIGIT_BITS = 11;
constexpr i64 DIGITS = 1 << DIGIT_BITS;
constexpr int THREADS = 256;
constexpr int WARPS = THREADS / 32;
constexpr u32 ALL_LANES = 0xFFFFFFFFu;
