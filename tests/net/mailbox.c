/* SPDX-License-Identifier: Apache-2.0 */
/* Letters between two threads: none is lost, none overtakes, and nobody sleeps over his mail. Runs
 * under ThreadSanitizer too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#include "net/loop/mailbox.h"
#include "tests/lib/memory.h"

enum { ROOM = 16, LETTERS = 200000, MEMORY = 1 << 16 };

/* One direction of a pair of shards: the semaphore is the bell. */
struct side {
    struct mailbox inbox;
    struct sleeper sleeper;
    sem_t bell;
};

struct pair {
    struct side left, right;
    _Atomic uint32_t slept_over; /* letters found only because a wait ended by itself */
};

static struct pair *make_pair(struct arena *arena)
{
    memory_open(arena, MEMORY);
    struct pair *pair = arena_take(arena, "pair", 1, sizeof *pair);
    mailbox_init(&pair->left.inbox, arena, ROOM);
    mailbox_init(&pair->right.inbox, arena, ROOM);
    sem_init(&pair->left.bell, 0, 0);
    sem_init(&pair->right.bell, 0, 0);
    return pair;
}

static void post(struct side *to)
{
    if (mailbox_publish(&to->inbox) && sleeper_needs_bell(&to->sleeper))
        sem_post(&to->bell);
}

/* As shard_submit does: lie down, look once more, sleep until the bell. */
static void rest(struct pair *pair, struct side *self)
{
    sleeper_lie_down(&self->sleeper);
    if (mailbox_is_empty(&self->inbox)) {
        struct timespec end;
        clock_gettime(CLOCK_REALTIME, &end);
        end.tv_sec += 2;
        if (sem_timedwait(&self->bell, &end) != 0 && errno == ETIMEDOUT)
            pair->slept_over += mailbox_is_empty(&self->inbox) ? 0 : 1;
    }
    sleeper_get_up(&self->sleeper);
}

static void letters_come_in_the_order_sent(void **state)
{
    (void)state;
    struct arena arena;
    struct pair *pair = make_pair(&arena);
    uint32_t letter;
    for (uint32_t i = 0; i < ROOM; i++)
        mailbox_push(&pair->left.inbox, i);
    assert_false(mailbox_pop(&pair->left.inbox, &letter));
    assert_true(mailbox_publish(&pair->left.inbox));
    assert_false(mailbox_publish(&pair->left.inbox));
    for (uint32_t i = 0; i < ROOM; i++) {
        assert_true(mailbox_pop(&pair->left.inbox, &letter));
        assert_int_equal(letter, i);
    }
    assert_false(mailbox_pop(&pair->left.inbox, &letter));
    assert_true(mailbox_is_empty(&pair->left.inbox));
    memory_close(&arena);
}

static void a_bell_is_rung_once_and_only_for_a_sleeper(void **state)
{
    (void)state;
    struct sleeper sleeper = {0};
    assert_false(sleeper_needs_bell(&sleeper));
    sleeper_lie_down(&sleeper);
    assert_true(sleeper_needs_bell(&sleeper));
    assert_false(sleeper_needs_bell(&sleeper));
    sleeper_lie_down(&sleeper);
    sleeper_get_up(&sleeper);
    assert_false(sleeper_needs_bell(&sleeper));
}

/* Returns every letter it gets, a few at a time. */
static void *echo(void *argument)
{
    struct pair *pair = argument;
    uint32_t echoed = 0;
    while (echoed < LETTERS) {
        uint32_t letter;
        uint32_t before = echoed;
        while (mailbox_pop(&pair->right.inbox, &letter)) {
            mailbox_push(&pair->left.inbox, letter);
            echoed++;
        }
        post(&pair->left);
        if (echoed == before)
            rest(pair, &pair->right);
    }
    return NULL;
}

/* Never more than ROOM under way: what the number of slots guarantees in the loop. */
static void two_threads_lose_no_letter_and_no_bell(void **state)
{
    (void)state;
    struct arena arena;
    struct pair *pair = make_pair(&arena);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, echo, pair), 0);
    uint32_t sent = 0, returned = 0;
    while (returned < LETTERS) {
        uint32_t letter;
        uint32_t before = returned;
        while (mailbox_pop(&pair->left.inbox, &letter))
            assert_int_equal(letter, returned++);
        for (uint32_t burst = sent % 5; sent < LETTERS && sent - returned < ROOM && burst < 5;
             burst++)
            mailbox_push(&pair->right.inbox, sent++);
        post(&pair->right);
        if (returned == before)
            rest(pair, &pair->left);
    }
    pthread_join(thread, NULL);
    assert_int_equal(pair->slept_over, 0);
    memory_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_come_in_the_order_sent),
        cmocka_unit_test(a_bell_is_rung_once_and_only_for_a_sleeper),
        cmocka_unit_test(two_threads_lose_no_letter_and_no_bell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
