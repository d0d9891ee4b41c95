/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of tokens is read once, at start; a line that is not understood stops the start, since a
 * token that silently does not work is found out in the middle of a sale.
 */
#include "net/http/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "core/check.h"

enum { FILE_SIZE_MAX = IDENTITY_TOKENS_MAX * 512 };

static bool is_printable(struct bytes text)
{
    for (uint32_t i = 0; i < text.size; i++) {
        if (text.data[i] < 0x20 || text.data[i] > 0x7e)
            return false;
    }
    return true;
}

bool identity_customer_is_valid(struct bytes customer)
{
    return customer.size >= 1 && customer.size <= CUSTOMER_SIZE_MAX && is_printable(customer);
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
static const char *read_line(struct identity *identity, struct bytes line)
{
    struct bytes name, role;
    if (!take_part(&line, &name) || !take_part(&line, &role))
        return "is not name:role:token";
    if (name.size == 0 || name.size > NAME_SIZE_MAX || !is_printable(name))
        return "has a name that is empty, too long or not printable ASCII";
    if (role_of(role) == ROLE_NONE)
        return "has a role that is neither viewer nor operator";
    if (line.size < IDENTITY_TOKEN_SIZE_MIN || line.size > IDENTITY_TOKEN_SIZE_MAX)
        return "has a token that is not 16 to 255 bytes long";
    if (!is_printable(line))
        return "has a token that is not printable ASCII";
    if (identity->token_count == IDENTITY_TOKENS_MAX)
        return "is one more than the 64 tokens there is room for";
    struct identity_token *token = &identity->tokens[identity->token_count++];
    *token = (struct identity_token){
        .role = (uint8_t)role_of(role),
        .name_size = (uint8_t)name.size,
        .token_size = (uint8_t)line.size,
    };
    memcpy(token->name, name.data, name.size);
    memcpy(token->token, line.data, line.size);
    return NULL;
}

int identity_read(struct identity *identity, struct bytes file, char *error, uint32_t error_size)
{
    *identity = (struct identity){.token_count = 0};
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
        const char *fault = read_line(identity, line);
        if (fault != NULL) {
            snprintf(error, error_size, "auth.admin_tokens_file: line %u %s", number, fault);
            return -EINVAL;
        }
    }
    return 0;
}

/* The whole file, or a negative errno. */
static int32_t read_file(const char *path, uint8_t *data, uint32_t size_max)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    uint32_t size = 0;
    int32_t answer = 0;
    for (;;) {
        ssize_t got = read(fd, data + size, size_max - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            answer = -errno;
        if (got <= 0)
            break;
        size += (uint32_t)got;
        if (size == size_max) {
            answer = -EFBIG;
            break;
        }
    }
    close(fd);
    return answer < 0 ? answer : (int32_t)size;
}

int identity_load(
    struct identity *identity, const char *path, bool jwt, char *error, uint32_t error_size)
{
    *identity = (struct identity){.token_count = 0};
    if (jwt) {
        snprintf(error, error_size,
            "auth.mode = jwt: this version cannot verify tokens yet; use auth.mode = header behind "
            "a gateway that has checked the customer");
        return -ENOTSUP;
    }
    if (path == NULL || path[0] == 0)
        return 0;
    uint8_t file[FILE_SIZE_MAX];
    int32_t size = read_file(path, file, sizeof(file));
    if (size < 0) {
        snprintf(error, error_size, "auth.admin_tokens_file: %s: %s", path, strerror(-size));
        return size;
    }
    return identity_read(identity, bytes_of(file, (uint32_t)size), error, error_size);
}

static enum identity_answer unknown(const char **reason, const char *sentence)
{
    *reason = sentence;
    return IDENTITY_UNKNOWN;
}

enum identity_answer identity_of_storefront(
    const struct http_request *parsed, struct caller *caller, const char **reason)
{
    *caller = (struct caller){.role = ROLE_CUSTOMER};
    if (http_repeated(parsed, HTTP_FIELD_X_CUSTOMER_ID) || http_repeated(parsed, HTTP_FIELD_X_ROLE))
        return unknown(reason, "X-Customer-Id and X-Role may each be sent once.");
    if (http_has(parsed, HTTP_FIELD_X_ROLE)) {
        struct bytes role = parsed->field[HTTP_FIELD_X_ROLE];
        if (bytes_equal(role, BYTES("service")))
            caller->role = ROLE_SERVICE;
        else if (!bytes_equal(role, BYTES("customer")))
            return unknown(reason, "X-Role is customer or service.");
    }
    if (!http_has(parsed, HTTP_FIELD_X_CUSTOMER_ID)) {
        if (caller->role == ROLE_SERVICE)
            return IDENTITY_KNOWN;
        return unknown(reason, "Send the customer in X-Customer-Id.");
    }
    caller->customer = parsed->field[HTTP_FIELD_X_CUSTOMER_ID];
    if (!identity_customer_is_valid(caller->customer))
        return unknown(reason, "X-Customer-Id is 1 to 127 bytes of printable ASCII.");
    return IDENTITY_KNOWN;
}

/* Looks at every byte of the room for a token, whatever they are. */
static bool token_equal(const struct identity_token *token, const uint8_t *given, uint32_t size)
{
    uint32_t difference = token->token_size ^ size;
    for (uint32_t i = 0; i < IDENTITY_TOKEN_SIZE_MAX; i++)
        difference |= (uint32_t)(token->token[i] ^ given[i]);
    return difference == 0;
}

static bool take_bearer(struct bytes field, struct bytes *token)
{
    static const char scheme[] = "bearer ";
    const uint32_t scheme_size = sizeof(scheme) - 1;
    if (field.size <= scheme_size)
        return false;
    for (uint32_t i = 0; i < scheme_size; i++) {
        uint8_t byte = field.data[i];
        if ((byte >= 'A' && byte <= 'Z' ? byte + 32 : byte) != scheme[i])
            return false;
    }
    *token = bytes_of(field.data + scheme_size, field.size - scheme_size);
    return true;
}

enum identity_answer identity_of_admin(const struct identity *identity,
    const struct http_request *parsed, struct caller *caller, const char **reason)
{
    CHECK(identity->token_count <= IDENTITY_TOKENS_MAX);
    struct bytes given;
    *caller = (struct caller){.role = ROLE_NONE};
    if (!http_has(parsed, HTTP_FIELD_AUTHORIZATION) ||
        !take_bearer(parsed->field[HTTP_FIELD_AUTHORIZATION], &given))
        return unknown(reason, "Send a token of admin_tokens_file as Authorization: Bearer TOKEN.");
    uint8_t padded[IDENTITY_TOKEN_SIZE_MAX] = {0};
    if (given.size <= IDENTITY_TOKEN_SIZE_MAX)
        memcpy(padded, given.data, given.size);
    for (uint32_t i = 0; i < identity->token_count; i++) {
        const struct identity_token *token = &identity->tokens[i];
        if (!token_equal(token, padded, given.size))
            continue;
        caller->role = token->role;
        caller->actor = bytes_of(token->name, token->name_size);
    }
    if (caller->role == ROLE_NONE)
        return unknown(reason, "The token is not in admin_tokens_file.");
    return IDENTITY_KNOWN;
}
