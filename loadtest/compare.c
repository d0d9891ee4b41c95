/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two files in, a table on stdout, the rest into the files that were asked for.
 */
#include "loadtest/compare.h"

#include "loadtest/comparison.h"
#include "loadtest/result_check.h"
#include "loadtest/same_file.h"
#include "page/page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum compare_status { COMPARE_DONE = 0, COMPARE_FAILED = 1, COMPARE_USAGE = 2 };

struct request_to_compare {
    const char *path[2];
    int path_count;
    const char *json_path;
    const char *html_path;
};

void compare_usage(FILE *out)
{
    fputs("usage: hotshelf-loadtest compare A.json B.json [--json FILE] [--html FILE]\n\n"
          "Sets two results (--json of replay or run) side by side: every headline figure with\n"
          "its ratio B / A, what differs in how they were run, why figures may not compare.\n",
        out);
}

static enum compare_status complain(
    const char *name, const char *reason, enum compare_status status)
{
    fprintf(stderr, "hotshelf-loadtest: %s: %s\n", name, reason);
    return status;
}

/* --name VALUE or --name=VALUE; NULL: it is not this option, "": it has no value. */
static const char *value_of(const char *name, int argc, char **argv, int *at)
{
    size_t size = strlen(name);
    if (strncmp(argv[*at], name, size) != 0)
        return NULL;
    if (argv[*at][size] == '=')
        return argv[*at] + size + 1;
    if (argv[*at][size] != '\0')
        return NULL;
    return *at + 1 < argc ? argv[++*at] : "";
}

/* A and B may be one. */
static enum compare_status check_apart(const struct request_to_compare *asked)
{
    const char *json = asked->json_path;
    const char *html = asked->html_path;
    bool is_over = same_file(json, html);
    for (int at = 0; at < 2; at++)
        is_over = is_over || same_file(json, asked->path[at]) || same_file(html, asked->path[at]);
    return is_over
               ? complain("compare", "a file would be written over another of these", COMPARE_USAGE)
               : COMPARE_DONE;
}

static enum compare_status parse(struct request_to_compare *asked, int argc, char **argv)
{
    for (int at = 0; at < argc; at++) {
        const char *word = argv[at];
        const char *json = value_of("--json", argc, argv, &at);
        const char *html = json == NULL ? value_of("--html", argc, argv, &at) : NULL;
        if ((json != NULL && json[0] == '\0') || (html != NULL && html[0] == '\0'))
            return complain(word, "a value is missing", COMPARE_USAGE);
        if (json != NULL)
            asked->json_path = json;
        else if (html != NULL)
            asked->html_path = html;
        else if (strncmp(word, "--", 2) == 0)
            return complain(word, "no such option", COMPARE_USAGE);
        else if (asked->path_count == 2)
            return complain(word, "two results only", COMPARE_USAGE);
        else
            asked->path[asked->path_count++] = word;
    }
    if (asked->path_count == 2)
        return check_apart(asked);
    complain("compare", "which two results?", COMPARE_USAGE);
    compare_usage(stderr);
    return COMPARE_USAGE;
}

/* The JSON in memory; the caller frees it. NULL: no memory. */
static char *make_json(const struct comparison *comparison, size_t *size)
{
    char *json = NULL;
    FILE *memory = open_memstream(&json, size);
    if (memory == NULL)
        return NULL;
    comparison_json(memory, comparison);
    return fclose(memory) == 0 ? json : NULL;
}

static int write_json(const char *path, const char *json, size_t size)
{
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return -errno;
    bool whole = fwrite(json, 1, size, file) == size;
    return fclose(file) == 0 && whole ? 0 : -errno;
}

static enum compare_status write_files(
    const struct comparison *comparison, const struct request_to_compare *asked)
{
    size_t size = 0;
    char *json = make_json(comparison, &size);
    if (json == NULL)
        return complain("compare", strerror(ENOMEM), COMPARE_FAILED);
    struct page page = {
        .kind = PAGE_COMPARE,
        .title = "two runs side by side, hotshelf load test",
        .description = "Two results of hotshelf-loadtest: figures, ratios, plots and verdicts.",
        .json = json,
        .json_size = size,
    };
    enum compare_status status = COMPARE_DONE;
    int outcome = asked->json_path == NULL ? 0 : write_json(asked->json_path, json, size);
    if (outcome < 0)
        status = complain(asked->json_path, strerror(-outcome), COMPARE_FAILED);
    outcome = asked->html_path == NULL ? 0 : page_write_file(asked->html_path, &page);
    if (outcome < 0)
        status = complain(asked->html_path, strerror(-outcome), COMPARE_FAILED);
    free(json);
    return status;
}

static enum compare_status compare(const struct result_file *a, const struct result_file *b,
    const struct request_to_compare *asked)
{
    struct comparison *comparison = malloc(sizeof *comparison);
    if (comparison == NULL)
        return complain("compare", strerror(ENOMEM), COMPARE_FAILED);
    comparison_of(comparison, a, b);
    comparison_text(stdout, comparison);
    enum compare_status status = write_files(comparison, asked);
    free(comparison);
    return status;
}

int compare_main(int argc, char **argv)
{
    struct request_to_compare asked = {0};
    enum compare_status status = parse(&asked, argc, argv);
    if (status != COMPARE_DONE)
        return (int)status;
    struct result_file a = {0};
    struct result_file b = {0};
    status = COMPARE_FAILED;
    if (result_file_open(&a, asked.path[0]) == 0 && result_file_open(&b, asked.path[1]) == 0 &&
        result_check(&a) == 0 && result_check(&b) == 0)
        status = compare(&a, &b, &asked);
    result_file_close(&a);
    result_file_close(&b);
    return (int)status;
}
