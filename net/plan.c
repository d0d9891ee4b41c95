/* SPDX-License-Identifier: Apache-2.0 */
#include "net/plan.h"

#include <stdlib.h>

#include "net/house.h"
#include "persist/stream.h"

/* What an order costs the journal: placed, confirmed, and its share of padding. An estimate, the
 * only one here; it is printed as such. */
enum { ORDER_BYTES_OF_JOURNAL = 2048, ORDERS_PER_SECOND = 1000 };

struct bill {
    struct arena arena;
    uint64_t arena_bytes;
    uint64_t stream_bytes;
    struct datadir_geometry geometry;
    uint64_t disk_bytes;
    uint64_t memory_bytes;
    struct house_space space;
    uint64_t orders;
    uint32_t shards;
};

static int add_up(const struct config *config, struct bill *bill)
{
    char error[512];
    uint64_t least;
    bill->shards = house_shards(config);
    if (datadir_divide(config->data.journal_bytes, bill->shards, &bill->geometry, &least) != 0) {
        fprintf(stderr, "hotshelf: data.journal_bytes: at least %llu for %u shards\n",
            (unsigned long long)least, bill->shards);
        return 1;
    }
    if (house_measure(config, bill->shards, &bill->geometry, &bill->arena_bytes, &bill->arena,
            &bill->space, error, sizeof error) != 0) {
        fprintf(stderr, "hotshelf: %s\n", error);
        return 1;
    }
    struct datadir directory = {.shards = bill->shards, .geometry = bill->geometry};
    if (config->postgres.dsn[0] != '\0')
        bill->stream_bytes = stream_memory(&directory);
    bill->memory_bytes = bill->arena_bytes + bill->stream_bytes;
    bill->disk_bytes =
        (uint64_t)bill->geometry.segments * bill->geometry.segment_size * bill->shards;
    bill->orders = bill->space.rest / ORDER_BYTES_OF_JOURNAL;
    return 0;
}

static double mib(uint64_t bytes)
{
    return (double)bytes / (1 << 20);
}

static void print_memory(const struct bill *bill, FILE *out)
{
    fprintf(out, "%-28s %12s %12s %16s\n", "memory", "count", "bytes each", "bytes");
    for (uint32_t i = 0; i < bill->arena.line_count; i++) {
        const struct arena_line *line = &bill->arena.lines[i];
        fprintf(out, "  %-26s %12llu %12llu %16llu\n", line->name, (unsigned long long)line->count,
            (unsigned long long)line->item_size, (unsigned long long)line->bytes);
    }
    if (bill->stream_bytes > 0)
        fprintf(out, "  %-26s %12s %12s %16llu\n", "stream to PostgreSQL", "", "",
            (unsigned long long)bill->stream_bytes);
    fprintf(out, "  %-52s %16llu  (%.1f MiB)\n\n", "in total, taken at start, never more",
        (unsigned long long)bill->memory_bytes, mib(bill->memory_bytes));
}

static void print_disk(const struct bill *bill, FILE *out)
{
    fprintf(out, "disk: %u shards x %u segments x %u bytes = %llu bytes (%.1f MiB)\n", bill->shards,
        bill->geometry.segments, bill->geometry.segment_size, (unsigned long long)bill->disk_bytes,
        mib(bill->disk_bytes));
    fprintf(out,
        "  a shard needs %.1f of its %.1f MiB for a restating walk of full tables and what is set "
        "aside\n",
        mib(bill->space.least), mib(bill->space.has));
    fprintf(out,
        "  the rest has all that %llu live holds may ever write, each with the longest texts,\n"
        "  or, while PostgreSQL is away,\n"
        "  about %llu orders at %d bytes each: %.0f minutes at %d orders a second\n"
        "  with nothing else in the tables %llu orders can wait for their payment at once\n\n",
        (unsigned long long)bill->space.holds, (unsigned long long)bill->orders,
        ORDER_BYTES_OF_JOURNAL, (double)bill->orders / ORDERS_PER_SECOND / 60, ORDERS_PER_SECOND,
        (unsigned long long)bill->space.unpaid);
}

