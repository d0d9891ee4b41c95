/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rebuild - one transaction: lock the positions, raise every epoch, work everything out in
 * temporary tables (rebuild.sql), read them. The lock comes before the snapshot: what a backend of
 * the server before was still committing is in it, and nothing comes after it.
 */
#include "persist/rebuild.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/check.h"
#include "core/partition.h"
#include "persist/attempt.h"
#include "persist/event_print.h"
#include "persist/postgres_schema.h"
#include "persist/rebuild_rows.h"
#include "persist/record.h"

/* Until a connection is believed to be a server's that runs: 3 seconds. */
enum { RIVAL_LOOKS = 30, RIVAL_LOOK_MS = 100 };

extern const char rebuild_sql[]; /* rebuild.sql */

static int complain(struct rebuild *rebuild, int failure)
{
    if (rebuild->failure == 0) {
        rebuild->failure = failure;
        (void)snprintf(
            rebuild->error, rebuild->error_size, "PostgreSQL: %s", rebuild->postgres.problem);
    }
    return rebuild->failure;
}

static int run(struct rebuild *rebuild, const char *sql)
{
    int failure = postgres_script(&rebuild->postgres, sql);
    return failure < 0 ? complain(rebuild, failure) : 0;
}

static int send(struct rebuild *rebuild, const char *sql)
{
    PGconn *connection = rebuild->postgres.connection;
    if (PQsendQuery(connection, sql) && PQsetSingleRowMode(connection))
        return 0;
    (void)snprintf(rebuild->postgres.problem, sizeof(rebuild->postgres.problem), "%s",
        PQerrorMessage(connection));
    return complain(rebuild, -EAGAIN);
}

int rebuild_each(struct rebuild *rebuild, const char *sql, rebuild_row *take)
{
    PGresult *result = NULL;
    if (rebuild->failure != 0 || send(rebuild, sql) != 0)
        return rebuild->failure;
    while ((result = PQgetResult(rebuild->postgres.connection)) != NULL) {
        ExecStatusType status = PQresultStatus(result);
        rebuild->text_used = 0;
        if (status == PGRES_SINGLE_TUPLE && rebuild->failure == 0)
            take(rebuild, result);
        if (status != PGRES_SINGLE_TUPLE && status != PGRES_TUPLES_OK) {
            (void)snprintf(rebuild->postgres.problem, sizeof(rebuild->postgres.problem), "%s",
                PQresultErrorMessage(result));
            (void)complain(rebuild, -EIO);
        }
        PQclear(result);
    }
    return rebuild->failure;
}

struct bytes row_text(const PGresult *row, int column)
{
    return bytes_of(PQgetvalue(row, 0, column), (uint32_t)PQgetlength(row, 0, column));
}

int64_t row_number(const PGresult *row, int column)
{
    return strtoll(PQgetvalue(row, 0, column), NULL, 10);
}

bool row_is_null(const PGresult *row, int column)
{
    return PQgetisnull(row, 0, column);
}

uint64_t row_shelf_ms(const struct rebuild *rebuild, const PGresult *row, int column)
{
    return (uint64_t)(row_number(row, column) + rebuild->shelf_ms - rebuild->as_of_ms);
}

bool row_order_id(const PGresult *row, int column, uint8_t id[16])
{
    struct bytes text = row_text(row, column);
    return text.size == ORDER_ID_TEXT_SIZE && order_id_parse(text, id);
}

/* So much room for the image at hand; none left is a row that no record can be made of. */
static uint8_t *take_room(struct rebuild *rebuild, uint32_t size)
{
    if (size > sizeof(rebuild->text) - rebuild->text_used)
        return NULL;
    uint8_t *taken = rebuild->text + rebuild->text_used;
    rebuild->text_used += size;
    return taken;
}

static uint8_t digit_of(char letter)
{
    return (uint8_t)(letter >= 'a' ? letter - 'a' + 10 : letter - '0');
}

struct bytes row_hex(struct rebuild *rebuild, const char *digits, uint32_t digit_count)
{
    uint8_t *out = take_room(rebuild, digit_count / 2);
    for (uint32_t i = 0; out != NULL && i < digit_count / 2; i++)
        out[i] = (uint8_t)(digit_of(digits[2 * i]) << 4 | digit_of(digits[2 * i + 1]));
    return bytes_of(out, out == NULL ? 0 : digit_count / 2);
}

