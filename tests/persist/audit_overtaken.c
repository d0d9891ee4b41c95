/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An audit beside a server that is faster: at each read of the audit in turn the journals go round
 * once, or more. It finds nothing, and calls nothing damage.
 */
#include "tests/persist/till_rounds.h"

#include "persist/audit.h"

enum { KIB = 1024, SLOTS = 4, LAPS = 2, READS_MAX = 400 };

struct beside {
    struct till *till;
    uint32_t turn;
    uint32_t reads;    /* of the audit that is running */
    uint32_t round_at; /* the read before which the journals go round */
    bool always;       /* and before every later one */
    bool within;
    uint32_t again; /* audits that looked again */
};

/* Where the wrapper finds the test. */
static struct beside *here;

int __real_segment_read(const struct segment_file *file, void *out, uint32_t size, uint32_t offset);
int __wrap_segment_read(const struct segment_file *file, void *out, uint32_t size, uint32_t offset);

static void go_round(struct beside *beside)
{
    struct till *till = beside->till;
    uint32_t until[TILL_SHARDS];
    for (uint32_t i = 0; i < TILL_SHARDS; i++)
        until[i] = till->ledger->journals[i].chain.segment + SLOTS;
    for (uint32_t i = 0; i < TILL_SHARDS; i++)
        while (till->ledger->journals[i].chain.segment < until[i])
            till_trade(till, beside->turn++);
}

int __wrap_segment_read(const struct segment_file *file, void *out, uint32_t size, uint32_t offset)
{
    if (here != NULL && !here->within) {
        here->reads++;
        here->within = true;
        if (here->reads == here->round_at || (here->always && here->reads > here->round_at))
            go_round(here);
        here->within = false;
    }
    return __real_segment_read(file, out, size, offset);
}

static int setup(void **state)
{
    struct beside *beside = calloc(1, sizeof(*beside));
    beside->till = till_open(7, SLOTS, 64 * KIB, 16 * KIB, 0);
    till_open_doors(beside->till);
    for (uint32_t i = 0; i < LAPS; i++)
        go_round(beside);
    here = beside;
    *state = beside;
    return 0;
}

static int teardown(void **state)
{
    struct beside *beside = *state;
    here = NULL;
    till_destroy(beside->till);
    free(beside);
    return 0;
}

static void audit(struct beside *beside, int status, const char *words)
{
    char *said = NULL;
    size_t said_size = 0;
    FILE *out = open_memstream(&said, &said_size);
    beside->reads = 0;
    int found = audit_run(beside->till->ledger->path, NULL, out);
    fclose(out);
    if (found != status || strstr(said, words) == NULL)
        fail_msg("round at read %u: %s", beside->round_at, said);
    beside->again += strstr(said, "looked at 2 times") != NULL;
    free(said);
}

static void an_audit_that_is_overtaken_looks_again(void **state)
{
    struct beside *beside = *state;
    for (beside->round_at = 1; beside->round_at < READS_MAX; beside->round_at++) {
        audit(beside, 0, "\nok\n");
        if (beside->reads < beside->round_at)
            break;
    }
    assert_true(beside->round_at > SLOTS * TILL_SHARDS);
    assert_true(beside->round_at < READS_MAX);
    assert_true(beside->again > 0);
}

static void an_audit_that_is_always_overtaken_says_so(void **state)
{
    struct beside *beside = *state;
    beside->round_at = 1;
    beside->always = true;
    audit(beside, 1, "the journal was overwritten while it was read; run it again");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_audit_that_is_overtaken_looks_again, setup, teardown),
        cmocka_unit_test_setup_teardown(an_audit_that_is_always_overtaken_says_so, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
