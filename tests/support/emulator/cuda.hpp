// CUDA's built-ins on a CPU, for unchanged kernels: every thread is a fiber, which runs until it waits at a barrier or a
// warp operation; blocks run one after the other.  Behaviour that is undefined on a GPU is an error here.
#pragma once
#include <setjmp.h>
#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#define EMULATOR_SHARED static  // with red zones, but not poisoned
#else
#define EMULATOR_SHARED static __attribute__((section("emulator_shared")))
extern "C" char __start_emulator_shared[] __attribute__((weak));
extern "C" char __stop_emulator_shared[] __attribute__((weak));
#endif

#include "races.hpp"

#define __global__
#define __device__ static
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ EMULATOR_SHARED
#define DYNAMIC_SHARED(type, name) type* const name = static_cast<type*>(emulator::dynamic_shared)

struct Index { unsigned x, y, z; };
static Index threadIdx, blockIdx, blockDim, gridDim;

namespace emulator {

constexpr int WARP = 32;
constexpr size_t STACK = 64 * 1024;

enum class Waits { ready, block, warp, done };

struct Thread {
    ucontext_t entry;
    jmp_buf resume;
    char* stack = nullptr;
    bool begun = false;
    Waits waits = Waits::ready;
    unsigned mask = 0;
    int operation = 0;
    unsigned operations = 0;  // warp operations so far: successive ones use different slots
#if defined(__SANITIZE_ADDRESS__)
    ucontext_t own;
    void* fake_stack = nullptr;
#endif
};

static void* dynamic_shared;
static std::vector<Thread> threads;
static unsigned running;
static std::string failure;
static std::mt19937_64 dice;
static bool shuffled;
static uint64_t slots[1024 / WARP][2][WARP];
static void (*body)(void**);
static void** body_arguments;

#if defined(__SANITIZE_ADDRESS__)
static ucontext_t scheduler_context;
static void* scheduler_fake;
static const void* scheduler_bottom;
static size_t scheduler_size;

static void leave() {
    Thread& thread = threads[running];
    __sanitizer_start_switch_fiber(&thread.fake_stack, scheduler_bottom, scheduler_size);
    swapcontext(&thread.own, &scheduler_context);
    __sanitizer_finish_switch_fiber(threads[running].fake_stack, nullptr, nullptr);
}
static void enter(Thread& thread) {
    __sanitizer_start_switch_fiber(&scheduler_fake, thread.stack, STACK);
    swapcontext(&scheduler_context, thread.begun ? &thread.own : &thread.entry);
    __sanitizer_finish_switch_fiber(scheduler_fake, nullptr, nullptr);
}
#else
static jmp_buf scheduler;

static void leave() {
    if (_setjmp(threads[running].resume) == 0) _longjmp(scheduler, 1);
}
static void enter(Thread& thread) {
    if (_setjmp(scheduler)) return;
    races::enter(blockIdx.x, running, thread.operations, thread.stack, STACK);
    if (thread.begun) _longjmp(thread.resume, 1);
    setcontext(&thread.entry);
}
#endif

// A fiber serves one thread of each block in turn, because making one takes longer than most threads run.
static void main_of_thread() {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(nullptr, &scheduler_bottom, &scheduler_size);
#endif
    threads[running].begun = true;
    while (true) {
        races::watch_kernel(true);
        body(body_arguments);
        races::watch_kernel(false);
        threads[running].waits = Waits::done;
        leave();
    }
}

static void prepare(unsigned count) {
    threads.reserve(1024);  // contexts hold pointers to themselves and must not move
    if (threads.size() > count) threads.resize(count);  // their fibers stop where they are
    while (threads.size() < count) {
        Thread& thread = threads.emplace_back();
        thread.stack = static_cast<char*>(std::malloc(STACK));
    }
    for (Thread& thread : threads) {
        thread.waits = Waits::ready;
        thread.operations = 0;
        if (thread.begun) continue;
        getcontext(&thread.entry);
        thread.entry.uc_stack.ss_sp = thread.stack;
        thread.entry.uc_stack.ss_size = STACK;
        thread.entry.uc_link = nullptr;
        makecontext(&thread.entry, main_of_thread, 0);
    }
}

static void fail(const std::string& message) {
    if (failure.empty()) {
        failure = message + " (block " + std::to_string(blockIdx.x) + ", thread " + std::to_string(threadIdx.x) + ")";
    }
}

// Sometimes lets other threads run first, because the atomics of different threads interleave on a GPU.
static void may_yield() {
    races::Aside aside;
    if (shuffled && (dice() & 3) == 0) leave();
}

static void wait(Waits what) {
    races::Aside aside;
    threads[running].waits = what;
    leave();
}

// Waits until all lanes of a mask have reached the same operation, and returns the slots that they filled.
static uint64_t* meet(unsigned mask, int operation, uint64_t value) {
    races::Aside aside;
    Thread& own = threads[running];
    const unsigned warp = running / WARP, lane = running % WARP;
    if (!(mask >> lane & 1)) fail("a warp operation is called by a lane that is not in its mask");
    uint64_t* const filled = slots[warp][own.operations++ & 1];
    filled[lane] = value;
    own.mask = mask;
    own.operation = operation;
    own.waits = Waits::warp;
    bool all = true;
    for (unsigned other = 0; other < WARP; ++other) {
        if (!(mask >> other & 1)) continue;
        const unsigned index = warp * WARP + other;
        if (index >= threads.size() || threads[index].waits == Waits::done) {
            fail("a warp operation waits for a lane that has ended");
            all = false;
        } else if (threads[index].waits != Waits::warp) {
            all = false;
        } else if (threads[index].mask != mask || threads[index].operation != operation) {
            fail("lanes of one mask have come to different warp operations");
            all = false;
        }
    }
    if (all) {
        for (unsigned other = 0; other < WARP; ++other) {
            if (mask >> other & 1) threads[warp * WARP + other].waits = Waits::ready;
        }
    }
    leave();
    return filled;
}

static void check_lane(unsigned mask, int source) {
    if (source < 0 || source >= WARP || !(mask >> source & 1)) fail("a shuffle reads a lane that is not in its mask");
}

template <class T> static uint64_t bits_of(T value) {
    uint64_t bits = 0;
    static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>);
    std::memcpy(&bits, &value, sizeof value);
    return bits;
}
template <class T> static T value_of(uint64_t bits) {
    T value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

static bool release_block() {
    unsigned waiting = 0, ended = 0;
    for (const Thread& thread : threads) {
        waiting += thread.waits == Waits::block;
        ended += thread.waits == Waits::done;
    }
    if (ended == threads.size()) return false;
    if (waiting != threads.size()) {
        fail("a barrier is not reached by all threads of the block: " + std::to_string(waiting) + " wait, " +
             std::to_string(ended) + " have ended");
        return false;
    }
    for (Thread& thread : threads) thread.waits = Waits::ready;
    ++races::barriers;
    return true;
}

static void run_block(unsigned count, size_t shared, int poison) {
#if !defined(__SANITIZE_ADDRESS__)
    if (__start_emulator_shared) std::memset(__start_emulator_shared, poison, __stop_emulator_shared - __start_emulator_shared);
#endif
    dynamic_shared = std::malloc(shared ? shared : 1);  // of exactly this size, so that a sanitizer finds its ends
    std::memset(dynamic_shared, poison, shared);
    races::begin_block(dynamic_shared, shared);
#if !defined(__SANITIZE_ADDRESS__)
    if (__start_emulator_shared) races::begin_block(__start_emulator_shared, __stop_emulator_shared - __start_emulator_shared);
#endif
    prepare(count);
    std::vector<unsigned> order(count);
    std::iota(order.begin(), order.end(), 0u);
    do {
        bool progress = true;
        while (progress && failure.empty()) {
            progress = false;
            if (shuffled) std::shuffle(order.begin(), order.end(), dice);
            for (unsigned index : order) {
                if (threads[index].waits != Waits::ready) continue;
                progress = true;
                running = index;
                threadIdx.x = index;
                enter(threads[index]);
                if (races::found) fail(races::report());
                if (!failure.empty()) break;
            }
        }
    } while (failure.empty() && release_block());
    if (!failure.empty()) {
        for (Thread& thread : threads) thread.begun = false;  // threads in the middle of a kernel never continue
    }
    std::free(dynamic_shared);
}

template <class... Parameters, size_t... At>
static void call(void (*kernel)(Parameters...), void** arguments, std::index_sequence<At...>) {
    kernel(*static_cast<std::remove_cv_t<Parameters>*>(arguments[At])...);
}

}  // namespace emulator