struct bytes row_json(struct rebuild *rebuild, const PGresult *row, int column, const char *empty)
{
    struct bytes json = row_text(row, column);
    uint8_t *out = take_room(rebuild, json.size);
    uint32_t size = 0;
    bool quoted = false;
    if (out == NULL || bytes_equal(json, bytes_of_string(empty)))
        return (struct bytes){0};
    for (uint32_t i = 0; i < json.size; i++) {
        if (json.data[i] == ' ' && !quoted)
            continue;
        out[size++] = json.data[i];
        if (quoted && json.data[i] == '\\' && i + 1 < json.size)
            out[size++] = json.data[++i];
        else if (json.data[i] == '"')
            quoted = !quoted;
    }
    return bytes_of(out, size);
}

struct handing {
    struct rebuild *rebuild;
    const struct event *image;
    uint32_t shard;
};

static void hand_over(void *context)
{
    const struct handing *handing = context;
    struct rebuild *rebuild = handing->rebuild;
    rebuild->failure =
        rebuild->options.put(rebuild->options.context, handing->shard, handing->image);
}

static int refuse_rows(struct rebuild *rebuild, struct bytes what, const struct broken_fact *broken)
{
    struct bytes shown = event_print_customer(what);
    int size = snprintf(rebuild->error, rebuild->error_size,
        "the rows of %.*s in PostgreSQL are none that a server has written", (int)shown.size,
        (const char *)shown.data);
    if (broken->fact != NULL && size > 0 && (size_t)size < rebuild->error_size)
        (void)snprintf(rebuild->error + size, rebuild->error_size - (size_t)size, " (%s, %s:%d)",
            broken->fact, broken->file, broken->line);
    return -EBADMSG;
}

/* Anybody can have changed rows: that an engine does not take one of them is no bug of ours. */
void rebuild_put(
    struct rebuild *rebuild, uint32_t shard, const struct event *image, struct bytes what)
{
    struct handing handing = {.rebuild = rebuild, .image = image, .shard = shard};
    struct broken_fact broken = {0};
    if (rebuild->failure != 0)
        return;
    if (!record_valid(image) || !attempt(hand_over, &handing, &broken))
        rebuild->failure = refuse_rows(rebuild, what, &broken);
}

uint32_t rebuild_shard_of(const struct rebuild *rebuild, struct bytes customer)
{
    return partition_of_customer(customer) % rebuild->options.shards;
}

static void take_known(struct rebuild *rebuild, const PGresult *row)
{
    if (row_number(row, 0) == 0)
        rebuild->failure = -ENOENT;
}

/* Before the schema is made, which a server has to have done. */
static int look_for_node(struct rebuild *rebuild)
{
    char sql[128];
    (void)rebuild_each(rebuild,
        "SELECT (to_regclass('hotshelf.stream_position') IS NOT NULL)::integer", take_known);
    (void)snprintf(sql, sizeof(sql),
        "SELECT count(*) FROM hotshelf.stream_position WHERE node = %u", rebuild->options.node);
    (void)rebuild_each(rebuild, sql, take_known);
    if (rebuild->failure == -ENOENT)
        (void)snprintf(rebuild->error, rebuild->error_size,
            "PostgreSQL knows nothing of node %u: no server of this number has streamed to this "
            "database, so there is nothing to rebuild. Is postgres.dsn the right one?",
            rebuild->options.node);
    return rebuild->failure;
}

static void take_rival(struct rebuild *rebuild, const PGresult *row)
{
    if (row_is_null(row, 0))
        return;
    rebuild->failure = -EBUSY;
    (void)snprintf(rebuild->error, rebuild->error_size,
        "a server of node %u is connected to PostgreSQL (backend %s): stop it first. If it is gone "
        "and its connection is not, pg_terminate_backend ends that",
        rebuild->options.node, PQgetvalue(row, 0, 0));
}

