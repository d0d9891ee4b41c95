/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config - what the operator decides: an INI file, then the environment, then --set, each over the
 * one before. Every key stands in one table (config_keys.c) with its kind, unit, range and meaning;
 * its default is in config_defaults(), or with the rules and limits of core.
 *
 *     config_load(&config, "hotshelf.ini", sets, set_count, &error)
 *
 * A key or section that does not exist, a value out of range, a key given twice or two settings
 * that cannot stand together are an error with place and reason; nothing is guessed:
 *     hotshelf.ini:7: unknown key hold_second in [reservations]; did you mean hold_seconds?
 *     --set server.node=0: [server] node must be from 1 to 1023
 * A number is decimal; a size may end in KiB, MiB, GiB or TiB.
 *
 * Secrets come from files or from HOTSHELF_POSTGRES_DSN and HOTSHELF_REDIS_URL; a password on the
 * command line is refused, and config_format_value() shows none.
 *
 * Ownership  struct config is a plain value without pointers.
 * Threads    Read by every thread after the start; written by none.
 * Units      In each name; sizes in bytes.
 * Errors     false, with one line in `error`.
 * Cost       Start only.
 */
#ifndef HOTSHELF_NET_CONFIG_H
#define HOTSHELF_NET_CONFIG_H

#include <stddef.h>

#include "core/bytes.h"
#include "core/limits.h"
#include "core/policy.h"

enum {
    CONFIG_TEXT_SIZE = 256,  /* of a text value with its NUL */
    CONFIG_ERROR_SIZE = 512, /* of an error with its NUL */
    CONFIG_FILE_SIZE_MAX = 65536,
};

enum config_io { IO_AUTO, IO_URING, IO_EPOLL };
enum config_durability { DURABILITY_DISK, DURABILITY_POSTGRES };
enum config_auth_mode { AUTH_JWT, AUTH_HEADER };

struct config_address {
    bool is_off; /* nobody listens: server.resp alone */
    bool is_unix;
    bool is_ipv6;
    uint16_t port;  /* 0: any free one */
    char host[108]; /* address in digits, or the path of the Unix socket */
};

struct config {
    struct {
        struct config_address http;
        struct config_address admin;
        struct config_address resp;
        uint32_t shards; /* 0: one for each core */
        char trusted_proxies[CONFIG_TEXT_SIZE];
        uint32_t drain_seconds;
        uint8_t io; /* enum config_io */
        bool demo;
    } server;
    struct {
        char dir[CONFIG_TEXT_SIZE];
        uint64_t journal_bytes;
        uint8_t durability; /* enum config_durability */
    } data;
    struct {
        char dsn[CONFIG_TEXT_SIZE]; /* empty: none */
        uint32_t wait_ms;
    } postgres;
    struct {
        char url[CONFIG_TEXT_SIZE]; /* empty: none */
    } redis;
    struct {
        uint8_t mode; /* enum config_auth_mode */
        bool header_anywhere;
        char jwt_secret_file[CONFIG_TEXT_SIZE];
        char jwt_public_key_file[CONFIG_TEXT_SIZE];
        char jwt_audience[CONFIG_TEXT_SIZE]; /* empty: not asked */
        char jwt_issuer[CONFIG_TEXT_SIZE];
        uint32_t jwt_leeway_seconds;
        char admin_tokens_file[CONFIG_TEXT_SIZE];
        char service_tokens_file[CONFIG_TEXT_SIZE];
        char webhook_secret_file[CONFIG_TEXT_SIZE];
        char guest_secret_file[CONFIG_TEXT_SIZE];
    } auth;
    struct {
        uint32_t streamed_segments_seconds;
    } retention; /* the others are rules: see policy */
    struct {
        uint64_t import_bytes;
        uint32_t body_bytes;
        uint32_t header_bytes;
        uint32_t requests_per_second; /* 0: off */
        uint32_t burst;
        uint32_t first_byte_seconds;
        uint32_t head_seconds;
        uint32_t request_seconds;
        uint32_t reply_seconds;
        uint32_t idle_seconds;
        uint32_t connections_per_address; /* 0: off */
        uint32_t overload_ms;       /* 0: off */
        uint32_t guests_per_second; /* of one address; 0: off */
        uint32_t guests_burst;
    } limits; /* the others are rules: see policy */
    struct capacity capacity;
    struct policy policy; /* [server] node, [payment], [reservations], [retention], [limits] */
};

struct config_error {
    char text[CONFIG_ERROR_SIZE];
};

void config_defaults(struct config *config);

/* Defaults, then the file (NULL: none), then the environment, then the settings
 * "section.key=value", then config_check(). */
bool config_load(struct config *config, const char *path, const char *const *sets,
    uint32_t set_count, struct config_error *error);

/* On loopback, a Unix socket, or nowhere: nobody else can reach it. */
bool config_is_local(const struct config_address *address);

/* The parts of config_load(). `name` is what errors call the text. */
bool config_read_text(
    struct config *config, const char *name, struct bytes text, struct config_error *error);
bool config_set(struct config *config, const char *assignment, struct config_error *error);
/* What no key alone can say: limits that need each other, addresses that auth forbids. */
bool config_check(const struct config *config, struct config_error *error);

/* --- The table of keys --- */

enum config_kind {
    CONFIG_NUMBER,
    CONFIG_BYTES,   /* a number with an optional KiB, MiB, GiB, TiB */
    CONFIG_COUNT,   /* auto or a number; auto is 0 */
    CONFIG_BOOLEAN, /* yes, no, true, false, on, off */
    CONFIG_CHOICE,
    CONFIG_TEXT,
    CONFIG_SECRET, /* a text that may hold a password */
    CONFIG_ADDRESS,
};

enum { CONFIG_CHOICES_MAX = 3 };

struct config_key {
    const char *section;
    const char *name;
    enum config_kind kind;
    uint32_t offset; /* in struct config */
    uint32_t size;   /* of the member: 1, 2, 4 or 8 for numbers */
    uint64_t min;    /* texts: bytes */
    uint64_t max;
    const char *unit;                        /* "" when the name says it */
    const char *choices[CONFIG_CHOICES_MAX]; /* NULL where there are fewer */
    uint8_t choice_values[CONFIG_CHOICES_MAX];
    const char *help;
};

extern const struct config_key config_keys[];
extern const uint32_t config_key_count;

const struct config_key *config_key_find(const char *section, const char *name);

/* The value as it would be written in a file; a secret as "***". Answers the size without NUL. */
uint32_t config_format_value(
    const struct config *config, const struct config_key *key, char *text, uint32_t text_size);

/* Parses `value` into the member of `key`; false with a reason that goes on behind its name. */
bool config_parse_value(struct config *config, const struct config_key *key, const char *value,
    char *reason, uint32_t reason_size);

#endif
