/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A comparison as a table for people and as JSON for programs and its page.
 */
#include "loadtest/comparison.h"
#include "loadtest/json_text.h"

#include <string.h>

static void print_value(FILE *file, double value)
{
    if (value < 0)
        fprintf(file, " %14s", "-");
    else if (value == (double)(uint64_t)value || value >= 1000)
        fprintf(file, " %14.0f", value);
    else
        fprintf(file, " %14.2f", value);
}

static void print_figures(FILE *file, const struct comparison *comparison)
{
    fprintf(file, "%-28s %14s %14s %8s\n", "", "A", "B", "B / A");
    for (uint32_t at = 0; at < comparison->figure_count; at++) {
        const struct comparison_figure *figure = &comparison->figure[at];
        char name[COMPARISON_NAME_SIZE + 16];
        snprintf(name, sizeof name, "%s%s%s%s", figure->name, figure->unit[0] == '\0' ? "" : " (",
            figure->unit, figure->unit[0] == '\0' ? "" : ")");
        fprintf(file, "%-28s", name);
        print_value(file, figure->value[0]);
        print_value(file, figure->value[1]);
        if (figure->ratio < 0)
            fprintf(file, " %8s\n", "-");
        else
            fprintf(file, " %8.2f%s%s\n", figure->ratio, figure->judged[0] == '\0' ? "" : "  ",
                figure->judged);
    }
}

static void print_verdict(FILE *file, const struct result_file *run, const char *letter)
{
    char says[RESULT_TEXT_SIZE];
    bool correct = false;
    int verdict = json_member(&run->json, JSON_ROOT, "verdict");
    json_boolean(&run->json, json_member(&run->json, verdict, "correct"), &correct);
    result_file_text(run, verdict, "says", says);
    fprintf(file, "%s %s: %s\n", letter, correct ? "correct" : "NOT CORRECT", says);
}

void comparison_text(FILE *file, const struct comparison *comparison)
{
    for (int side = 0; side < 2; side++)
        fprintf(file, "%s = %s\n", side == 0 ? "A" : "B", comparison->file[side]->path);
    print_verdict(file, comparison->file[0], "A");
    print_verdict(file, comparison->file[1], "B");
    for (uint32_t at = 0; at < comparison->warning_count; at++)
        fprintf(file, "WARNING: %s\n", comparison->warning[at]);
    fputc('\n', file);
    print_figures(file, comparison);
    if (comparison->setting_count == 0)
        fputs("\nboth ran with the same settings\n", file);
    for (uint32_t at = 0; at < comparison->setting_count; at++) {
        const struct comparison_setting *setting = &comparison->setting[at];
        fprintf(file, "%s%-28s %14s %14s\n", at == 0 ? "\nsettings that differ\n" : "",
            setting->name, setting->value[0], setting->value[1]);
    }
}

static void write_number(FILE *file, double value)
{
    if (value < 0)
        fputs("null", file);
    else
        fprintf(file, "%.10g", value);
}

static void write_figures(FILE *file, const struct comparison *comparison)
{
    static const char *const aim[] = {
        [COMPARISON_NEITHER] = "neither",
        [COMPARISON_HIGHER] = "higher",
        [COMPARISON_LOWER] = "lower",
    };
    fputs("  \"rows\": [", file);
    for (uint32_t at = 0; at < comparison->figure_count; at++) {
        const struct comparison_figure *figure = &comparison->figure[at];
        fputs(at == 0 ? "\n    {\"figure\": " : ",\n    {\"figure\": ", file);
        json_text(file, figure->name);
        fprintf(file, ", \"unit\": \"%s\", \"better\": \"%s\", \"a\": ", figure->unit,
            aim[figure->better]);
        write_number(file, figure->value[0]);
        fputs(", \"b\": ", file);
        write_number(file, figure->value[1]);
        fputs(", \"ratio\": ", file);
        write_number(file, figure->ratio);
        fprintf(file, ", \"judged\": \"%s\"}", figure->judged);
    }
    fputs("\n  ],\n", file);
}

static void write_settings(FILE *file, const struct comparison *comparison)
{
    fputs("  \"settings\": [", file);
    for (uint32_t at = 0; at < comparison->setting_count; at++) {
        const struct comparison_setting *setting = &comparison->setting[at];
        fputs(at == 0 ? "{\"name\": " : ", {\"name\": ", file);
        json_text(file, setting->name);
        fputs(", \"a\": ", file);
        json_text(file, setting->value[0]);
        fputs(", \"b\": ", file);
        json_text(file, setting->value[1]);
        fputc('}', file);
    }
    fputs("],\n", file);
}

static void write_run(FILE *file, const char *name, const struct result_file *run)
{
    fprintf(file, "  \"%s\": {\"file\": ", name);
    json_text(file, run->path);
    fputs(", \"result\": ", file);
    fwrite(run->text, 1, run->size, file);
    fputc('}', file);
}

void comparison_json(FILE *file, const struct comparison *comparison)
{
    fprintf(file, "{\n  \"format\": \"%s\",\n", COMPARISON_FORMAT);
    fprintf(
        file, "  \"same_load\": %s,\n  \"warnings\": [", comparison->same_load ? "true" : "false");
    for (uint32_t at = 0; at < comparison->warning_count; at++) {
        fputs(at == 0 ? "" : ", ", file);
        json_text(file, comparison->warning[at]);
    }
    fputs("],\n", file);
    write_figures(file, comparison);
    write_settings(file, comparison);
    write_run(file, "a", comparison->file[0]);
    fputs(",\n", file);
    write_run(file, "b", comparison->file[1]);
    fputs("\n}\n", file);
}
