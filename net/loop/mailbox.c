/* SPDX-License-Identifier: Apache-2.0 */
#include "net/loop/mailbox.h"

#include "core/check.h"

void mailbox_init(struct mailbox *mailbox, struct arena *arena, uint32_t room)
{
    uint32_t size = 1;
    while (size < room)
        size *= 2;
    *mailbox = (struct mailbox){.mask = size - 1};
    mailbox->letters = arena_take(arena, "mailbox letters", size, sizeof *mailbox->letters);
}

void mailbox_push(struct mailbox *mailbox, uint32_t letter)
{
    if (mailbox->pushed - mailbox->head_seen > mailbox->mask)
        mailbox->head_seen = atomic_load_explicit(&mailbox->head, memory_order_acquire);
    CHECK(mailbox->pushed - mailbox->head_seen <= mailbox->mask);
    mailbox->letters[mailbox->pushed++ & mailbox->mask] = letter;
}

bool mailbox_publish(struct mailbox *mailbox)
{
    if (mailbox->pushed == atomic_load_explicit(&mailbox->tail, memory_order_relaxed))
        return false;
    atomic_store_explicit(&mailbox->tail, mailbox->pushed, memory_order_seq_cst);
    return true;
}

bool mailbox_pop(struct mailbox *mailbox, uint32_t *letter)
{
    uint32_t head = atomic_load_explicit(&mailbox->head, memory_order_relaxed);
    if (head == mailbox->tail_seen)
        mailbox->tail_seen = atomic_load_explicit(&mailbox->tail, memory_order_acquire);
    if (head == mailbox->tail_seen)
        return false;
    *letter = mailbox->letters[head & mailbox->mask];
    atomic_store_explicit(&mailbox->head, head + 1, memory_order_release);
    return true;
}

bool mailbox_is_empty(struct mailbox *mailbox)
{
    return atomic_load_explicit(&mailbox->tail, memory_order_seq_cst) ==
           atomic_load_explicit(&mailbox->head, memory_order_relaxed);
}

void sleeper_lie_down(struct sleeper *sleeper)
{
    atomic_store_explicit(&sleeper->asleep, 1, memory_order_seq_cst);
}

void sleeper_get_up(struct sleeper *sleeper)
{
    atomic_store_explicit(&sleeper->asleep, 0, memory_order_relaxed);
}

bool sleeper_needs_bell(struct sleeper *sleeper)
{
    return atomic_load_explicit(&sleeper->asleep, memory_order_seq_cst) != 0 &&
           atomic_exchange_explicit(&sleeper->asleep, 0, memory_order_seq_cst) != 0;
}
