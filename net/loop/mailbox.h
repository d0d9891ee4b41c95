/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailbox - slots of requests on their way from one shard to another; and the bell for a sleeper.
 *
 *     sender                          receiver
 *     push, push, push                sleeper_lie_down: asleep = 1
 *     publish: tail = ..              look at every mailbox once more
 *     sleeper_needs_bell: asleep?     sleep, or sleeper_get_up: asleep = 0
 *
 * Each side stores, then loads what the other side stores, all sequentially consistent: either the
 * receiver sees the letters or the sender sees a sleeper. Acquire and release are not enough for
 * that. A bell is rung once per tick and only for a sleeper.
 *
 * A mailbox has room for every slot that can be under way in it, so a push cannot fail.
 *
 * Ownership  Entries are in the arena; one mailbox for each ordered pair of shards.
 * Threads    One sender (push, publish), one receiver (pop). A sleeper: its owner lies down and
 *            gets up, everybody may ask.
 * Units      Letters: whatever two shards agree on in 32 bits.
 * Errors     None; a full mailbox is a bug.
 * Cost       push, pop: a cache line now and then. publish: one locked exchange per tick and pair.
 */
#ifndef HOTSHELF_NET_LOOP_MAILBOX_H
#define HOTSHELF_NET_LOOP_MAILBOX_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/arena.h"

struct mailbox {
    alignas(64) _Atomic uint32_t tail; /* written by the sender: letters up to here are readable */
    uint32_t pushed;                   /* the sender's, not yet published */
    uint32_t head_seen;                /* the sender's last look at head */
    alignas(64) _Atomic uint32_t head; /* written by the receiver */
    uint32_t tail_seen;                /* the receiver's last look at tail */
    alignas(64) uint32_t *letters;
    uint32_t mask;
};

struct sleeper {
    alignas(64) _Atomic uint32_t asleep;
};

/* `room`: letters that can be under way at once. */
void mailbox_init(struct mailbox *mailbox, struct arena *arena, uint32_t room);

void mailbox_push(struct mailbox *mailbox, uint32_t letter);
/* Makes what was pushed readable; false when nothing was. */
bool mailbox_publish(struct mailbox *mailbox);
bool mailbox_pop(struct mailbox *mailbox, uint32_t *letter);
/* Sequentially consistent: for the last look before sleeping. */
bool mailbox_is_empty(struct mailbox *mailbox);

void sleeper_lie_down(struct sleeper *sleeper);
void sleeper_get_up(struct sleeper *sleeper);
/* After publishing: whether the caller is the one who has to ring. */
bool sleeper_needs_bell(struct sleeper *sleeper);

#endif
