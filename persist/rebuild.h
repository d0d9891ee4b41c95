/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rebuild - what a server kept, told from the rows that its stream has written: for a data
 * directory that is lost.
 *
 *     open: no server is connected; a new epoch, so that none goes on; all is worked out
 *     read: WALK_BEGUN and images of every shard, to an engine of each (event_image.h)
 *     commit: the new epoch stands                       close: without a commit nothing happened
 *
 * The shelf clock goes on at the wall clock of the last event that PostgreSQL has, or at the latest
 * of the shelf clock if that is later: times of rows need a difference, mostly of 0. What an order
 * waits for has in its row what it had left, by the shelf clock; the rows of open ones follow the
 * new clock when it is committed, for another rebuild. SKUs keep their numbers, which tell their
 * lives apart; names get new ones. What the rows do not say is in none of the images: carts, their
 * holds, what guests handed on, merges, kills under way.
 *
 * Ownership  A connection and temporary tables until rebuild_close(); the tables and positions of
 *            the stream are locked against servers meanwhile.
 * Threads    One.
 * Units      Wall milliseconds; those of the new shelf clock where a name says so.
 * Errors     Negative errno and a sentence in `error`. -ENOENT: PostgreSQL knows nothing of this
 *            node. -EBUSY: a server is connected. What `put` answers ends read.
 * Cost       Passes over orders, lines and the outbox in PostgreSQL; one row at a time here.
 */
#ifndef HOTSHELF_PERSIST_REBUILD_H
#define HOTSHELF_PERSIST_REBUILD_H

#include "core/event.h"
#include "core/policy.h"
#include "persist/postgres.h"

struct rebuild_options {
    const char *dsn;
    uint16_t node;
    uint32_t shards;
    const struct policy *policy;
    int64_t now_wall_ms;
    /* Takes the next record of a shard; not 0: it ends here. */
    int (*put)(void *context, uint32_t shard, const struct event *event);
    void *context;
};

struct rebuild_counts {
    uint64_t products, unknown_products, raised_products; /* raised: more was sold than allotted */
    uint64_t sales, unknown_sales;                        /* unknown: only their names */
    uint64_t orders, open_orders, old_orders;             /* old: counted, and forgotten */
    uint64_t customers, allowances, keys, keys_of_any;    /* of any request */
    uint64_t switches, killed;
    uint64_t outbox_missing;      /* events that were deleted from it */
    uint64_t outbox_missing_of_0; /* of shard 0, which sales and switches are of */
};

struct rebuild {
    struct rebuild_options options;
    struct postgres postgres;
    struct postgres_stop stop;
    uint64_t system_id;
    uint64_t positions[SHARDS_MAX]; /* of every shard number that was ever used */
    uint32_t sku_next; /* numbers of SKUs below were used */
    int64_t as_of_ms;
    int64_t shelf_ms; /* the new clock at that moment */
    struct rebuild_counts counts;
    struct event_line lines[LINES_PER_ORDER_MAX];
    uint8_t text[1 << 16]; /* what the image at hand is made of */
    uint32_t text_used;
    int failure; /* the first one, of a row or of put */
    char *error;
    size_t error_size;
};

int rebuild_open(
    struct rebuild *rebuild, const struct rebuild_options *options, char *error, size_t error_size);
int rebuild_read(struct rebuild *rebuild);
int rebuild_commit(struct rebuild *rebuild);
void rebuild_close(struct rebuild *rebuild);

#endif
