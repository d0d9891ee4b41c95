/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotshelf-bench mailbox: what it takes to hand a request to another shard.
 *
 * A hop is half of a round trip between two threads on two cores, each of which answers each letter
 * as soon as it sees it. Polling is how shards under load find their mail. Sleeping is what an idle
 * one costs: it lies down as the loop does, looks once more, and waits in its ring for the bell.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/modules/core_module.h"
#include "bench/modules/pair.h"
#include "bench/modules/room.h"
#include "core/check.h"
#include "net/io.h"
#include "net/loop/mailbox.h"

enum {
    LETTERS = 100000,
    HOPS = 51200,
    HOPS_ASLEEP = 1600,
    ROOM = 1024, /* letters */
    ROOM_BYTES = 32 << 20,
    LINKS = 2,
    WAIT_NS = 100000000,
};

enum how { ALONE, POLLING, SLEEPING };

/* One side: the box that it reads, and how it is woken. */
struct side {
    struct mailbox mailbox;
    struct sleeper sleeper;
    struct io *io;
};

struct mailbox_bench {
    struct room room;
    struct side side[LINKS]; /* [0] ours */
    struct pair pair;
    enum how how;
    _Atomic bool opened; /* the other side's ring */
};

static void post(struct mailbox_bench *bench, struct side *from, struct side *to, uint32_t letter)
{
    mailbox_push(&to->mailbox, letter);
    mailbox_publish(&to->mailbox);
    if (bench->how == SLEEPING && sleeper_needs_bell(&to->sleeper)) {
        io_bell(from->io, to->io);
        io_submit(from->io, 0);
    }
}

static void sleep_once(struct side *own)
{
    struct io_completion completion;
    sleeper_lie_down(&own->sleeper);
    bool empty = mailbox_is_empty(&own->mailbox);
    io_submit(own->io, empty ? WAIT_NS : 0);
    sleeper_get_up(&own->sleeper);
    while (io_reap(own->io, &completion, 1) == 1)
        CHECK(completion.tag.kind == IO_WAKE || completion.tag.kind == IO_BELL);
}

/* False: no letter came, and none will. */
static bool await(struct mailbox_bench *bench, struct side *own, uint32_t *letter)
{
    for (uint64_t looks = 0; !mailbox_pop(&own->mailbox, letter); looks++) {
        CHECK(looks < PAIR_LOOKS_MAX);
        if (own != &bench->side[0] && pair_stops(&bench->pair))
            return false;
        if (bench->how == SLEEPING)
            sleep_once(own);
        else
            pair_pause();
    }
    return true;
}

static void answer_all(struct pair *pair, void *context)
{
    struct mailbox_bench *bench = context;
    const char *reason;
    uint32_t letter;
    (void)pair;
    if (bench->how == SLEEPING)
        CHECK(io_open(bench->side[1].io, &reason) == 0);
    atomic_store(&bench->opened, true);
    while (await(bench, &bench->side[1], &letter))
        post(bench, &bench->side[1], &bench->side[0], letter);
    if (bench->how == SLEEPING)
        io_close(bench->side[1].io);
}

static void close_mailbox(void *context)
{
    struct mailbox_bench *bench = context;
    if (bench->how != ALONE)
        pair_stop(&bench->pair);
    if (bench->how == SLEEPING)
        io_close(bench->side[0].io);
    room_close(&bench->room);
    free(bench);
}

/* False after a line on stderr: the kernel refuses a ring. */
static bool open_ring(struct mailbox_bench *bench)
{
    const struct io_options options = {.connections = 16};
    const char *reason = "";
    for (int i = 0; i < LINKS; i++)
        bench->side[i].io = io_create(&bench->room.arena, &options);
    int error = io_open(bench->side[0].io, &reason);
    if (error != 0)
        fprintf(stderr, "hotshelf-bench: %s: %s\n", reason, strerror(-error));
    return error == 0;
}

static void *open_mailbox(const struct measure_case *own)
{
    struct mailbox_bench *bench = aligned_alloc(64, (sizeof *bench + 63) / 64 * 64);
    CHECK(bench != NULL);
    memset(bench, 0, sizeof *bench);
    bench->how = (enum how)own->kind;
    if (!room_open(&bench->room, ROOM_BYTES)) {
        free(bench);
        return NULL;
    }
    for (int i = 0; i < LINKS; i++)
        mailbox_init(&bench->side[i].mailbox, &bench->room.arena, ROOM);
    if ((bench->how != SLEEPING || open_ring(bench)) &&
        (bench->how == ALONE || pair_start(&bench->pair, answer_all, bench))) {
        for (uint64_t looks = 0; bench->how != ALONE && !atomic_load(&bench->opened); looks++) {
            CHECK(looks < PAIR_LOOKS_MAX);
            pair_pause();
        }
        return bench;
    }
    room_close(&bench->room);
    free(bench);
    return NULL;
}

/* Written, published and read by one thread: the instructions of a hop. */
static void hand_over(void *context, uint32_t first, uint32_t count)
{
    struct mailbox_bench *bench = context;
    struct side *own = &bench->side[0];
    for (uint32_t i = first; i < first + count; i++) {
        uint32_t letter;
        mailbox_push(&own->mailbox, i);
        CHECK(mailbox_publish(&own->mailbox));
        CHECK(!sleeper_needs_bell(&own->sleeper));
        CHECK(mailbox_pop(&own->mailbox, &letter));
        CHECK(letter == i);
    }
}

static void hop(void *context, uint32_t first, uint32_t count)
{
    struct mailbox_bench *bench = context;
    for (uint32_t i = first; i < first + count; i += 2) {
        uint32_t letter;
        post(bench, &bench->side[0], &bench->side[1], i);
        CHECK(await(bench, &bench->side[0], &letter));
        CHECK(letter == i);
    }
}

static const struct measure_case cases[] = {
    {.name = "alone",
        .operation = "a letter written, published and read by one thread",
        .kind = ALONE,
        .count = LETTERS,
        .open = open_mailbox,
        .close = close_mailbox,
        .parts = {{.run = hand_over}}},
    {.name = "hop_polling",
        .operation = "to another core, both looking all the time",
        .kind = POLLING,
        .count = HOPS,
        .has_threads = true,
        .open = open_mailbox,
        .close = close_mailbox,
        .parts = {{.run = hop}}},
    {.name = "hop_sleeping",
        .operation = "to another core, both asleep until the bell rings",
        .kind = SLEEPING,
        .count = HOPS_ASLEEP,
        .has_threads = true,
        .open = open_mailbox,
        .close = close_mailbox,
        .parts = {{.run = hop}}},
};

const struct core_module mailbox_module = {
    .name = "mailbox",
    .summary = "a hop from one shard to another",
    .cases = cases,
    .count = sizeof cases / sizeof cases[0],
};