/* That a server has just ended PostgreSQL knows when it reads from the connection again. */
static int refuse_rival(struct rebuild *rebuild)
{
    char sql[256];
    (void)snprintf(sql, sizeof(sql),
        "SELECT string_agg(pid::text, ', ') FROM pg_stat_activity WHERE application_name = "
        "'hotshelf node %u' AND datname = current_database() AND pid <> pg_backend_pid()",
        rebuild->options.node);
    int failure = rebuild_each(rebuild, sql, take_rival);
    for (uint32_t looks = 1; failure == -EBUSY && looks < RIVAL_LOOKS; looks++) {
        nanosleep(&(struct timespec){.tv_nsec = RIVAL_LOOK_MS * 1000000L}, NULL);
        rebuild->failure = 0;
        failure = rebuild_each(rebuild, sql, take_rival);
    }
    return failure;
}

static void take_adopted(struct rebuild *rebuild, const PGresult *row)
{
    if (row_number(row, 0) == 0)
        return;
    rebuild->failure = -EPERM;
    (void)snprintf(rebuild->error, rebuild->error_size,
        "this PostgreSQL was added to node %u when its journal had been overwritten before: what "
        "orders forgotten until then have sold is not in it, and a rebuild would sell those units "
        "again. Only a data directory knows them",
        rebuild->options.node);
}

/* Adoption writes what lives: units that forgotten orders have sold are no rows. */
static int refuse_adopted(struct rebuild *rebuild)
{
    char sql[320];
    (void)snprintf(sql, sizeof(sql),
        "SELECT (SELECT count(*) FROM hotshelf.stream_position WHERE node = %u "
        "AND (adopting OR adopted_at IS NOT NULL)) + "
        "(SELECT count(*) FROM hotshelf.stock_movements WHERE node = %u AND reason = 'adopted')",
        rebuild->options.node, rebuild->options.node);
    return rebuild_each(rebuild, sql, take_adopted);
}

static int connect(struct rebuild *rebuild)
{
    const struct rebuild_options *options = &rebuild->options;
    int failure = postgres_connect(&rebuild->postgres, options->dsn, options->node);
    if (failure < 0)
        return complain(rebuild, failure);
    (void)PQsetnonblocking(rebuild->postgres.connection, 0);
    if (look_for_node(rebuild) != 0 || refuse_rival(rebuild) != 0)
        return rebuild->failure;
    failure = postgres_schema_prepare(&rebuild->postgres, &rebuild->system_id);
    return failure < 0 ? complain(rebuild, failure) : refuse_adopted(rebuild);
}

static int work_out(struct rebuild *rebuild)
{
    const struct policy *policy = rebuild->options.policy;
    const int64_t day_ms = 86400000;
    int64_t keys_ms = policy->idempotency_seconds * 1000ll;
    char sql[512];
    (void)snprintf(sql, sizeof(sql),
        "BEGIN ISOLATION LEVEL REPEATABLE READ; "
        "LOCK TABLE hotshelf.stream_position IN EXCLUSIVE MODE; "
        "UPDATE hotshelf.stream_position SET epoch = epoch + 1, holder = 0, directory = NULL "
        "WHERE node = %u; "
        "CREATE TEMP TABLE rebuild_settings ON COMMIT DROP AS SELECT %u AS node, "
        "%" PRId64 "::bigint AS now_ms, %" PRId64 "::bigint AS order_keep_ms, "
        "%" PRId64 "::bigint AS late_ms, %" PRId64 "::bigint AS idempotency_ms",
        rebuild->options.node, rebuild->options.node, rebuild->options.now_wall_ms,
        policy->order_keep_seconds * INT64_C(1000), policy->late_payment_seconds * INT64_C(1000),
        keys_ms > day_ms ? keys_ms : day_ms);
    return run(rebuild, sql) == 0 ? run(rebuild, rebuild_sql) : rebuild->failure;
}

static void take_position(struct rebuild *rebuild, const PGresult *row)
{
    int64_t shard = row_number(row, 0);
    if (shard >= 0 && shard < SHARDS_MAX)
        rebuild->positions[shard] = (uint64_t)row_number(row, 1);
}

