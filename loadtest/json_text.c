/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A byte that begins no valid UTF-8 character becomes U+FFFD, and the next one is looked at anew.
 */
#include "loadtest/json_text.h"

#include <stdbool.h>
#include <stddef.h>

/* How many bytes of a valid UTF-8 character start here; 0: it is none. */
static size_t character_size(const unsigned char *at)
{
    size_t size = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if (at[0] > 0xf4)
        return 0;
    for (size_t follower = 1; follower < size; follower++) {
        if ((at[follower] & 0xc0) != 0x80)
            return 0;
    }
    bool overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool surrogate = at[0] == 0xed && at[1] > 0x9f;
    bool beyond = at[0] == 0xf4 && at[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : size;
}

void json_text(FILE *file, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    fputc('"', file);
    while (*at != '\0') {
        size_t size = character_size(at);
        if (size == 0)
            fputs("\\ufffd", file);
        else if (*at == '"' || *at == '\\')
            fprintf(file, "\\%c", *at);
        else if (*at < 0x20 || *at == 0x7f)
            fprintf(file, "\\u%04x", *at);
        else
            fwrite(at, 1, size, file);
        at += size == 0 ? 1 : size;
    }
    fputc('"', file);
}
