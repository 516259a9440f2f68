// The end of a round: all areas move to their new winners together, the thresholds of those that refract rise, and what is
// listened to is recorded.
#include "block.cuh"

// The threshold of a neuron after it has won: `raised` of `kernels/law/weights.py`.  Drives have it subtracted.
__device__ __forceinline__ i64 raised(i64 amount, i64 drive, i64 rate) {
    const i64 after = amount + (((drive + amount) * rate + (1ll << (WEIGHT_BITS - 1))) >> WEIGHT_BITS);
    return after < THRESHOLD_LIMIT ? after : THRESHOLD_LIMIT - 1;
}

// Here, since only a round that has not stalled may raise a threshold.  Grid: a block for each job, at least one.
extern "C" __global__ void __launch_bounds__(THREADS)
commit(Status* status, const Job* jobs, i64 job_count, const Area* areas, u32* winners, u32* sizes,
       const u32* next_winners, const u32* next_sizes, u32* changed, u32* fired, const i64* drive, i64* amounts,
       i64 learn) {
    __shared__ i64 scratch[WARPS + 1];
    if (status->stalled) return;
    if (i64(blockIdx.x) < job_count) {
        const i64 index = jobs[blockIdx.x].area;
        const i64 begin = areas[index].winners, count = next_sizes[index];
        const i64 rate = learn ? areas[index].refraction : 0;
        i64 differs = count != i64(sizes[index]);
        for (i64 place = threadIdx.x; place < count; place += THREADS) {
            const u32 neuron = next_winners[begin + place];
            differs |= place < i64(sizes[index]) && winners[begin + place] != neuron;
            winners[begin + place] = neuron;
            if (rate == 0) continue;
            i64* const amount = amounts + areas[index].amounts + neuron;
            *amount = raised(*amount, drive[areas[index].drive + neuron], rate);
        }
        differs = block_maximum(differs, scratch);  // after it, all threads have read the old size
        if (threadIdx.x == 0) {
            sizes[index] = u32(count);
            changed[index] = u32(differs);
            if (count) fired[index] = 1;
        }
    }
    if (blockIdx.x == 0 && threadIdx.x == 0) status->done += 1;
}

// Writes the winners of some areas, each led by their number, to a slot of the ring.  Grid: a block for each channel.
extern "C" __global__ void __launch_bounds__(THREADS)
record(const Status* status, const Channel* channels, const Area* areas, const u32* winners, const u32* sizes,
       u32* ring, i64 slot_at) {
    if (status->stalled) return;
    const Channel channel = channels[blockIdx.x];
    const i64 count = sizes[channel.area];
    u32* const slot = ring + slot_at + channel.offset;
    if (threadIdx.x == 0) slot[0] = u32(count);
    for (i64 place = threadIdx.x; place < count; place += THREADS) {
        slot[1 + place] = winners[areas[channel.area].winners + place];
    }
}
