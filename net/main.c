/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotshelf VERB [-c FILE] [--set section.key=value]...: one table of verbs, one reader of
 * arguments. Exit 0 success, 1 failure, 2 usage. A verb that is planned and not built yet is
 * refused with a sentence and does not stand in --help.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/admin_verbs.h"
#include "net/check.h"
#include "net/import_verb.h"
#include "net/nearest.h"
#include "net/plan.h"
#include "net/rebuild_verb.h"
#include "net/salvage_verb.h"
#include "net/serve.h"
#include "persist/audit.h"
#include "persist/journal_print.h"
#include "persist/journal_verify.h"
#include "persist/journal_visit.h"
#include "persist/orders_print.h"

enum { SETS_MAX = 128, WORDS_MAX = 128, USAGE = 2 };

struct invocation {
    const char *config_path;
    const char *sets[SETS_MAX];
    uint32_t set_count;
    const char *words[WORDS_MAX]; /* what the verb itself reads */
    uint32_t word_count;
    struct config config;
};

struct verb {
    const char *name;
    int (*run)(struct invocation *invocation);
    const char *arguments;
    const char *help;
};

static int usage(const char *verb, const char *problem, const char *word)
{
    fprintf(stderr, "hotshelf %s: %s%s%s\n", verb, problem, word[0] == '\0' ? "" : " ", word);
    fprintf(stderr, "Try: hotshelf --help\n");
    return USAGE;
}

static int no_words(const struct invocation *invocation, const char *verb)
{
    if (invocation->word_count == 0)
        return 0;
    return usage(verb, "does not know the argument", invocation->words[0]);
}

static int run_serve(struct invocation *invocation)
{
    int status = no_words(invocation, "serve");
    return status != 0 ? status : serve(&invocation->config);
}

static int run_plan(struct invocation *invocation)
{
    bool json = invocation->word_count == 1 && strcmp(invocation->words[0], "--json") == 0;
    if (!json && invocation->word_count > 0)
        return no_words(invocation, "plan");
    return plan(&invocation->config, json, stdout);
}

static int run_check(struct invocation *invocation)
{
    int status = no_words(invocation, "check");
    return status != 0 ? status : check(&invocation->config, stdout);
}

static int run_import(struct invocation *invocation)
{
    const char *file = NULL;
    bool dry_run = false;
    for (uint32_t i = 0; i < invocation->word_count; i++) {
        const char *word = invocation->words[i];
        if (strcmp(word, "--dry-run") == 0)
            dry_run = true;
        else if (word[0] == '-' || file != NULL)
            return usage("import", "does not know the argument", word);
        else
            file = word;
    }
    if (file == NULL)
        return usage("import", "needs a file: hotshelf import FILE.csv", "");
    return import_file(&invocation->config, file, dry_run, stdout);
}

static int run_orders(struct invocation *invocation)
{
    struct orders_position from[SHARDS_MAX];
    uint32_t count = 0;
    bool follow = false;
    for (uint32_t i = 0; i < invocation->word_count; i++) {
        const char *word = invocation->words[i];
        if (strcmp(word, "--follow") == 0) {
            follow = true;
            continue;
        }
        if (strcmp(word, "--from") != 0)
            return usage("orders", "does not know the argument", word);
        if (++i == invocation->word_count || count == SHARDS_MAX)
            return usage("orders", "--from needs a position NODE/SHARD/SEQ", "");
        if (!orders_position_parse(invocation->words[i], &from[count++]))
            return usage("orders", "--from takes NODE/SHARD/SEQ, not", invocation->words[i]);
    }
    return orders_print(invocation->config.data.dir, follow, from, count, stdout);
}

static int run_audit(struct invocation *invocation)
{
    if (invocation->word_count > 1)
        return usage("audit", "takes one directory, not also", invocation->words[1]);
    const struct config *config = &invocation->config;
    const char *dir = invocation->word_count == 1 ? invocation->words[0] : config->data.dir;
    const char *dsn = config->postgres.dsn[0] == '\0' ? NULL : config->postgres.dsn;
    return audit_run(dir, dsn, stdout);
}

