/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL's positions are read first, then the journal, which has at least what PostgreSQL has,
 * then PostgreSQL's rows, in the snapshot of the positions.
 */
#include "persist/audit.h"

#include <inttypes.h>

#include "persist/audit_journal.h"
#include "persist/audit_model.h"
#include "persist/audit_postgres.h"

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

static int report(const struct audit_model *model, const struct audit_postgres *postgres,
    uint32_t shards, FILE *out)
{
    uint64_t violations = print_table(model->findings, out);
    fprintf(out, "journal: %u shards, %" PRIu64 " events, %u orders\n", shards, model->events,
        model->order_count);
    if (postgres == NULL)
        fprintf(out, "PostgreSQL: not configured, not compared\n");
    else
        fprintf(out, "PostgreSQL: %" PRIu64 " orders, %" PRIu64 " events not yet streamed\n",
            postgres->orders, postgres->behind);
    fprintf(out, violations == 0 ? "ok\n" : "NOT ok\n");
    return violations == 0 ? 0 : 1;
}

static int compare_and_report(const struct datadir *directory, struct audit_postgres *postgres,
    struct audit_model *model, FILE *out)
{
    char problem[1024];
    if (audit_journal(directory, model, problem, sizeof(problem)) < 0)
        return complain(out, problem);
    audit_model_check(model);
    if (postgres != NULL && audit_postgres_compare(postgres, model) < 0)
        return complain(out, postgres->problem);
    return report(model, postgres, directory->shards, out);
}

int audit_run(const char *dir, const char *dsn, FILE *out)
{
    struct datadir directory;
    struct audit_findings findings = {.out = out};
    struct audit_model model;
    struct audit_postgres postgres;
    char error[1024];
    if (datadir_read(&directory, dir, error, sizeof(error)) < 0)
        return complain(out, error);
    audit_model_init(&model, &findings);
    int status = 0;
    if (dsn == NULL) {
        status = compare_and_report(&directory, NULL, &model, out);
    } else {
        bool opened = audit_postgres_open(
                          &postgres, dsn, directory.node, (uint16_t)directory.shards, &model) == 0;
        status = opened ? compare_and_report(&directory, &postgres, &model, out)
                        : complain(out, postgres.problem);
        audit_postgres_close(&postgres);
    }
    audit_model_free(&model);
    datadir_close(&directory);
    return status;
}
