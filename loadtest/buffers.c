/* SPDX-License-Identifier: Apache-2.0 */
#include "loadtest/buffers.h"

#include <errno.h>
#include <sys/mman.h>

_Static_assert(BUFFERS_LARGE_COUNT <= BUFFERS_MEDIUM_COUNT, "one size of free list for both");

#define MEDIUM_WHOLE ((size_t)BUFFERS_MEDIUM_SIZE * BUFFERS_MEDIUM_COUNT)
#define WHOLE (MEDIUM_WHOLE + (size_t)BUFFERS_LARGE_SIZE * BUFFERS_LARGE_COUNT)

int buffers_open(struct buffers *buffers)
{
    *buffers = (struct buffers){0};
    char *data = mmap(
        NULL, WHOLE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data == MAP_FAILED)
        return -errno;
    buffers->data = data;
    for (uint16_t at = BUFFERS_COUNT; at > 0; at--)
        buffers_give(buffers, at - 1);
    return 0;
}

void buffers_close(struct buffers *buffers)
{
    if (buffers->data != NULL)
        munmap(buffers->data, WHOLE);
    buffers->data = NULL;
}

static uint32_t size_of(uint16_t buffer)
{
    return buffer < BUFFERS_MEDIUM_COUNT ? 0 : 1;
}

uint16_t buffers_take(struct buffers *buffers, size_t size)
{
    uint32_t of = size <= BUFFERS_MEDIUM_SIZE ? 0 : 1;
    if (size > BUFFERS_LARGE_SIZE || buffers->free_count[of] == 0)
        return BUFFERS_NONE;
    return buffers->free[of][--buffers->free_count[of]];
}

void buffers_give(struct buffers *buffers, uint16_t buffer)
{
    uint32_t of = size_of(buffer);
    buffers->free[of][buffers->free_count[of]++] = buffer;
}

char *buffers_data(const struct buffers *buffers, uint16_t buffer)
{
    if (size_of(buffer) == 0)
        return buffers->data + (size_t)buffer * BUFFERS_MEDIUM_SIZE;
    return buffers->data + MEDIUM_WHOLE +
           (size_t)(buffer - BUFFERS_MEDIUM_COUNT) * BUFFERS_LARGE_SIZE;
}

size_t buffers_size(uint16_t buffer)
{
    return size_of(buffer) == 0 ? BUFFERS_MEDIUM_SIZE : BUFFERS_LARGE_SIZE;
}
