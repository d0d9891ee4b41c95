/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL's positions are read first, then the journal, which has at least what PostgreSQL has,
 * then PostgreSQL's rows, in the snapshot of the positions.
 *
 * A running server may overwrite a segment that is still to be read. Then all is looked at again,
 * from the latest walks on; what was found until then is not told.
 */
#include "persist/audit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "persist/audit_journal.h"
#include "persist/audit_model.h"
#include "persist/audit_postgres.h"

enum { LOOKS_MAX = 8 };

/* One look at everything. */
struct look {
    const struct datadir *directory;
    const char *dsn; /* NULL without PostgreSQL */
    uint32_t looks;  /* so far, this one too */
    FILE *out;
    struct audit_findings findings;
    struct audit_model model;
    struct audit_postgres postgres;
    struct walk_place starts[SHARDS_MAX];
    char problem[1024];
    char passed_over[1024]; /* what is damaged where no start needs it */
};

static int complain(FILE *out, const char *problem)
{
    fprintf(out, "cannot be audited: %s\n", problem);
    return 1;
}

static uint64_t print_table(const struct audit_findings *findings, FILE *out)
{
    static const struct {
        const char *rules, *name, *meaning;
    } rows[AUDIT_VIOLATIONS] = {
        [AUDIT_OVERSOLD] = {"V1 V3", "oversold", "units held or sold beyond the allotment"},
        [AUDIT_STRANDED] = {"V2 V4", "stranded", "units that nobody has and nobody can buy"},
        [AUDIT_LOST] = {"V7", "lost", "orders or events missing in one of the ledgers"},
        [AUDIT_DUPLICATED] = {"V7", "duplicated", "orders made twice"},
        [AUDIT_GAPS] = {"S1 S2", "gaps", "numbers of events or versions left out"},
        [AUDIT_DIFFERENT] = {"S3", "different", "orders that PostgreSQL shows otherwise"},
    };
    uint64_t violations = 0;
    for (uint32_t i = 0; i < AUDIT_VIOLATIONS; i++) {
        fprintf(out, "%-6s %-11s %8" PRIu64 "   %s\n", rows[i].rules, rows[i].name,
            findings->counts[i], rows[i].meaning);
        violations += findings->counts[i];
    }
    return violations;
}

static void print_starts(const struct look *look)
{
    if (look->passed_over[0] != 0)
        fprintf(look->out, "journal: not read before its latest walks: %s\n", look->passed_over);
    else if (look->looks > 1)
        fprintf(look->out,
            "journal: looked at %u times, since it was overwritten while it was read\n",
            look->looks);
    for (uint32_t i = 0; i < look->directory->shards; i++)
        if (look->starts[i].number != 0)
            fprintf(look->out, "shard %u: from walk %" PRIu64 " on, stream number %" PRIu64 "\n", i,
                look->starts[i].number, look->model.shards[i].base_seq + 1);
}

static void print_postgres(const struct look *look)
{
    const struct audit_postgres *postgres = &look->postgres;
    if (look->dsn == NULL) {
        fprintf(look->out, "PostgreSQL: not configured, not compared\n");
        return;
    }
    fprintf(look->out, "PostgreSQL: %" PRIu64 " orders, %" PRIu64 " events not yet streamed\n",
        postgres->orders, postgres->behind);
    if (postgres->older > 0)
        fprintf(look->out, "PostgreSQL: %" PRIu64 " orders are older than what is kept\n",
            postgres->older);
    if (postgres->unsettled)
        fprintf(look->out,
            "PostgreSQL: its position is before what is kept, sums of older orders are not "
            "compared\n");
    if (postgres->young_skus > 0)
        fprintf(look->out,
            "PostgreSQL: %u SKUs began before it, older orders of them may be missing\n",
            postgres->young_skus);
}

static int report(const struct look *look)
{
    uint64_t violations = print_table(&look->findings, look->out);
    fprintf(look->out, "journal: %u shards, %" PRIu64 " events, %u orders\n",
        look->directory->shards, look->model.events, look->model.order_count);
    print_starts(look);
    print_postgres(look);
    fprintf(look->out, violations == 0 ? "ok\n" : "NOT ok\n");
    return violations == 0 ? 0 : 1;
}

/* Answers the exit status, or negative when the journal could not be read. */
static int compare(struct look *look)
{
    if (look->dsn != NULL && audit_postgres_open(&look->postgres, look->dsn, look->directory->node,
                                 (uint16_t)look->directory->shards, &look->model) < 0)
        return complain(look->out, look->postgres.problem);
    enum audit_from from = look->looks == 1 ? AUDIT_FROM_OLDEST : AUDIT_FROM_LATEST;
    int failure = audit_journal(
        look->directory, from, &look->model, look->starts, look->problem, sizeof(look->problem));
    if (failure < 0)
        return failure;
    audit_model_check(&look->model);
    if (look->dsn != NULL && audit_postgres_compare(&look->postgres, &look->model) < 0)
        return complain(look->out, look->postgres.problem);
    return report(look);
}

static int look_once(struct look *look)
{
    look->findings = (struct audit_findings){.out = look->out};
    audit_model_init(&look->model, &look->findings);
    int status = compare(look);
    if (look->dsn != NULL)
        audit_postgres_close(&look->postgres);
    audit_model_free(&look->model);
    return status;
}

/* What was kept beside the latest walks may be gone, or damaged where no start needs it. */
static int look_until_whole(struct look *look, FILE *out)
{
    char *said = NULL;
    size_t said_size = 0;
    int status = -ERANGE;
    while (look->looks < LOOKS_MAX && (status == -ERANGE || (status < 0 && look->looks == 1))) {
        free(said);
        said = NULL;
        look->out = open_memstream(&said, &said_size);
        if (look->out == NULL)
            return complain(out, "out of memory");
        look->looks++;
        status = look_once(look);
        if (status < 0 && status != -ERANGE && look->looks == 1)
            memcpy(look->passed_over, look->problem, sizeof(look->passed_over));
        fclose(look->out);
    }
    if (status >= 0)
        fwrite(said, 1, said_size, out);
    free(said);
    if (status == -ERANGE)
        return complain(out, "the journal was overwritten while it was read; run it again");
    return status < 0 ? complain(out, look->problem) : status;
}

int audit_run(const char *dir, const char *dsn, FILE *out)
{
    struct datadir directory;
    char error[1024];
    if (datadir_read(&directory, dir, error, sizeof(error)) < 0)
        return complain(out, error);
    struct look *look = calloc(1, sizeof(*look));
    int status = 1;
    if (look == NULL) {
        (void)complain(out, "out of memory");
    } else {
        look->directory = &directory;
        look->dsn = dsn;
        status = look_until_whole(look, out);
    }
    free(look);
    datadir_close(&directory);
    return status;
}
