/* SPDX-License-Identifier: Apache-2.0 */
#include "net/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "core/check.h"

enum { HUGE_PAGE = 2 << 20 };

/* More than the largest valid configuration adds up to (net/config_keys.c). */
#define MEASURE_SIZE (UINT64_C(1) << 42)
#define MEASURE_SIZE_MIN (UINT64_C(1) << 28)

static uint64_t round_up(uint64_t size)
{
    return (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
}

int memory_measure(struct memory *memory, char *error, size_t error_size)
{
    void *base = MAP_FAILED;
    *memory = (struct memory){.size = 2 * MEASURE_SIZE};
    /* Where overcommitting is forbidden (vm.overcommit_memory = 2) less has to do. */
    while (base == MAP_FAILED && memory->size > MEASURE_SIZE_MIN) {
        memory->size /= 2;
        base = mmap(NULL, memory->size, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    }
    if (base == MAP_FAILED) {
        int reason = errno;
        snprintf(error, error_size, "no address space to measure in: %s", strerror(reason));
        return -reason;
    }
    memory->base = base;
    return 0;
}

/* Huge pages begin at their own boundaries: what is mapped too much around is given back. */
static uint8_t *map_aligned(uint64_t size)
{
    uint8_t *base =
        mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        return NULL;
    uint64_t before = -(uintptr_t)base % HUGE_PAGE;
    if (before > 0)
        munmap(base, before);
    munmap(base + before + size, HUGE_PAGE - before);
    return base + before;
}

/* Writing makes a page real; reading would share the one zero page. */
static int touch(struct memory *memory)
{
#ifdef MADV_POPULATE_WRITE
    if (madvise(memory->base, memory->size, MADV_POPULATE_WRITE) == 0)
        return 0;
    if (errno != EINVAL)
        return -errno;
#endif
    for (uint64_t at = 0; at < memory->size; at += 4096)
        *(volatile uint8_t *)(memory->base + at) = 0;
    return 0;
}

int memory_take(struct memory *memory, uint64_t size, char *error, size_t error_size)
{
    CHECK(size > 0);
    *memory = (struct memory){.size = round_up(size)};
    memory->base = map_aligned(memory->size);
    int result = memory->base == NULL ? -errno : 0;
    if (result == 0) {
        memory->huge = madvise(memory->base, memory->size, MADV_HUGEPAGE) == 0;
        result = touch(memory);
    }
    if (result == 0)
        return 0;
    snprintf(error, error_size,
        "cannot have %.1f MiB of memory: %s; lower [capacity] (`hotshelf plan` shows the bill)",
        (double)memory->size / (1 << 20), strerror(-result));
    memory_give(memory);
    return result;
}

void memory_give(struct memory *memory)
{
    if (memory->base != NULL)
        munmap(memory->base, memory->size);
    *memory = (struct memory){0};
}

bool memory_lock(struct memory *memory)
{
    memory->locked = mlockall(MCL_CURRENT) == 0;
    return memory->locked;
}

/* core_pattern with a program asks for no limit, and a limit can be raised: prctl is the one that
 * counts, and the limit is for who looks. */
void memory_forbid_cores(void)
{
    const struct rlimit none = {0};
    CHECK(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
    CHECK(setrlimit(RLIMIT_CORE, &none) == 0);
}

uint64_t memory_resident(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL)
        return 0;
    unsigned long long total, resident = 0;
    int found = fscanf(file, "%llu %llu", &total, &resident);
    fclose(file);
    return found == 2 ? resident * 4096 : 0;
}