static void print_meaning(const struct config *config, FILE *out)
{
    const struct capacity *capacity = &config->capacity;
    double keep = config->policy.order_keep_seconds;
    fprintf(out, "what the capacities mean\n");
    fprintf(out, "  skus %u: products on the shelf at once; more are refused at import\n",
        capacity->skus);
    fprintf(
        out, "  customers %u: with a cart, a hold, an order or a key kept\n", capacity->customers);
    fprintf(out, "  holds %u: cart lines; %.1f for each customer\n", capacity->holds,
        (double)capacity->holds / capacity->customers);
    fprintf(out,
        "  orders %u: kept %.0f s past their last change: %.1f new ones a second for ever\n",
        capacity->orders, keep, capacity->orders / keep);
    fprintf(out, "  lines %u: order lines; %.1f for each order\n", capacity->lines,
        (double)capacity->lines / capacity->orders);
    fprintf(out, "  idempotency_keys %u: kept %u s\n", capacity->idempotency_keys,
        config->policy.idempotency_seconds);
    fprintf(out, "  connections %u, requests %u: at once; beyond them 503, and waiting\n",
        capacity->connections, capacity->requests);
    fprintf(out, "  subscribers %u: streams of live stock at once, of these connections\n",
        capacity->subscribers);
    fprintf(out, "A full table refuses (503 capacity_exhausted); nothing is evicted.\n");
}

static void print_json(const struct config *config, const struct bill *bill, FILE *out)
{
    fprintf(out, "{\"shards\":%u,\"memory\":{\"tables\":[", bill->shards);
    for (uint32_t i = 0; i < bill->arena.line_count; i++) {
        const struct arena_line *line = &bill->arena.lines[i];
        fprintf(out, "%s{\"name\":\"%s\",\"count\":%llu,\"item_bytes\":%llu,\"bytes\":%llu}",
            i == 0 ? "" : ",", line->name, (unsigned long long)line->count,
            (unsigned long long)line->item_size, (unsigned long long)line->bytes);
    }
    fprintf(out, "],\"arena_bytes\":%llu,\"stream_bytes\":%llu,\"bytes\":%llu},",
        (unsigned long long)bill->arena_bytes, (unsigned long long)bill->stream_bytes,
        (unsigned long long)bill->memory_bytes);
    fprintf(out,
        "\"disk\":{\"segments\":%u,\"segment_bytes\":%u,\"bytes\":%llu,\"shard_bytes\":%llu,"
        "\"shard_needs\":%llu,\"holds\":%llu,\"unpaid\":%llu,\"orders\":%llu},",
        bill->geometry.segments, bill->geometry.segment_size, (unsigned long long)bill->disk_bytes,
        (unsigned long long)bill->space.has, (unsigned long long)bill->space.least,
        (unsigned long long)bill->space.holds, (unsigned long long)bill->space.unpaid,
        (unsigned long long)bill->orders);
    const struct capacity *capacity = &config->capacity;
    fprintf(out,
        "\"capacity\":{\"skus\":%u,\"customers\":%u,\"orders\":%u,\"holds\":%u,\"lines\":%u,"
        "\"text_bytes\":%llu,\"idempotency_keys\":%u,\"claims\":%u,\"identities\":%u,"
        "\"allowances\":%u,\"names\":%u,"
        "\"connections\":%u,\"subscribers\":%u,\"requests\":%u}}\n",
        capacity->skus, capacity->customers, capacity->orders, capacity->holds, capacity->lines,
        (unsigned long long)capacity->text_bytes, capacity->idempotency_keys, capacity->claims,
        capacity->identities, capacity->allowances, capacity->names, capacity->connections,
        capacity->subscribers, capacity->requests);
}

int plan(const struct config *config, bool json, FILE *out)
{
    struct bill *bill = calloc(1, sizeof *bill);
    if (bill == NULL)
        return 1;
    int status = add_up(config, bill);
    if (status == 0 && json)
        print_json(config, bill, out);
    if (status == 0 && !json) {
        print_memory(bill, out);
        print_disk(bill, out);
        print_meaning(config, out);
    }
    free(bill);
    return status;
}
