/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading: the file is read whole and handed to inih line by line by our own reader, which counts
 * the lines (inih as packaged does not tell them) and notices one that is too long for it. Each
 * pair goes through set_value(), as do the environment and --set, so there is one place where a
 * name is looked up and one where a value is judged. The first error ends the start.
 */
#include "net/config.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/check.h"
#include "net/nearest.h"
#include "net/proxies.h"

enum { KEYS_MAX = 96, REASON_SIZE = 256, PLACE_SIZE = 320 };

/* A text while inih walks it. */
struct source {
    struct config *config;
    struct config_error *error;
    const char *name;
    struct bytes text;
    uint32_t at;
    uint32_t line;
    bool has_failed;
    bool seen[KEYS_MAX];
};

__attribute__((format(printf, 2, 3))) static bool fail(
    struct config_error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return false;
}

static bool is_section(const char *section)
{
    for (uint32_t i = 0; i < config_key_count; i++)
        if (strcmp(config_keys[i].section, section) == 0)
            return true;
    return false;
}

static bool fail_section(struct config_error *error, const char *place, const char *section)
{
    struct nearest nearest = nearest_to(bytes_of_string(section));
    for (uint32_t i = 0; i < config_key_count; i++)
        nearest_offer(&nearest, config_keys[i].section);
    if (section[0] == 0)
        return fail(error, "%s: a key before the first [section]", place);
    if (nearest_name(&nearest) == NULL)
        return fail(error, "%s: unknown section [%s]", place, section);
    return fail(error, "%s: unknown section [%s]; did you mean [%s]?", place, section,
        nearest_name(&nearest));
}

static bool fail_key(
    struct config_error *error, const char *place, const char *section, const char *name)
{
    struct nearest nearest = nearest_to(bytes_of_string(name));
    const char *home = NULL;
    for (uint32_t i = 0; i < config_key_count; i++) {
        if (strcmp(config_keys[i].section, section) == 0)
            nearest_offer(&nearest, config_keys[i].name);
        else if (strcmp(config_keys[i].name, name) == 0)
            home = config_keys[i].section;
    }
    if (home != NULL)
        return fail(
            error, "%s: unknown key %s in [%s]; it belongs to [%s]", place, name, section, home);
    if (nearest_name(&nearest) == NULL)
        return fail(error, "%s: unknown key %s in [%s]", place, name, section);
    return fail(error, "%s: unknown key %s in [%s]; did you mean %s?", place, name, section,
        nearest_name(&nearest));
}

static bool set_value(struct config *config, const char *place, const char *section,
    const char *name, const char *value, const struct config_key **key, struct config_error *error)
{
    char reason[REASON_SIZE];
    if (!is_section(section))
        return fail_section(error, place, section);
    *key = config_key_find(section, name);
    if (*key == NULL)
        return fail_key(error, place, section, name);
    if (!config_parse_value(config, *key, value, reason, sizeof reason))
        return fail(error, "%s: [%s] %s %s", place, section, name, reason);
    /* Whoever sets the orders alone gets the claims that they need. */
    if ((*key)->offset == offsetof(struct config, capacity.orders) &&
        config->capacity.claims < config->capacity.orders * PAYMENTS_PER_ORDER)
        config->capacity.claims = config->capacity.orders * PAYMENTS_PER_ORDER;
    return true;
}

/* The next line with its line feed, as fgets() gives it, but without indentation: to inih an
 * indented line is one more value of the key above it. */
static char *read_line(char *line, int size, void *user)
{
    struct source *source = user;
    uint32_t left = source->text.size - source->at;
    if (left == 0 || source->has_failed)
        return NULL;
    const uint8_t *start = source->text.data + source->at;
    const uint8_t *end = memchr(start, '\n', left);
    uint32_t taken = end == NULL ? left : (uint32_t)(end - start) + 1;
    source->line++;
    source->at += taken;
    for (; taken > 0 && (*start == ' ' || *start == '\t'); start++)
        taken--;
    if (taken >= (uint32_t)size) {
        source->has_failed = true;
        fail(source->error, "%s:%u: the line has more than %d bytes", source->name, source->line,
            size - 2);
        return NULL;
    }
    memcpy(line, start, taken);
    line[taken] = 0;
    return line;
}

static int take_pair(void *user, const char *section, const char *name, const char *value)
{
    struct source *source = user;
    const struct config_key *key;
    char place[PLACE_SIZE];
    if (source->has_failed)
        return 1;
    snprintf(place, sizeof place, "%s:%u", source->name, source->line);
    if (!set_value(source->config, place, section, name, value, &key, source->error)) {
        source->has_failed = true;
        return 0;
    }
    bool *seen = &source->seen[key - config_keys];
    if (*seen) {
        fail(source->error, "%s: [%s] %s is given twice", place, section, name);
        source->has_failed = true;
        return 0;
    }
    *seen = true;
    return 1;
}

bool config_read_text(
    struct config *config, const char *name, struct bytes text, struct config_error *error)
{
    CHECK(config_key_count <= KEYS_MAX);
    struct source source = {.config = config, .error = error, .name = name, .text = text};
    if (text.size > 0 && memchr(text.data, 0, text.size) != NULL)
        return fail(error, "%s: is no text: it has a NUL byte", name);
    int line = ini_parse_stream(read_line, &source, take_pair, &source);
    if (source.has_failed)
        return false;
    if (line > 0)
        return fail(error, "%s:%d: neither a [section] nor key = value", name, line);
    return line == 0 || fail(error, "%s: cannot be read", name);
}

