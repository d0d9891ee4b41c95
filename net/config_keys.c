/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of all keys. A key is one line: kind, member, range, unit, meaning; --help and the
 * errors are made of it. To add one, add a member to struct config, its default to
 * config_defaults() and a line here.
 */
#include "net/config.h"

#include "core/event.h"
#include "net/limit.h"

#define MEMBER(member) offsetof(struct config, member), sizeof(((struct config *)0)->member)
#define KIB(count) ((uint64_t)(count) << 10)
#define MIB(count) ((uint64_t)(count) << 20)
#define TIB(count) ((uint64_t)(count) << 40)

/* clang-format off */
#define NUMBER(section, name, member, min, max, unit, help) \
    {section, name, CONFIG_NUMBER, MEMBER(member), min, max, unit, {NULL}, {0}, help}
#define SIZE(section, name, member, min, max, help) \
    {section, name, CONFIG_BYTES, MEMBER(member), min, max, "bytes", {NULL}, {0}, help}
#define COUNT(section, name, member, max, unit, help) \
    {section, name, CONFIG_COUNT, MEMBER(member), 1, max, unit, {NULL}, {0}, help}
#define BOOLEAN(section, name, member, help) \
    {section, name, CONFIG_BOOLEAN, MEMBER(member), 0, 1, "", {NULL}, {0}, help}
#define TEXT(section, name, member, help) \
    {section, name, CONFIG_TEXT, MEMBER(member), 0, CONFIG_TEXT_SIZE - 1, "", {NULL}, {0}, help}
#define SECRET(section, name, member, help) \
    {section, name, CONFIG_SECRET, MEMBER(member), 0, CONFIG_TEXT_SIZE - 1, "", {NULL}, {0}, help}
#define ADDRESS(section, name, member, help) \
    {section, name, CONFIG_ADDRESS, MEMBER(member), 0, 0, "", {NULL}, {0}, help}