/* The number in a word of an option; false for anything else. */
static bool read_number(const char *word, uint64_t max, uint64_t *number)
{
    *number = 0;
    for (const char *digit = word; *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '9' || *number > (max - (uint64_t)(*digit - '0')) / 10)
            return false;
        *number = *number * 10 + (uint64_t)(*digit - '0');
    }
    return word[0] != '\0';
}

static int run_journal_dump(struct invocation *invocation)
{
    uint64_t shard = VISIT_EVERY_SHARD, from = 0;
    for (uint32_t i = 1; i < invocation->word_count; i++) {
        const char *word = invocation->words[i];
        bool is_shard = strcmp(word, "--shard") == 0;
        if (!is_shard && strcmp(word, "--from") != 0)
            return usage("journal dump", "does not know the argument", word);
        if (++i == invocation->word_count)
            return usage("journal dump", "needs a number after", word);
        word = invocation->words[i];
        if (!read_number(word, is_shard ? SHARDS_MAX - 1 : INT64_MAX, is_shard ? &shard : &from))
            return usage("journal dump",
                is_shard ? "--shard takes a shard's number, not"
                         : "--from takes a batch number, not",
                word);
    }
    return journal_print(invocation->config.data.dir, (uint32_t)shard, from, stdout);
}

static int run_journal(struct invocation *invocation)
{
    const char *word = invocation->word_count == 0 ? "" : invocation->words[0];
    if (strcmp(word, "dump") == 0)
        return run_journal_dump(invocation);
    if (strcmp(word, "verify") != 0)
        return usage("journal",
            word[0] == '\0' ? "takes verify or dump" : "takes verify or dump, not", word);
    if (invocation->word_count > 1)
        return usage("journal verify", "does not know the argument", invocation->words[1]);
    return journal_verify(invocation->config.data.dir, isatty(STDERR_FILENO) == 1, stdout);
}

static int run_recover(struct invocation *invocation)
{
    bool yes = false, salvage = false, rebuild = false;
    for (uint32_t i = 0; i < invocation->word_count; i++) {
        const char *word = invocation->words[i];
        if (strcmp(word, "--salvage") == 0)
            salvage = true;
        else if (strcmp(word, "--yes") == 0)
            yes = true;
        else if (strcmp(word, "--from-postgres") == 0)
            rebuild = true;
        else
            return usage("recover", "does not know the argument", word);
    }
    if (salvage == rebuild)
        return usage("recover", "takes --salvage or --from-postgres", "");
    if (rebuild)
        return rebuild_directory(&invocation->config, yes, stdout);
    return salvage_journal(&invocation->config, yes, stdout);
}

static int run_switch(struct invocation *invocation, const char *action)
{
    if (invocation->word_count > 1)
        return usage(action, "takes one scope, not also", invocation->words[1]);
    const char *scope = invocation->word_count == 1 ? invocation->words[0] : "all";
    return admin_switch(&invocation->config, action, scope, stdout);
}

static int run_pause(struct invocation *invocation)
{
    return run_switch(invocation, "pause");
}

static int run_freeze(struct invocation *invocation)
{
    return run_switch(invocation, "freeze");
}

static int run_kill(struct invocation *invocation)
{
    return run_switch(invocation, "kill");
}

static int run_resume(struct invocation *invocation)
{
    return run_switch(invocation, "resume");
}

static int run_stock(struct invocation *invocation)
{
    long long delta;
    char rest;
    if (invocation->word_count != 2)
        return usage("stock", "takes a SKU and a change: hotshelf stock SKU +N", "");
    const char *word = invocation->words[1];
    bool is_signed = word[0] == '+' || word[0] == '-';
    if (!is_signed || word[1] < '0' || word[1] > '9' ||
        sscanf(word, "%12lld%c", &delta, &rest) != 1)
        return usage("stock", "takes a change such as +5 or -5, not", word);
    return admin_stock(&invocation->config, invocation->words[0], delta, stdout);
}

