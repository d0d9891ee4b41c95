/* SPDX-License-Identifier: Apache-2.0 */
/*
 * set_aside - how much room in its journal a shard must keep free, from counters alone (S5).
 *
 *     what lives, at most       records until it has ended
 *     a hold in a cart          placed, approved, then confirmed or ended
 *     an unpaid order           confirmed or ended;  in review: approved besides
 *     a merge under way         its lines are a guest's holds again
 *     switches, kills           so many that nobody is refused one
 *     everything                one whole restating walk, with what the above adds to it
 *
 * Each answer is an upper bound: what a record weighs at most is known from the layouts on disk,
 * and how many there can be from how many entities there are. While the journal is full nothing is
 * recorded but what is counted here, so each record takes at least its own size off the sum; that
 * is what tests hold the engine to (tests/core/shop.c).
 *
 * Ownership  Reads the engine.
 * Threads    The engine's own shard.
 * Units      Bytes of records; headers and padding of batches are the journal's part, for which
 *            the number of records is told.
 * Errors     None.
 * Cost       Some multiplications.
 */
#ifndef HOTSHELF_CORE_SET_ASIDE_H
#define HOTSHELF_CORE_SET_ASIDE_H

#include <stdint.h>

struct engine;

/* Of one whole restating walk, if it began now; lines of orders without their names. An image that
 * an event asks for in the midst of a walk is one of its images. */
uint64_t engine_walk_bytes(const struct engine *engine);
/* The same when every table is full, with ids of the longest. */
uint64_t engine_walk_bytes_max(const struct engine *engine);
/* What WALK_NAMES adds to that, for orders up to this stream number. Looks at each order. */
uint64_t engine_names_bytes(const struct engine *engine, uint64_t stream_seq);

struct set_aside {
    uint64_t bytes;   /* of records that may still be written, and of what they add to a walk */
    uint64_t records; /* each may be alone in its batch .. */
    /* .. but of these, what ends orders that wait for their payment comes within their lives: in no
     * more batches than a journal that is full writes meanwhile. */
    uint64_t paced_records;
    /* Of these, what switches and kills have of their own. */
    uint64_t switch_bytes, switch_records;
    /* Until then on the shelf clock something may live whose clock must not be lost: holds and
     * unpaid orders, and orders in review; 0: nothing does. */
    uint64_t live_until_ms, review_until_ms;
    /* From any moment on so long: an order that is approved then, 0 without one in review; and the
     * longest that what is new can live. */
    uint64_t approved_ms, new_ms;
};

struct set_aside engine_set_aside(const struct engine *engine);

/* Of so many more live holds: bytes and records, whatever texts their orders bring. */
struct set_aside set_aside_of_holds(uint32_t holds);
/* Of so many orders of a line each that wait for their payment, with a pool of texts of so many
 * bytes; and a walk of them, their customers and their keys, when a shard keeps nothing else. */
struct set_aside set_aside_of_orders(uint64_t orders, uint64_t text_bytes);
uint64_t walk_bytes_of_orders(uint64_t orders);

#endif