#define CAPACITY(name, min, max, unit, help) \
    NUMBER("capacity", #name, capacity.name, min, max, unit, help)
#define SECONDS(section, name, min, max, help) \
    NUMBER(section, #name, policy.name, min, max, "seconds", help)

enum { DAY = 86400, YEAR = 366 * DAY, TABLE_MAX = 1 << 28 };

const struct config_key config_keys[] = {
    ADDRESS("server", "http", server.http, "storefront listener: ADDRESS:PORT or unix:PATH"),
    ADDRESS("server", "admin", server.admin, "admin listener"),
    ADDRESS("server", "resp", server.resp, "RESP listener; off: none"),
    COUNT("server", "shards", server.shards, SHARDS_MAX, "shards", "auto is one for each core"),
    NUMBER("server", "node", policy.node, 1, 1023, "", "number of this node in the stream"),
    TEXT("server", "trusted_proxies", server.trusted_proxies,
        "addresses, ranges (10.0.0.0/8) and unix whose X-Forwarded-For and Forwarded are believed"),
    NUMBER("server", "drain_seconds", server.drain_seconds, 0, 3600, "seconds",
        "how long a stop waits for requests under way"),
    {"server", "io", CONFIG_CHOICE, MEMBER(server.io), 0, 0, "", {"auto", "io_uring", "epoll"},
        {IO_AUTO, IO_URING, IO_EPOLL}, "how the loop reaches the kernel"},
    BOOLEAN("server", "demo", server.demo, "the demonstration pages; not built yet"),

    TEXT("data", "dir", data.dir, "where the journal lives"),
    SIZE("data", "journal_bytes", data.journal_bytes, MIB(1), TIB(16), "disk for all journals"),
    {"data", "durability", CONFIG_CHOICE, MEMBER(data.durability), 0, 0, "", {"disk", "postgres"},
        {DURABILITY_DISK, DURABILITY_POSTGRES},
        "what the 201 of a checkout waits for: our disk, or PostgreSQL's commit too"},

    SECRET("postgres", "dsn", postgres.dsn, "libpq connection string; empty: no PostgreSQL"),
    NUMBER("postgres", "wait_ms", postgres.wait_ms, 1, 600000, "milliseconds",
        "how long a checkout waits for PostgreSQL with durability = postgres"),
    SECRET("redis", "url", redis.url, "the fan-out to Redis; not built yet"),

    {"auth", "mode", CONFIG_CHOICE, MEMBER(auth.mode), 0, 0, "", {"jwt", "header"},
        {AUTH_JWT, AUTH_HEADER}, "how customers prove who they are"},
    BOOLEAN("auth", "header_anywhere", auth.header_anywhere,
        "allow mode = header on addresses others can reach"),
    TEXT("auth", "jwt_secret_file", auth.jwt_secret_file, "keys of HS256 tokens, one a line"),
    TEXT("auth", "jwt_public_key_file", auth.jwt_public_key_file,
        "keys of RS256 and ES256 tokens, PEM"),
    TEXT("auth", "jwt_audience", auth.jwt_audience, "what aud must name; empty: not asked"),
    TEXT("auth", "jwt_issuer", auth.jwt_issuer, "what iss must be; empty: not asked"),
    NUMBER("auth", "jwt_leeway_seconds", auth.jwt_leeway_seconds, 0, 600, "seconds",
        "by which clocks of others may differ in exp, nbf and iat"),
    TEXT("auth", "admin_tokens_file", auth.admin_tokens_file, "lines name:role:token"),
    TEXT("auth", "service_tokens_file", auth.service_tokens_file, "lines name:token"),
    TEXT("auth", "webhook_secret_file", auth.webhook_secret_file, "one key, or two in rotation"),
    TEXT("auth", "guest_secret_file", auth.guest_secret_file,
        "the same for guests; nodes that share guests share it; empty: a file in data.dir"),

    {"payment", "mode", CONFIG_CHOICE, MEMBER(policy.payment_mode), 0, 0, "",
        {"external", "deferred"}, {PAYMENT_EXTERNAL, PAYMENT_DEFERRED},
        "whether an order waits for its payment"},

    NUMBER("risk", "review_score", policy.risk_review_score, 0, 1000, "",
        "from this risk score on an order is reviewed; 0 is off"),
    NUMBER("risk", "decline_score", policy.risk_decline_score, 0, 1000, "",
        "from this risk score on a checkout is declined; 0 is off"),

    CAPACITY(skus, 1, 1 << 24, "", "products"),
    CAPACITY(customers, 1, TABLE_MAX, "", "customers in memory"),
    CAPACITY(orders, 1, TABLE_MAX, "", "orders in memory"),
    CAPACITY(holds, 1, TABLE_MAX, "", "cart lines, held or not"),
    CAPACITY(lines, 1, TABLE_MAX, "", "order lines in memory"),
    SIZE("capacity", "text_bytes", capacity.text_bytes, KIB(1), TIB(1), "ids, references, tokens"),
    CAPACITY(idempotency_keys, 1, TABLE_MAX, "", "keys kept"),
    CAPACITY(identities, 0, TABLE_MAX, "",
        "identity keys, and customers who bought as guests, times products with a limit; 0: "
        "identities are refused, and merges of guests who bought such a product"),
    CAPACITY(claims, 1, TABLE_MAX, "", "payment ids; by default 4 for each order"),
    CAPACITY(allowances, 1, TABLE_MAX, "", "customers times products with a limit"),
    CAPACITY(names, 1, 1 << 20, "", "sellers and sales"),
    CAPACITY(connections, 1, 1 << 20, "", "open connections"),
    CAPACITY(subscribers, 0, 1 << 20, "",
        "streams of live stock, of the open connections; 0: none are served"),
    CAPACITY(tokens, 1, 1 << 24, "", "verified tokens remembered with auth.mode = jwt"),
    CAPACITY(requests, 1, 1 << 20, "", "requests under way"),

    {"reservations", "reserve_on", CONFIG_CHOICE, MEMBER(policy.reserve_on), 0, 0, "",
        {"checkout", "cart"}, {RESERVE_CHECKOUT, RESERVE_CART}, "when units are taken"},
    SECONDS("reservations", hold_seconds, 1, DAY, "how long a cart holds units"),
    SECONDS("reservations", payment_seconds, 1, DAY, "how long an unpaid order holds them"),
    NUMBER("reservations", "max_extensions", policy.max_extensions, 0, 100, "", "of one hold"),
    SECONDS("reservations", max_life_seconds, 1, 7 * DAY, "of a hold with its extensions"),
    SECONDS("reservations", review_seconds, 1, 30 * DAY, "how long a review holds units"),
    SECONDS("reservations", cancel_seconds, 0, 365 * DAY, "how long a customer may cancel"),

    SECONDS("retention", order_keep_seconds, 1, YEAR, "of a final order past its last change"),
    SECONDS("retention", late_payment_seconds, 1, YEAR, "of an expired order"),
    SECONDS("retention", idempotency_seconds, DAY, YEAR, "of an Idempotency-Key"),
    SECONDS("retention", cart_idle_seconds, 1, YEAR, "of a cart without a live hold"),
    NUMBER("retention", "streamed_segments_seconds", retention.streamed_segments_seconds, 0, YEAR,
        "seconds", "of journal segments that PostgreSQL has"),

    NUMBER("limits", "lines_per_order", policy.lines_per_order, 1, LINES_PER_ORDER_MAX, "",
        "lines"),
    NUMBER("limits", "lines_per_cart", policy.lines_per_cart, 1, LINES_PER_ORDER_MAX, "", "lines"),
    NUMBER("limits", "units_per_line", policy.units_per_line, 1, UINT32_MAX, "", "units"),
    NUMBER("limits", "max_open_orders", policy.max_open_orders, 1, 10000, "",
        "unpaid orders of one customer"),
    SIZE("limits", "import_bytes", limits.import_bytes, KIB(1), UINT32_MAX, "body of an import"),
    SIZE("limits", "body_bytes", limits.body_bytes, KIB(1), MIB(16), "any other body"),
    SIZE("limits", "header_bytes", limits.header_bytes, KIB(1), KIB(64), "request line and fields"),
    NUMBER("limits", "requests_per_second", limits.requests_per_second, 0, LIMIT_NUMBER_MAX, "",
        "of one customer or address; 0 is off"),
    NUMBER("limits", "burst", limits.burst, 1, LIMIT_NUMBER_MAX, "requests", "above that rate"),
    NUMBER("limits", "first_byte_seconds", limits.first_byte_seconds, 1, DAY, "seconds",
        "from the connection to its first byte"),
    NUMBER("limits", "head_seconds", limits.head_seconds, 1, DAY, "seconds",
        "from a request's first byte to the end of its head"),
    NUMBER("limits", "request_seconds", limits.request_seconds, 1, DAY, "seconds",
        "from a request's first byte to its last"),
    NUMBER("limits", "reply_seconds", limits.reply_seconds, 1, DAY, "seconds",
        "that a client takes nothing of his reply"),
    NUMBER("limits", "idle_seconds", limits.idle_seconds, 1, DAY, "seconds",
        "that a connection is kept with nothing under way"),
    NUMBER("limits", "connections_per_address", limits.connections_per_address, 0, 1 << 20, "",
        "to the storefront, of one address that is no trusted proxy; 0 is off"),
    NUMBER("limits", "overload_ms", limits.overload_ms, 0, 60000, "milliseconds",
        "that work waits for its turn before reads are refused; 0 is off"),
    NUMBER("limits", "guests_per_second", limits.guests_per_second, 0, LIMIT_NUMBER_MAX, "",
        "that one address may make, with all who share it; 0 is off"),
    NUMBER("limits", "guests_burst", limits.guests_burst, 1, LIMIT_NUMBER_MAX, "guests",
        "above that rate"),
};
/* clang-format on */
const uint32_t config_key_count = sizeof config_keys / sizeof config_keys[0];

void config_defaults(struct config *config)
{
    *config = (struct config){
        .server = {.http = {.host = "127.0.0.1", .port = 8080},
            .admin = {.host = "127.0.0.1", .port = 9090},
            .resp = {.host = "127.0.0.1", .port = 6390},
            .drain_seconds = 10},
        .data = {.dir = "var/data", .journal_bytes = MIB(1024)},
        .postgres = {.wait_ms = 2000},
        .auth = {.jwt_leeway_seconds = 30},
        .retention = {.streamed_segments_seconds = 600},
        .limits = {.import_bytes = MIB(256),
            .body_bytes = 65536,
            .header_bytes = 16384,
            .burst = 50,
            .first_byte_seconds = 15,
            .head_seconds = 10,
            .request_seconds = 60,
            .reply_seconds = 30,
            .idle_seconds = 600,
            .overload_ms = 100,
            .guests_per_second = 100,
            .guests_burst = 5000},
        .capacity = CAPACITY_DEFAULT,
        .policy = POLICY_DEFAULT,
    };
}

const struct config_key *config_key_find(const char *section, const char *name)
{
    for (uint32_t i = 0; i < config_key_count; i++)
        if (strcmp(config_keys[i].section, section) == 0 && strcmp(config_keys[i].name, name) == 0)
            return &config_keys[i];
    return NULL;
}