static void __syncthreads() { emulator::wait(emulator::Waits::block); }
static void __syncwarp(unsigned mask = 0xFFFFFFFFu) { emulator::meet(mask, 1, 0); }

template <class T> static T __shfl_xor_sync(unsigned mask, T value, int step) {
    const int lane = int(threadIdx.x) & 31;
    emulator::check_lane(mask, lane ^ step);
    return emulator::value_of<T>(emulator::meet(mask, 2, emulator::bits_of(value))[lane ^ step]);
}
template <class T> static T __shfl_up_sync(unsigned mask, T value, unsigned step) {
    const int lane = int(threadIdx.x) & 31, from = lane - int(step) < 0 ? lane : lane - int(step);
    emulator::check_lane(mask, from);
    return emulator::value_of<T>(emulator::meet(mask, 3, emulator::bits_of(value))[from]);
}
static unsigned __ballot_sync(unsigned mask, int vote) {
    const uint64_t* const votes = emulator::meet(mask, 4, vote != 0);
    unsigned ballot = 0;
    for (int lane = 0; lane < 32; ++lane) ballot |= (mask >> lane & 1) ? unsigned(votes[lane]) << lane : 0;
    return ballot;
}
static int __any_sync(unsigned mask, int vote) { return __ballot_sync(mask, vote) != 0; }