static void take_counts(struct rebuild *rebuild, const PGresult *row)
{
    struct rebuild_counts *counts = &rebuild->counts;
    uint64_t *const into[] = {&counts->products, &counts->unknown_products,
        &counts->raised_products, &counts->sales, &counts->unknown_sales, &counts->orders,
        &counts->open_orders, &counts->old_orders, &counts->allowances, &counts->keys,
        &counts->keys_of_any, &counts->outbox_missing, &counts->outbox_missing_of_0};
    rebuild->as_of_ms = row_number(row, 0);
    rebuild->shelf_ms = row_number(row, sizeof(into) / sizeof(into[0]) + 2);
    rebuild->sku_next = (uint32_t)row_number(row, sizeof(into) / sizeof(into[0]) + 1);
    for (uint32_t i = 0; i < sizeof(into) / sizeof(into[0]); i++)
        *into[i] = (uint64_t)row_number(row, (int)i + 1);
}

static int read_counts(struct rebuild *rebuild)
{
    (void)rebuild_each(rebuild,
        "SELECT p.shard, p.seq FROM hotshelf.stream_position p JOIN rebuild_moment USING (node)",
        take_position);
    return rebuild_each(rebuild,
        "SELECT t.ms, (SELECT count(*) FROM rebuild_products), "
        "(SELECT count(*) FROM rebuild_products WHERE unknown), "
        "(SELECT count(*) FROM rebuild_products WHERE allotment > known_allotment), "
        "(SELECT count(*) FROM rebuild_names WHERE is_sale), "
        "(SELECT count(*) FROM rebuild_names n WHERE is_sale AND NOT EXISTS "
        "(SELECT FROM rebuild_sales s WHERE s.sale = n.name)), "
        "(SELECT count(*) FROM rebuild_orders WHERE is_kept), "
        "(SELECT count(*) FROM rebuild_orders WHERE status IN ('pending_payment', 'review')), "
        "(SELECT count(*) FROM rebuild_orders WHERE NOT is_kept), "
        "(SELECT count(*) FROM rebuild_allowances), "
        "(SELECT count(*) FROM rebuild_keys), "
        "(SELECT count(*) FROM rebuild_keys WHERE request IS NULL), "
        "(SELECT missing FROM rebuild_outbox), (SELECT missing_of_0 FROM rebuild_outbox), "
        "(SELECT coalesce(max(number), 0) + 1 FROM (SELECT number FROM rebuild_products "
        "UNION ALL SELECT number FROM rebuild_numbers) n), greatest(t.shelf_ms, t.ms) FROM "
        "rebuild_moment t",
        take_counts);
}

int rebuild_open(
    struct rebuild *rebuild, const struct rebuild_options *options, char *error, size_t error_size)
{
    CHECK(options->shards > 0 && options->shards <= SHARDS_MAX);
    memset(rebuild, 0, sizeof(*rebuild));
    rebuild->options = *options;
    rebuild->stop.fd = -1;
    rebuild->postgres.stop = &rebuild->stop;
    rebuild->error = error;
    rebuild->error_size = error_size;
    if (connect(rebuild) == 0 && work_out(rebuild) == 0)
        (void)read_counts(rebuild);
    return rebuild->failure;
}

int rebuild_read(struct rebuild *rebuild)
{
    return rebuild_catalog(rebuild) == 0 ? rebuild_orders(rebuild) : rebuild->failure;
}

int rebuild_commit(struct rebuild *rebuild)
{
    char sql[512];
    CHECK(rebuild->failure == 0);
    (void)snprintf(sql, sizeof(sql),
        "UPDATE hotshelf.orders o SET shelf_ms = %" PRId64 ", due_shelf_ms = %" PRId64
        " + coalesce(r.left_ms, pg_temp.ms(r.payment_due_at) - t.ms) "
        "FROM rebuild_orders r, rebuild_moment t WHERE r.order_id = o.order_id "
        "AND r.status IN ('pending_payment', 'review') "
        "AND coalesce(r.left_ms, pg_temp.ms(r.payment_due_at)) IS NOT NULL",
        rebuild->shelf_ms, rebuild->shelf_ms);
    if (run(rebuild, sql) != 0)
        return rebuild->failure;
    int failure = postgres_commit(&rebuild->postgres);
    return failure < 0 ? complain(rebuild, failure) : 0;
}

void rebuild_close(struct rebuild *rebuild)
{
    postgres_disconnect(&rebuild->postgres);
}
