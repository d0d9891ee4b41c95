/* SPDX-License-Identifier: Apache-2.0 */
#include "loadtest/document.h"

_Static_assert(DOCUMENT_ROOT == JSON_ROOT && DOCUMENT_NONE == JSON_NONE, "one numbering");
_Static_assert(DOCUMENT_ROOT == RESP_ROOT && DOCUMENT_NONE == RESP_NONE, "one numbering");

int document_member(const struct document *document, int object, const char *name)
{
    return document->json != NULL ? json_member(document->json, object, name)
                                  : resp_member(document->resp, object, name);
}

int document_first(const struct document *document, int array)
{
    return document->json != NULL ? json_first(document->json, array)
                                  : resp_first(document->resp, array);
}

int document_next(const struct document *document, int array, int element)
{
    return document->json != NULL ? json_next(document->json, array, element)
                                  : resp_next(document->resp, array, element);
}

bool document_integer(const struct document *document, int value, int64_t *number)
{
    return document->json != NULL ? json_integer(document->json, value, number)
                                  : resp_integer(document->resp, value, number);
}

bool document_text(const struct document *document, int value, char *text, size_t capacity)
{
    bool found = document->json != NULL ? json_string(document->json, value, text, capacity)
                                        : resp_text(document->resp, value, text, capacity);
    if (!found)
        text[0] = '\0';
    return found;
}