template <class T, class Step> static T emulated_atomic(T* address, Step step) {
    emulator::may_yield();
    races::Aside aside;
    races::note(address, sizeof(T), races::Kind::atomic);
    const T old = *address;
    *address = step(old);
    return old;
}
template <class T> static T atomicAdd(T* address, std::type_identity_t<T> value) {
    return emulated_atomic(address, [=](T old) { return T(old + value); });
}
template <class T> static T atomicMax(T* address, std::type_identity_t<T> value) {
    return emulated_atomic(address, [=](T old) { return old > value ? old : value; });
}
template <class T> static T atomicOr(T* address, std::type_identity_t<T> value) {
    return emulated_atomic(address, [=](T old) { return T(old | value); });
}
template <class T> static T atomicAnd(T* address, std::type_identity_t<T> value) {
    return emulated_atomic(address, [=](T old) { return T(old & value); });
}
static int __clzll(long long value) { return value ? __builtin_clzll(static_cast<unsigned long long>(value)) : 64; }
// Far less accurate than that of a GPU, so that kernels have to check all results that they derive from it.
static float coarse_log2(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return std::log2(value) + (bits & 1 ? 0x1p-11f : -0x1p-11f);
}
#define __log2f coarse_log2
static int __popc(unsigned value) { return __builtin_popcount(value); }

// Runs a kernel; returns null, or what went wrong.
extern "C" const char* emulate(void (*kernel)(void**), void** arguments, unsigned blocks, unsigned count, size_t shared,
                               int poison, int64_t seed) {
    using namespace emulator;
    failure.clear();
    shuffled = seed >= 0;
    races::begin_launch();
    dice.seed(uint64_t(seed));
    body = kernel;
    body_arguments = arguments;
    blockDim = {count, 1, 1};
    gridDim = {blocks, 1, 1};
    std::vector<unsigned> order(blocks);
    std::iota(order.begin(), order.end(), 0u);
    if (shuffled) std::shuffle(order.begin(), order.end(), dice);
    for (unsigned block : order) {
        blockIdx = {block, 0, 0};
        run_block(count, shared, poison);
        if (!failure.empty()) return failure.c_str();
    }
    return nullptr;
}

// Sets `sizes` to the bytes of each parameter of a kernel, and returns their number.
namespace emulator {
template <class... Parameters> static unsigned sizes_of(void (*)(Parameters...), size_t* sizes) {
    unsigned count = 0;
    ((sizes[count++] = sizeof(Parameters)), ...);
    return count;
}
}  // namespace emulator

// Makes a kernel callable with an array of pointers to its arguments, as a launch passes them.  From each pointer, as many
// bytes are read as the parameter has.
#define EMULATED_KERNEL(name)                                                                                 \
    template <class... P> static void emulated_call_##name(void (*kernel)(P...), void** arguments) {          \
        emulator::call(kernel, arguments, std::index_sequence_for<P...>{});                                  \
    }                                                                                                         \
    extern "C" void emulated_##name(void** arguments) { emulated_call_##name(name, arguments); }              \
    extern "C" unsigned emulated_sizes_##name(size_t* sizes) { return emulator::sizes_of(name, sizes); }
