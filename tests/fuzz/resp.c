/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of the Redis protocol under libFuzzer. The first byte says how large the pieces are in
 * which the rest arrives, each prefix from a heap copy of its own size: what was read, and why it
 * ended, must not depend on it. */
#include <stdlib.h>

#include "core/check.h"
#include "net/resp/parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZE_MAX_OF_COMMAND = 1024 };

struct digest {
    uint64_t hash;
    uint32_t commands;
};

static void digest_bytes(struct digest *digest, struct bytes bytes)
{
    for (uint32_t i = 0; i < bytes.size; i++)
        digest->hash = (digest->hash ^ bytes.data[i]) * 1099511628211U;
    digest->hash = (digest->hash ^ 0x100) * 1099511628211U;
}

static enum resp_answer parse_copy(
    struct bytes input, uint8_t *room, struct resp_request *request, struct digest *digest)
{
    uint8_t *copy = malloc(input.size);
    CHECK(copy != NULL);
    memcpy(copy, input.data, input.size);
    enum resp_answer answer =
        resp_parse(bytes_of(copy, input.size), SIZE_MAX_OF_COMMAND, room, request);
    if (answer == RESP_REQUEST) {
        CHECK(request->count > 0);
        for (uint32_t i = 0; i < request->count; i++)
            digest_bytes(digest, request->arguments[i]);
    }
    if (answer == RESP_REFUSED)
        digest_bytes(digest, bytes_of_string(request->reason));
    free(copy);
    return answer;
}

static struct digest read_in_pieces(struct bytes text, uint32_t piece_size)
{
    static struct resp_request request;
    static uint8_t room[RESP_INLINE_SIZE_MAX];
    struct digest digest = {.hash = 14695981039346656037U};
    uint32_t start = 0, seen = 0;
    for (;;) {
        enum resp_answer answer = RESP_INCOMPLETE;
        if (seen > start)
            answer = parse_copy(bytes_of(text.data + start, seen - start), room, &request, &digest);
        if (answer == RESP_REFUSED)
            return digest;
        if (answer == RESP_INCOMPLETE) {
            if (seen > start && request.needed > 0)
                CHECK(request.needed > seen - start);
            if (seen == text.size)
                return digest;
            seen = text.size - seen < piece_size ? text.size : seen + piece_size;
            continue;
        }
        CHECK(request.consumed > 0);
        CHECK(request.consumed <= seen - start);
        CHECK(request.consumed <= SIZE_MAX_OF_COMMAND);
        start += request.consumed;
        digest.commands += answer == RESP_REQUEST;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 8192)
        return 0;
    struct bytes text = bytes_of(data + 1, (uint32_t)size - 1);
    struct digest whole = read_in_pieces(text, text.size + 1);
    struct digest pieces = read_in_pieces(text, 1 + data[0] % 16);
    CHECK(whole.commands == pieces.commands);
    CHECK(whole.hash == pieces.hash);
    return 0;
}