static int run_price(struct invocation *invocation)
{
    if (invocation->word_count != 2)
        return usage("price", "takes a SKU and a price: hotshelf price SKU 45.00", "");
    return admin_price(&invocation->config, invocation->words[0], invocation->words[1], stdout);
}

static const struct verb verbs[] = {
    {"serve", run_serve, "", "the server"},
    {"plan", run_plan, "[--json]",
        "the bytes of every table, memory and disk, before any is taken"},
    {"check", run_check, "", "what this machine and configuration lack, and how to mend it"},
    {"import", run_import, "FILE.csv [--dry-run]", "products, through the admin listener"},
    {"orders", run_orders, "[--follow] [--from NODE/SHARD/SEQ]...", "order events as JSON lines"},
    {"audit", run_audit, "[DIR]", "proves from the journal that nothing was oversold or lost"},
    {"journal", run_journal, "verify | dump [--shard N] [--from BATCH]",
        "proves that every byte of it is whole; shows its records as JSON lines"},
    {"recover", run_recover, "--salvage|--from-postgres [--yes]",
        "gets a damaged journal back to work; makes a lost one anew from PostgreSQL"},
    {"pause", run_pause, "[SCOPE]", "no new holds; SCOPE is all, sale:NAME or sku:SKU"},
    {"freeze", run_freeze, "[all]", "a pause in which every hold's clock stands still"},
    {"kill", run_kill, "[SCOPE]", "a pause that ends every hold and unpaid order of the scope"},
    {"resume", run_resume, "[SCOPE]", "lifts what was set on exactly this scope"},
    {"stock", run_stock, "SKU +N", "more units of a SKU, or with -N fewer"},
    {"price", run_price, "SKU 45.00", "another price, in the product's own currency"},
};

enum { VERB_COUNT = sizeof verbs / sizeof *verbs };

static const char *const later_verbs[] = {"token", "top"};

static void tell_range(const struct config_key *key)
{
    switch (key->kind) {
    case CONFIG_COUNT:
    case CONFIG_NUMBER:
    case CONFIG_BYTES:
        printf(" (%s%llu to %llu%s%s)", key->kind == CONFIG_COUNT ? "auto or " : "",
            (unsigned long long)key->min, (unsigned long long)key->max,
            key->unit[0] == '\0' ? "" : " ", key->unit);
        break;
    case CONFIG_BOOLEAN:
        printf(" (yes or no)");
        break;
    case CONFIG_CHOICE:
        for (uint32_t i = 0; i < CONFIG_CHOICES_MAX && key->choices[i] != NULL; i++)
            printf("%s%s", i == 0 ? " (" : ", ", key->choices[i]);
        printf(")");
        break;
    case CONFIG_TEXT:
    case CONFIG_SECRET:
    case CONFIG_ADDRESS:
        break;
    }
}

static void tell_settings(void)
{
    struct config config;
    config_defaults(&config);
    for (uint32_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        char value[CONFIG_TEXT_SIZE], setting[2 * CONFIG_TEXT_SIZE];
        config_format_value(&config, key, value, sizeof value);
        snprintf(setting, sizeof setting, "%s.%s = %s", key->section, key->name, value);
        printf("  %-41s %s", setting, key->help);
        tell_range(key);
        printf("\n");
    }
}

static int help(void)
{
    printf("hotshelf: the hot shelf in front of a store\n\n"
           "hotshelf VERB [-c FILE] [--set section.key=value]...\n\n");
    for (uint32_t i = 0; i < VERB_COUNT; i++) {
        char call[80];
        snprintf(call, sizeof call, "%s %s", verbs[i].name, verbs[i].arguments);
        printf("  %-51s %s\n", call, verbs[i].help);
    }
    printf("\n  --help, --version\n\nExit status: 0 success, 1 failure, 2 usage.\n\n"
           "Settings with their defaults; in the file [section], then key = value\n\n");
    tell_settings();
    return 0;
}

