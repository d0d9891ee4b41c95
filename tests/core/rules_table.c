/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/core/rules_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/check.h"

enum { FILE_SIZE_MAX = 1 << 20, PATH_MAX_SIZE = 1024 };

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    char *text = calloc(1, FILE_SIZE_MAX);
    CHECK(text != NULL);
    size_t size = fread(text, 1, FILE_SIZE_MAX - 1, file);
    CHECK(size < FILE_SIZE_MAX - 1);
    fclose(file);
    return text;
}

/* "# L2 A6: .." begins a scenario: ids of rules, then a colon. */
static const char *scenario_title(const char *line)
{
    if (line[0] != '#' || line[1] != ' ')
        return NULL;
    const char *at = line + 2;
    for (;;) {
        if (strchr("VALCKIPOQWTMS", *at) == NULL || *at == 0)
            return NULL;
        size_t digits = strspn(at + 1, "0123456789");
        if (digits == 0)
            return NULL;
        at += 1 + digits;
        if (at[0] == ':' && at[1] == ' ')
            return line + 2;
        if (*at++ != ' ')
            return NULL;
    }
}

/* Cuts a line into words; what stands behind "->" is the answer, behind " #" a remark. */
static void cut(struct table_line *line, char *words)
{
    char *rest = NULL;
    for (char *word = strtok_r(words, " \t", &rest); word != NULL;
         word = strtok_r(NULL, " \t", &rest)) {
        if (word[0] == '#')
            return;
        if (strcmp(word, "->") == 0) {
            line->has_answer = true;
            continue;
        }
        CHECK(line->word_count < LINE_WORDS_MAX);
        CHECK(line->answer_count < LINE_WORDS_MAX);
        if (line->has_answer)
            line->answer[line->answer_count++] = word;
        else
            line->words[line->word_count++] = word;
    }
}

static void add_line(struct rules_file *file, const struct table_line *line)
{
    if (file->scenario_count == 0) {
        CHECK(line->word_count == 0); /* a line before the first scenario */
        return;
    }
    if (line->word_count == 0)
        return;
    struct scenario *scenario = &file->scenarios[file->scenario_count - 1];
    size_t count = scenario->line_count + 1;
    scenario->lines = realloc(scenario->lines, count * sizeof(*scenario->lines));
    CHECK(scenario->lines != NULL);
    scenario->lines[scenario->line_count++] = *line;
}

static void add_scenario(struct rules_file *file, const char *title)
{
    size_t count = file->scenario_count + 1;
    file->scenarios = realloc(file->scenarios, count * sizeof(*file->scenarios));
    CHECK(file->scenarios != NULL);
    file->scenarios[file->scenario_count++] = (struct scenario){.file = file->name, .title = title};
}

struct rules_file rules_read(const char *directory, const char *name)
{
    char path[PATH_MAX_SIZE];
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    struct rules_file file = {
        .name = strdup(name), .text = read_file(path), .words = read_file(path)};
    char *line = file.text, *words = file.words;
    for (uint32_t number = 1; *line != 0; number++) {
        size_t size = strcspn(line, "\n");
        bool last = line[size] == 0;
        line[size] = words[size] = 0;
        const char *title = scenario_title(line);
        struct table_line read = {.file = file.name, .text = line, .number = number};
        cut(&read, words);
        if (title != NULL)
            add_scenario(&file, title);
        else
            add_line(&file, &read);
        if (last)
            break;
        line += size + 1;
        words += size + 1;
    }
    return file;
}

void rules_free(struct rules_file *file)
{
    for (uint32_t i = 0; i < file->scenario_count; i++)
        free(file->scenarios[i].lines);
    free(file->scenarios);
    free(file->text);
    free(file->words);
    free(file->name);
}

const char *line_word(struct table_line *line)
{
    for (uint32_t i = 0; i < line->word_count; i++) {
        if (!line->used[i]) {
            line->used[i] = true;
            return line->words[i];
        }
    }
    line_fail(line, "a word is missing");
}

bool line_has_more(const struct table_line *line)
{
    for (uint32_t i = 0; i < line->word_count; i++) {
        if (!line->used[i])
            return true;
    }
    return false;
}

const char *line_option(struct table_line *line, const char *name)
{
    for (uint32_t i = 0; i + 1 < line->word_count; i++) {
        if (!line->used[i] && !line->used[i + 1] && strcmp(line->words[i], name) == 0) {
            line->used[i] = line->used[i + 1] = true;
            return line->words[i + 1];
        }
    }
    return NULL;
}

bool line_flag(struct table_line *line, const char *name)
{
    for (uint32_t i = 0; i < line->word_count; i++) {
        if (!line->used[i] && strcmp(line->words[i], name) == 0)
            return line->used[i] = true;
    }
    return false;
}

void line_end(const struct table_line *line)
{
    for (uint32_t i = 0; i < line->word_count; i++) {
        if (!line->used[i])
            line_fail(line, "'%s' is not understood", line->words[i]);
    }
}

void line_fail(const struct table_line *line, const char *format, ...)
{
    char words[4096];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof(words), format, arguments);
    va_end(arguments);
    fail_msg("%s:%u: %s\n    %s", line->file, line->number, line->text, words);
    abort();
}

int64_t line_number(const struct table_line *line, const char *word)
{
    char *end;
    int64_t number = strtoll(word, &end, 10);
    if (end == word || *end != 0)
        line_fail(line, "'%s' is not a number", word);
    return number;
}

static bool unit_read(const char **at, int64_t *ms)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    for (uint32_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        size_t size = strlen(units[i].name);
        if (strncmp(*at, units[i].name, size) == 0) {
            *at += size;
            *ms = units[i].ms;
            return true;
        }
    }
    return false;
}

bool duration_read(const char *word, int64_t *ms)
{
    bool negative = word[0] == '-';
    const char *at = word[0] == '-' || word[0] == '+' ? word + 1 : word;
    int64_t total = 0;
    if (*at == 0)
        return false;
    while (*at != 0) {
        char *end;
        int64_t number = strtoll(at, &end, 10), unit;
        if (end == at || *at == '-' || *at == '+')
            return false;
        at = end;
        if (!unit_read(&at, &unit))
            return false;
        total += number * unit;
    }
    *ms = negative ? -total : total;
    return true;
}

int64_t line_duration(const struct table_line *line, const char *word)
{
    int64_t ms;
    if (!duration_read(word, &ms))
        line_fail(line, "'%s' is not a length of time", word);
    return ms;
}
