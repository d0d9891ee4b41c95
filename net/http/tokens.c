/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line that is not understood stops the start (or leaves the old tokens in force, on SIGHUP),
 * since a token that silently does not work is found out in the middle of a sale.
 */
#include "net/http/tokens.h"

#include <errno.h>
#include <stdio.h>

#include "core/check.h"
#include "net/http/hmac.h"
#include "net/http/key_file.h"

_Static_assert((int)TOKENS_DIGEST_SIZE <= SHA256_DIGEST_LENGTH, "a digest is a part of a sum");

enum { FILE_SIZE_MAX = TOKENS_MAX * 512 };

static bool is_printable(struct bytes text)
{
    for (uint32_t i = 0; i < text.size; i++) {
        if (text.data[i] < 0x20 || text.data[i] > 0x7e)
            return false;
    }
    return true;
}

static enum role role_of(struct bytes text)
{
    if (bytes_equal(text, BYTES("viewer")))
        return ROLE_VIEWER;
    if (bytes_equal(text, BYTES("operator")))
        return ROLE_OPERATOR;
    return ROLE_NONE;
}

/* Splits at the first ':'; false when there is none. */
static bool take_part(struct bytes *rest, struct bytes *part)
{
    const uint8_t *colon = rest->size > 0 ? memchr(rest->data, ':', rest->size) : NULL;
    if (colon == NULL)
        return false;
    *part = bytes_of(rest->data, (uint32_t)(colon - rest->data));
    rest->data = colon + 1;
    rest->size -= part->size + 1;
    return true;
}

/* NULL, or what is wrong with the line. Never shows the token. */
static const char *read_line(struct tokens *tokens, enum tokens_form form, struct bytes line)
{
    struct bytes name, role;
    enum role known = ROLE_SERVICE;
    if (!take_part(&line, &name))
        return form == TOKENS_OF_ADMINS ? "is not name:role:token" : "is not name:token";
    if (form == TOKENS_OF_ADMINS) {
        if (!take_part(&line, &role))
            return "is not name:role:token";
        known = role_of(role);
    }
    if (name.size == 0 || name.size > NAME_SIZE_MAX || !is_printable(name))
        return "has a name that is empty, too long or not printable ASCII";
    if (known == ROLE_NONE)
        return "has a role that is neither viewer nor operator";
    if (line.size < TOKENS_SIZE_MIN || line.size > TOKENS_SIZE_MAX)
        return "has a token that is not 16 to 255 bytes long";
    if (!is_printable(line))
        return "has a token that is not printable ASCII";
    if (tokens_find(tokens, line) != NULL)
        return "has the token of a line before it, which could be either's";
    if (tokens->count == TOKENS_MAX)
        return "is one more than the 64 tokens there is room for";
    struct token *token = &tokens->list[tokens->count++];
    *token = (struct token){
        .role = (uint8_t)known,
        .name_size = (uint8_t)name.size,
        .token_size = (uint8_t)line.size,
    };
    memcpy(token->name, name.data, name.size);
    memcpy(token->token, line.data, line.size);
    return NULL;
}

int tokens_read(struct tokens *tokens, enum tokens_form form, struct bytes file,
    const char *setting, char *error, uint32_t error_size)
{
    explicit_bzero(tokens, sizeof(*tokens));
    uint32_t number = 0;
    for (uint32_t start = 0; start < file.size;) {
        const uint8_t *end = memchr(file.data + start, '\n', file.size - start);
        uint32_t size = end == NULL ? file.size - start : (uint32_t)(end - file.data) - start;
        struct bytes line = bytes_of(file.data + start, size);
        start += size + 1;
        number++;
        if (line.size > 0 && line.data[line.size - 1] == '\r')
            line.size--;
        if (line.size == 0 || line.data[0] == '#')
            continue;
        const char *fault = read_line(tokens, form, line);
        if (fault != NULL) {
            snprintf(error, error_size, "%s: line %u %s", setting, number, fault);
            return -EINVAL;
        }
    }
    return 0;
}

int tokens_load(struct tokens *tokens, enum tokens_form form, const char *setting, const char *path,
    char *error, uint32_t error_size)
{
    *tokens = (struct tokens){.count = 0};
    if (path == NULL || path[0] == 0)
        return 0;
    uint8_t room[FILE_SIZE_MAX];
    struct key_file file = {
        .setting = setting, .path = path, .data = room, .size_max = sizeof(room)};
    int32_t size = key_file_read(&file, error, error_size);
    int result = size;
    if (size >= 0)
        result =
            tokens_read(tokens, form, bytes_of(room, (uint32_t)size), setting, error, error_size);
    explicit_bzero(room, sizeof(room));
    return result;
}

/* Looks at every byte of the room for a token, whatever they are. */
static bool token_equal(const struct token *token, const uint8_t *given, uint32_t size)
{
    uint32_t difference = token->token_size ^ size;
    for (uint32_t i = 0; i < TOKENS_SIZE_MAX; i++)
        difference |= (uint32_t)(token->token[i] ^ given[i]);
    return difference == 0;
}

const struct token *tokens_find(const struct tokens *tokens, struct bytes given)
{
    CHECK(tokens->count <= TOKENS_MAX);
    const struct token *found = NULL;
    uint8_t padded[TOKENS_SIZE_MAX] = {0};
    if (given.size <= TOKENS_SIZE_MAX)
        memcpy(padded, given.data, given.size);
    for (uint32_t i = 0; i < tokens->count; i++) {
        if (token_equal(&tokens->list[i], padded, given.size))
            found = &tokens->list[i];
    }
    explicit_bzero(padded, sizeof(padded));
    return found;
}

void tokens_digest(const struct token *token, uint8_t digest[TOKENS_DIGEST_SIZE])
{
    uint8_t sum[SHA256_DIGEST_LENGTH];
    SHA256_CTX state;
    SHA256_Init(&state);
    SHA256_Update(&state, token->token, token->token_size);
    SHA256_Final(sum, &state);
    memcpy(digest, sum, TOKENS_DIGEST_SIZE);
}

const struct token *tokens_find_digest(
    const struct tokens *tokens, const uint8_t digest[TOKENS_DIGEST_SIZE])
{
    uint8_t its[TOKENS_DIGEST_SIZE];
    for (uint32_t i = 0; i < tokens->count; i++) {
        tokens_digest(&tokens->list[i], its);
        if (hmac_equal(its, digest, TOKENS_DIGEST_SIZE))
            return &tokens->list[i];
    }
    return NULL;
}