static bool read_file(struct config *config, const char *path, struct config_error *error)
{
    uint8_t text[CONFIG_FILE_SIZE_MAX + 1];
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return fail(error, "%s: %s", path, strerror(errno));
    size_t size = fread(text, 1, sizeof text, file);
    int read_error = ferror(file) ? errno : 0;
    fclose(file);
    if (read_error != 0)
        return fail(error, "%s: %s", path, strerror(read_error));
    if (size > CONFIG_FILE_SIZE_MAX)
        return fail(error, "%s: more than %d bytes", path, CONFIG_FILE_SIZE_MAX);
    return config_read_text(config, path, bytes_of(text, (uint32_t)size), error);
}

/* "password=..." of a connection string, or "user:password@" of a URL. */
static bool has_password(const char *value)
{
    const char *authority = strstr(value, "://");
    const char *at_sign = authority == NULL ? NULL : strchr(authority, '@');
    const char *colon = authority == NULL ? NULL : strchr(authority + 3, ':');
    return strstr(value, "password") != NULL ||
           (at_sign != NULL && colon != NULL && colon < at_sign);
}

bool config_set(struct config *config, const char *assignment, struct config_error *error)
{
    char section[64], name[64], place[PLACE_SIZE];
    const struct config_key *key;
    const char *equals = strchr(assignment, '=');
    const char *dot = strchr(assignment, '.');
    if (equals == NULL || dot == NULL || dot > equals)
        return fail(error, "--set %.64s: must be section.key=value", assignment);
    snprintf(section, sizeof section, "%.*s", (int)(dot - assignment), assignment);
    snprintf(name, sizeof name, "%.*s", (int)(equals - dot - 1), dot + 1);
    snprintf(place, sizeof place, "--set %s.%s", section, name);
    key = config_key_find(section, name);
    if (key != NULL && key->kind == CONFIG_SECRET && has_password(equals + 1))
        return fail(error,
            "%s: has a password, which every user of this machine could see; put it into the "
            "file or the environment",
            place);
    return set_value(config, place, section, name, equals + 1, &key, error);
}

static bool read_environment(struct config *config, struct config_error *error)
{
    static const char *const sources[][3] = {
        {"HOTSHELF_POSTGRES_DSN", "postgres", "dsn"}, {"HOTSHELF_REDIS_URL", "redis", "url"}};
    for (uint32_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        const struct config_key *key;
        const char *value = getenv(sources[i][0]);
        if (value != NULL &&
            !set_value(config, sources[i][0], sources[i][1], sources[i][2], value, &key, error))
            return false;
    }
    return true;
}

bool config_is_local(const struct config_address *address)
{
    return address->is_off || address->is_unix || strncmp(address->host, "127.", 4) == 0 ||
           strcmp(address->host, "::1") == 0;
}

bool config_check(const struct config *config, struct config_error *error)
{
    const struct capacity *capacity = &config->capacity;
    const struct policy *policy = &config->policy;
    if ((uint64_t)capacity->claims < (uint64_t)capacity->orders * PAYMENTS_PER_ORDER)
        return fail(error, "[capacity] claims must be at least %d times orders (%llu)",
            PAYMENTS_PER_ORDER, (unsigned long long)capacity->orders * PAYMENTS_PER_ORDER);
    if (policy->max_life_seconds < policy->hold_seconds)
        return fail(error, "[reservations] max_life_seconds must be at least hold_seconds (%u)",
            policy->hold_seconds);
    if (config->data.durability == DURABILITY_POSTGRES && config->postgres.dsn[0] == 0)
        return fail(error, "[data] durability = postgres needs [postgres] dsn");
    struct proxies proxies;
    char reason[REASON_SIZE];
    if (!proxies_parse(
            &proxies, bytes_of_string(config->server.trusted_proxies), reason, sizeof reason))
        return fail(error, "[server] trusted_proxies %s", reason);
    if (config->data.dir[0] == 0)
        return fail(error, "[data] dir must not be empty");
    if (config->server.http.is_off || config->server.admin.is_off)
        return fail(error, "[server] http and admin cannot be off; resp can");
    bool is_reachable =
        !config_is_local(&config->server.http) || !config_is_local(&config->server.resp);
    if (config->auth.mode == AUTH_HEADER && is_reachable && !config->auth.header_anywhere)
        return fail(error,
            "[auth] mode = header believes whoever connects: listen on loopback or a Unix socket, "
            "or set [auth] header_anywhere = yes");
    return true;
}

bool config_load(struct config *config, const char *path, const char *const *sets,
    uint32_t set_count, struct config_error *error)
{
    error->text[0] = 0;
    config_defaults(config);
    if (path != NULL && !read_file(config, path, error))
        return false;
    if (!read_environment(config, error))
        return false;
    for (uint32_t i = 0; i < set_count; i++)
        if (!config_set(config, sets[i], error))
            return false;
    if (config_check(config, error))
        return true;
    struct config_error said = *error;
    return path == NULL ? false : fail(error, "%s: %s", path, said.text);
}
