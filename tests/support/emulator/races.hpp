// Finds races: two unordered accesses to one place by different threads, one of them a plain write.  Within a launch only
// a barrier orders the threads of a block, and only a warp operation orders the lanes of a warp; nothing orders blocks.
// The compiler inserts a call at every access (-fsanitize=thread, without its runtime, which does not model warps).
#pragma once
#include <cstdint>
#include <cstdio>
#include <string>
#include <unordered_map>

#define UNWATCHED __attribute__((no_sanitize("thread")))

namespace races {

enum class Kind { read, write, atomic };

#if defined(EMULATOR_RACES)

struct Access {
    unsigned block, thread, barriers, operations;
    bool made;
};
struct Place {
    Access written, read[2];  // the last write, and the last reads by two different threads
    bool atomically;
};

static std::unordered_map<uintptr_t, Place> places;  // by address / 4
static bool watching, found;
static unsigned block, thread, operations, barriers;
static const char* stack;
static size_t stack_size;
static std::string text;

static bool ordered(const Access& before) {
    if (!before.made) return true;
    if (before.block != block) return false;
    if (before.thread == thread || before.barriers != barriers) return true;
    return before.thread / 32 == thread / 32 && before.operations != operations;
}

static void complain(const char* what, const Access& before) {
    if (found) return;
    found = true;
    text = std::string("a race: ") + what + " what block " + std::to_string(before.block) + ", thread " +
           std::to_string(before.thread) + " has touched, with nothing to order them";
}

static void note_place(Place& place, Kind kind) {
    const bool plain = kind == Kind::write, both_atomic = kind == Kind::atomic && place.atomically;
    if (!both_atomic && !ordered(place.written)) complain(kind == Kind::read ? "reads" : "writes", place.written);
    const Access now = {block, thread, barriers, operations, true};
    if (kind == Kind::read) {
        const bool other = place.read[0].made && (place.read[0].thread != thread || place.read[0].block != block);
        if (other) place.read[1] = place.read[0];
        place.read[0] = now;
        return;
    }
    for (const Access& before : place.read) {
        if (!ordered(before)) complain("writes", before);
    }
    place.written = now;
    place.atomically = !plain;
}

static void note(const volatile void* address, size_t size, Kind kind) {
    const uintptr_t at = reinterpret_cast<uintptr_t>(address), base = reinterpret_cast<uintptr_t>(stack);
    if (at >= base && at < base + stack_size) return;
    for (uintptr_t word = at / 4; word <= (at + size - 1) / 4; ++word) note_place(places[word], kind);
}

static void begin_launch() { places.clear(); found = false; }
static void begin_block(void* memory, size_t size) {
    const uintptr_t at = reinterpret_cast<uintptr_t>(memory);
    for (uintptr_t word = at / 4; word <= (at + size) / 4; ++word) places.erase(word);
}
static void enter(unsigned in_block, unsigned in_thread, unsigned done, const char* own, size_t size) {
    block = in_block;
    thread = in_thread;
    operations = done;
    stack = own;
    stack_size = size;
}
UNWATCHED static void watch_kernel(bool on) { watching = on; }
static std::string report() { return text; }

// While the emulator works for a thread, its own accesses do not count.
struct Aside {
    UNWATCHED Aside() { watching = false; }
    UNWATCHED ~Aside() { watching = true; }
};

UNWATCHED static void watch(const volatile void* address, size_t size, Kind kind) {
    if (!watching) return;
    watching = false;
    note(address, size, kind);
    watching = true;
}

#else

constexpr bool found = false;
static unsigned barriers;
static void note(const volatile void*, size_t, Kind) {}
static void begin_launch() {}
static void begin_block(void*, size_t) {}
static void enter(unsigned, unsigned, unsigned, const char*, size_t) {}
static void watch_kernel(bool) {}
static std::string report() { return ""; }
struct Aside {
    ~Aside() {}
};

#endif

}  // namespace races

#if defined(EMULATOR_RACES)
#define HOOK extern "C" UNWATCHED void
#define WATCH(size)                                                                                                      \
    HOOK __tsan_read##size(void* at) { races::watch(at, size, races::Kind::read); }                          \
    HOOK __tsan_write##size(void* at) { races::watch(at, size, races::Kind::write); }                        \
    HOOK __tsan_unaligned_read##size(void* at) { races::watch(at, size, races::Kind::read); }                \
    HOOK __tsan_unaligned_write##size(void* at) { races::watch(at, size, races::Kind::write); }              \
    HOOK __tsan_volatile_read##size(void*) {} /* meant to read concurrent atomics */                        \
    HOOK __tsan_volatile_write##size(void* at) { races::watch(at, size, races::Kind::write); }
WATCH(1)
WATCH(2)
WATCH(4)
WATCH(8)
WATCH(16)
HOOK __tsan_read_range(void* at, unsigned long size) { races::watch(at, size, races::Kind::read); }
HOOK __tsan_write_range(void* at, unsigned long size) { races::watch(at, size, races::Kind::write); }
HOOK __tsan_vptr_update(void**, void*) {}
HOOK __tsan_func_entry(void*) {}
HOOK __tsan_func_exit() {}
HOOK __tsan_init() {}
#endif
