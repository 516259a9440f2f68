// Channels: the drives above 0 of the neurons of a channel add up, and the channels with the largest sums win.
#include "block.cuh"

// Grid: for each job, as many threads as its channels take.
extern "C" __global__ void __launch_bounds__(THREADS)
sum_channels(const State state, const Round round) {
    __shared__ i64 scratch[WARPS + 1];
    if (state.status->stalled) return;
    const ChannelJob& job =
        round.channel_jobs[job_of(round.channel_jobs, round.channel_count, &ChannelJob::first_block, blockIdx.x)];
    const Area& area = state.areas[job.area];
    const u32 lanes = u32(job.lanes);
    const i64 first = (i64(blockIdx.x) - job.first_block) * (THREADS / lanes), channel = first + threadIdx.x / lanes;
    u64 sum = 0;
    if (channel < area.rivals) {
        const i64* const drive = state.drive + area.drive + channel * area.channel;
        for (i64 at = threadIdx.x % lanes; at < area.channel; at += lanes) sum += drive[at] > 0 ? u64(drive[at]) : 0;
    }
    for (u32 step = lanes >> 1; step; step >>= 1) sum += __shfl_xor_sync(ALL_LANES, sum, int(step));
    if (channel < area.rivals && threadIdx.x % lanes == 0) state.drive[area.sums + channel] = i64(sum);
    const i64 peak = block_maximum(i64(sum), scratch);
    // The channels of a block lie in one tile, since both are powers of two and a tile is the larger.
    if (threadIdx.x == 0) atomicMax(&state.peaks[area.sum_tiles + (first >> state.tile_bits)], peak);
}
