/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole file is read and parsed once; then everything is a look-up. A result of another format
 * is refused by name: figures that mean something else must not be set side by side.
 */
#include "loadtest/result_file.h"

#include "loadtest/plain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int complain(const struct result_file *file, const char *reason)
{
    fprintf(stderr, "hotshelf-loadtest: %s: %s\n", file->path, reason);
    return -1;
}

static int read_whole(struct result_file *file)
{
    FILE *stream = fopen(file->path, "r");
    if (stream == NULL)
        return complain(file, strerror(errno));
    file->text = malloc(RESULT_FILE_SIZE_MAX);
    if (file->text != NULL)
        file->size = fread(file->text, 1, RESULT_FILE_SIZE_MAX, stream);
    int reason = ferror(stream) ? errno : 0;
    fclose(stream);
    if (file->text == NULL)
        return complain(file, strerror(ENOMEM));
    if (reason != 0)
        return complain(file, strerror(reason));
    return file->size < RESULT_FILE_SIZE_MAX ? 0 : complain(file, "larger than any result");
}

static int check_format(const struct result_file *file)
{
    char format[RESULT_TEXT_SIZE];
    char reason[2 * RESULT_TEXT_SIZE];
    result_file_text(file, JSON_ROOT, "format", format);
    if (strcmp(format, RESULT_FORMAT) == 0)
        return 0;
    bool is_older = format[0] == '\0' &&
                    json_member(&file->json, JSON_ROOT, "orders_acknowledged") != JSON_NONE;
    if (is_older)
        snprintf(reason, sizeof reason,
            "a result of an earlier hotshelf-loadtest, without a format; this one compares "
            "\"%s\": run it again",
            RESULT_FORMAT);
    else
        snprintf(reason, sizeof reason,
            "not a result of hotshelf-loadtest: its format is %s%.64s%s"
            ", not \"%s\"",
            format[0] == '\0' ? "not told" : "\"", format, format[0] == '\0' ? "" : "\"",
            RESULT_FORMAT);
    return complain(file, reason);
}

int result_file_open(struct result_file *file, const char *path)
{
    *file = (struct result_file){.path = path};
    if (read_whole(file) < 0)
        return -1;
    if (json_open(&file->json) < 0)
        return complain(file, strerror(ENOMEM));
    if (!json_parse(&file->json, file->text, file->size))
        return complain(file, "not a JSON file, or cut short");
    return check_format(file);
}

void result_file_close(struct result_file *file)
{
    free(file->text);
    json_close(&file->json);
}

double result_file_number(const struct result_file *file, int object, const char *name)
{
    double number;
    if (!json_number(&file->json, json_member(&file->json, object, name), &number) || number < 0)
        return RESULT_NONE;
    return number;
}

void result_file_text(
    const struct result_file *file, int object, const char *name, char text[RESULT_TEXT_SIZE])
{
    int value = json_member(&file->json, object, name);
    size_t size = 0;
    if (json_string(&file->json, value, text, RESULT_TEXT_SIZE)) {
        plain_text(text);
        return;
    }
    /* A number or a word; or a string that is longer, or has escapes that are not undone. */
    const char *raw = json_raw(&file->json, value, &size);
    size = size < RESULT_TEXT_SIZE ? size : RESULT_TEXT_SIZE - 1;
    if (raw != NULL)
        memcpy(text, raw, size);
    text[size] = '\0';
    plain_text(text);
}
