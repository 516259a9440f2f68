// The end of a round: all areas move to their new winners together, the thresholds of those that refract rise, and the
// winners of some areas are recorded.
#include "block.cuh"

// The threshold of a neuron after it has won: `raised` of `kernels/law/weights.py`.  Drives have it subtracted.
__device__ __forceinline__ i64 raised(i64 threshold, i64 drive, i64 rate) {
    const i64 after = threshold + (((drive + threshold) * rate + (1ll << (WEIGHT_BITS - 1))) >> WEIGHT_BITS);
    return after < THRESHOLD_LIMIT ? after : THRESHOLD_LIMIT - 1;
}

// Thresholds rise here, since only a round that has not stalled may raise one.  Grid: a block for each job, at least one.
extern "C" __global__ void __launch_bounds__(THREADS)
commit(const State state, const Round round) {
    __shared__ i64 scratch[WARPS + 1];
    if (state.status->stalled) return;
    if (i64(blockIdx.x) < round.select_count) {
        const SelectJob job = round.select_jobs[blockIdx.x];
        const i64 number = job.area;
        const Area area = state.areas[number];
        const i64 size = state.sizes[number], count = state.next_sizes[number];
        const i64 rate = job.raises ? area.refraction : 0;
        i64 differs = count != size;
        for (i64 place = threadIdx.x; place < count; place += THREADS) {
            const u32 neuron = state.next_winners[area.winners + place];
            differs |= place < size && state.winners[area.winners + place] != neuron;
            const i64 drive = state.next_drives[area.winners + place];
            state.winners[area.winners + place] = neuron;
            state.drives[area.winners + place] = drive;
            if (rate == 0) continue;
            i64* const threshold = state.thresholds + area.thresholds + neuron;
            *threshold = raised(*threshold, drive, rate);
        }
        differs = block_maximum(differs, scratch);  // after it, all threads have read the old size
        if (threadIdx.x == 0) {
            state.sizes[number] = u32(count);
            state.changed[number] = u32(differs);
            if (count) state.fired[number] = 1;
            state.counted[number] = 0;
        }
    }
    if (blockIdx.x == 0 && threadIdx.x == 0) state.status->done += 1;
}

// Writes the winners of some areas, each led by their number, to a slot of the ring, and the drives of some.
// Grid: a block for each job.
extern "C" __global__ void __launch_bounds__(THREADS)
record(const State state, const Ring ring, i64 slot) {
    if (state.status->stalled) return;
    const RecordJob job = ring.jobs[blockIdx.x];
    const Neurons firing = firing_at(state, job.area);
    u32* const there = ring.items + slot * ring.width + job.offset;
    if (threadIdx.x == 0) there[0] = u32(firing.count);
    for (i64 place = threadIdx.x; place < firing.count; place += THREADS) there[1 + place] = firing.items[place];
    if (job.first_drive < 0) return;
    const i64* const drives = state.drives + state.areas[job.area].winners;
    i64* const copies = ring.drives + slot * ring.drive_width + job.first_drive;
    for (i64 place = threadIdx.x; place < firing.count; place += THREADS) copies[place] = drives[place];
}
