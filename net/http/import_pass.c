/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row that finds no room in the journal's batch, or whose product still waits for the disk, stays
 * where it is and is tried again in the next tick.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/check.h"
#include "net/http/import_steps.h"
#include "persist/fatal.h"

static struct command product_command(struct import *import)
{
    import->csv.product.in_import = 1;
    return (struct command){
        .kind = COMMAND_PRODUCT_SET,
        .role = ROLE_OPERATOR,
        .product = &import->csv.product,
        .actor = bytes_of(import->actor, import->actor_size),
    };
}

static struct command import_command(struct import *import, enum command_kind kind)
{
    return (struct command){
        .kind = kind,
        .role = ROLE_OPERATOR,
        .import = import->fact,
        .actor = bytes_of(import->actor, import->actor_size),
    };
}

static void count(struct import *import, const struct answer *answer)
{
    if (answer->created)
        import->created++;
    else if (answer->unchanged)
        import->unchanged++;
    else
        import->updated++;
}

static struct request *check_is_over(struct import *import, struct http_context *context)
{
    if (import->check.error_count > 0)
        return import_answer_errors(import, context);
    const char *full = import_check_full(&import->check);
    if (full != NULL)
        return import_answer_full(import, context, full);
    if (import->dry_run)
        return import_answer_counts(import, context);
    XXH128_hash_t hash = XXH3_128bits_digest(&import->hash);
    import->fact = (struct fact_import){
        .hash = {.low = hash.low64, .high = hash.high64},
        .size = import->size,
        .rows = import->check.rows,
    };
    import->state = IMPORT_SYNCING;
    return NULL;
}

static void check_row(struct import *import, const struct import_host *host)
{
    import_check_row(&import->check, &import->csv.product, import->csv.line);
    if (!import->dry_run || import->check.error_count > 0)
        return;
    struct answer answer;
    struct command command = product_command(import);
    host->look(host->host, &command, &answer);
    count(import, &answer);
}

/* One buffer of the first pass. */
struct request *import_check_on(
    struct import *import, struct http_context *context, const struct import_host *host)
{
    if (import->failure == 0)
        import_read_on(import);
    if (import->failure != 0)
        return import_answer_failure(import, context);
    for (;;) {
        switch (catalog_csv_next(&import->csv)) {
        case CATALOG_MORE:
            return NULL;
        case CATALOG_ROW:
            check_row(import, host);
            break;
        case CATALOG_FAULTY:
            for (uint32_t i = 0; i < import->csv.fault_count; i++)
                import_check_fault(&import->check, &import->csv.faults[i]);
            break;
        case CATALOG_END:
            return check_is_over(import, context);
        }
    }
}

static int sync_spool(const struct import *import)
{
    int directory = open(import->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return errno;
    int failure = fdatasync(import->spool) < 0 ? errno : 0;
    if (failure == 0 && fsync(directory) < 0)
        failure = errno;
    close(directory);
    return failure;
}

static struct request *answer_full(struct import *import, struct http_context *context)
{
    return import_answer_problem(import, context, PROBLEM_JOURNAL_FULL,
        "The journal has no room for the file; nothing was changed.");
}

/* The file is on the disk before the record that names it. */
struct request *import_record_begin(
    struct import *import, struct http_context *context, const struct import_host *host)
{
    if (context->now.journal_full)
        return answer_full(import, context);
    import->failure = sync_spool(import);
    if (import->failure != 0)
        return import_answer_failure(import, context);
    struct answer answer;
    struct command command = import_command(import, COMMAND_IMPORT_BEGIN);
    if (!host->run(host->host, &command, &answer))
        return NULL;
    /* A sale may stay on its way out for long, if money comes for an order of it. */
    if (answer.outcome == OUTCOME_VERSION_CONFLICT)
        return import_answer_problem(import, context, PROBLEM_VERSION_CONFLICT,
            "A sale is being removed; nothing was changed.");
    if (answer.outcome == OUTCOME_JOURNAL_FULL)
        return answer_full(import, context);
    CHECK(answer.outcome == OUTCOME_OK);
    import_begin_pass(import);
    import->state = IMPORT_APPLYING;
    return NULL;
}

/* False: try again in the next tick. */
static bool run_row(struct import *import, const struct import_host *host)
{
    struct answer answer;
    struct command command = product_command(import);
    if (!host->run(host->host, &command, &answer))
        return false;
    if (answer.outcome == OUTCOME_VERSION_CONFLICT || answer.outcome == OUTCOME_JOURNAL_FULL)
        return false;
    CHECK(answer.outcome == OUTCOME_OK); /* the check has asked for room */
    count(import, &answer);
    return true;
}

/* The next row into csv.product; false at the end of the file. */
static bool next_row(struct import *import)
{
    for (;;) {
        switch (catalog_csv_next(&import->csv)) {
        case CATALOG_ROW:
            return true;
        case CATALOG_MORE:
            CHECK(!import->read_all);
            import_read_on(import);
            if (import->failure != 0)
                fatal(
                    "%s, in the middle of an import: %s", import->path, strerror(import->failure));
            break;
        case CATALOG_END:
            return false;
        case CATALOG_FAULTY:
            CHECK(!"a file that was checked has no faults");
        }
    }
}

void import_apply_on(struct import *import, const struct import_host *host)
{
    for (uint32_t i = 0; i < IMPORT_ROWS_PER_TICK; i++) {
        if (!import->row_waits && !next_row(import)) {
            import->state = IMPORT_ENDING;
            return;
        }
        import->row_waits = !run_row(import, host);
        if (import->row_waits)
            return;
    }
}

struct request *import_record_end(
    struct import *import, struct http_context *context, const struct import_host *host)
{
    struct answer answer;
    struct command command = import_command(import, COMMAND_IMPORT_END);
    if (!host->run(host->host, &command, &answer) || answer.outcome == OUTCOME_VERSION_CONFLICT ||
        answer.outcome == OUTCOME_JOURNAL_FULL)
        return NULL; /* again in the next tick */
    CHECK(answer.outcome == OUTCOME_OK);
    import->state = IMPORT_SETTLING;
    return import_answer_counts(import, context);
}
