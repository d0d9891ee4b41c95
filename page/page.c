/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the constant parts stand three texts of others. Title and description are escaped as HTML
 * text. In JSON a '<' stands only inside strings, where \u003c is the same character: so no text of
 * the result can end its script element or begin a comment, and it stays the same JSON.
 */
#include "page/page.h"

#include "page/parts.h"

#include <errno.h>
#include <string.h>

static void put(FILE *file, const char *text, size_t size)
{
    fwrite(text, 1, size, file);
}

static void put_html(FILE *file, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        switch (*at) {
        case '<':
            fputs("&lt;", file);
            break;
        case '>':
            fputs("&gt;", file);
            break;
        case '&':
            fputs("&amp;", file);
            break;
        case '"':
            fputs("&quot;", file);
            break;
        default:
            fputc(*at, file);
        }
    }
}

static void put_json(FILE *file, const char *json, size_t size)
{
    const char *end = json + size;
    while (json < end) {
        const char *angle = memchr(json, '<', (size_t)(end - json));
        put(file, json, (size_t)((angle == NULL ? end : angle) - json));
        if (angle == NULL)
            return;
        fputs("\\u003c", file);
        json = angle + 1;
    }
}

int page_write(FILE *file, const struct page *page)
{
    const struct part *part = parts_of(page->kind);
    errno = 0;
    put(file, part[0].text, part[0].size);
    put_html(file, page->title);
    put(file, part[1].text, part[1].size);
    put_html(file, page->description);
    put(file, part[2].text, part[2].size);
    put_json(file, page->json, page->json_size);
    put(file, part[3].text, part[3].size);
    fflush(file);
    if (!ferror(file))
        return 0;
    return errno != 0 ? -errno : -EIO;
}

int page_write_file(const char *path, const struct page *page)
{
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return -errno;
    int outcome = page_write(file, page);
    if (fclose(file) != 0 && outcome == 0)
        outcome = -errno;
    return outcome;
}