static const struct verb *find_verb(const char *name)
{
    for (uint32_t i = 0; i < VERB_COUNT; i++) {
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    }
    return NULL;
}

static int unknown_verb(const char *name)
{
    struct nearest nearest = nearest_to(bytes_of_string(name));
    for (uint32_t i = 0; i < sizeof later_verbs / sizeof *later_verbs; i++) {
        if (strcmp(later_verbs[i], name) == 0)
            return usage(name, "is not built yet", "");
    }
    for (uint32_t i = 0; i < VERB_COUNT; i++)
        nearest_offer(&nearest, verbs[i].name);
    const char *near = nearest_name(&nearest);
    fprintf(stderr, "hotshelf: there is no verb %s%s%s%s\nTry: hotshelf --help\n", name,
        near == NULL ? "" : "; did you mean ", near == NULL ? "" : near, near == NULL ? "" : "?");
    return USAGE;
}

/* The value of an option in this or the next word; *at moves over what was read. */
static const char *option_value(char **words, int count, int *at, const char *name)
{
    size_t size = strlen(name);
    if (strncmp(words[*at], name, size) == 0 && words[*at][size] == '=')
        return words[*at] + size + 1;
    return *at + 1 < count ? words[++*at] : NULL;
}

static bool is_option(const char *word, const char *name)
{
    size_t size = strlen(name);
    return strncmp(word, name, size) == 0 && (word[size] == '\0' || word[size] == '=');
}

/* By its form: section.key=value. It is not shown when it has another: a password may be in it. */
static bool is_setting(const char *text)
{
    size_t name = strcspn(text, "=");
    return text[name] == '=' && memchr(text, '.', name) != NULL;
}

/* 0, or the exit status of a wrong call. */
static int read_words(struct invocation *invocation, const char *verb, char **words, int count)
{
    for (int i = 0; i < count; i++) {
        if (is_option(words[i], "-c")) {
            invocation->config_path = option_value(words, count, &i, "-c");
            if (invocation->config_path == NULL)
                return usage(verb, "-c needs a file", "");
        } else if (is_option(words[i], "--set")) {
            const char *set = option_value(words, count, &i, "--set");
            if (set == NULL || !is_setting(set) || invocation->set_count == SETS_MAX)
                return usage(verb, "--set needs section.key=value", "");
            invocation->sets[invocation->set_count++] = set;
        } else if (invocation->word_count < WORDS_MAX) {
            invocation->words[invocation->word_count++] = words[i];
        } else {
            return usage(verb, "has too many arguments", "");
        }
    }
    return 0;
}

static bool asks_for_help(int count, char **words)
{
    for (int i = 1; i < count; i++) {
        if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0)
            return true;
    }
    return false;
}

static int run_verb(const struct verb *verb, int count, char **words)
{
    struct invocation *invocation = calloc(1, sizeof *invocation);
    if (invocation == NULL)
        return 1;
    struct config_error error;
    int status = read_words(invocation, verb->name, words, count);
    if (status == 0 && !config_load(&invocation->config, invocation->config_path, invocation->sets,
                           invocation->set_count, &error)) {
        fprintf(stderr, "hotshelf: %s\n", error.text);
        status = 1;
    }
    if (status == 0)
        status = verb->run(invocation);
    free(invocation);
    return status;
}

int main(int count, char **words)
{
    if (asks_for_help(count, words))
        return help();
    if (count == 2 && strcmp(words[1], "--version") == 0) {
        printf("hotshelf %s\n", HOTSHELF_VERSION);
        return 0;
    }
    if (count < 2) {
        help();
        return USAGE;
    }
    const struct verb *verb = find_verb(words[1]);
    if (verb == NULL)
        return unknown_verb(words[1]);
    return run_verb(verb, count - 2, words + 2);
}
