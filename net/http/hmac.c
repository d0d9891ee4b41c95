/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sum of a message under a key K is H((K ^ outer pad) H((K ^ inner pad) message)). Both padded
 * keys are exactly one block, so what SHA-256 is after each is all that a key needs to be.
 *
 * Whatever held a key, or what a key can be made of, is wiped before it is left.
 */
#include "net/http/hmac.h"

#include <errno.h>
#include <stdio.h>

#include "core/check.h"
#include "net/http/key_file.h"

enum { FILE_SIZE_MAX = 4096, INNER_PAD = 0x36, OUTER_PAD = 0x5c };

static void start(SHA256_CTX *state, const uint8_t block[SHA256_CBLOCK], uint8_t pad)
{
    uint8_t padded[SHA256_CBLOCK];
    for (uint32_t i = 0; i < SHA256_CBLOCK; i++)
        padded[i] = block[i] ^ pad;
    CHECK(SHA256_Init(state) == 1);
    CHECK(SHA256_Update(state, padded, sizeof(padded)) == 1);
    explicit_bzero(padded, sizeof(padded));
}

void hmac_key_make(struct hmac_key *key, struct bytes secret)
{
    uint8_t block[SHA256_CBLOCK] = {0};
    if (secret.size > sizeof(block)) {
        SHA256_CTX state;
        CHECK(SHA256_Init(&state) == 1);
        CHECK(SHA256_Update(&state, secret.data, secret.size) == 1);
        CHECK(SHA256_Final(block, &state) == 1);
        explicit_bzero(&state, sizeof(state));
    } else if (secret.size > 0) {
        memcpy(block, secret.data, secret.size);
    }
    start(&key->inner, block, INNER_PAD);
    start(&key->outer, block, OUTER_PAD);
    explicit_bzero(block, sizeof(block));
}

void hmac_sum(
    const struct hmac_key *key, const struct bytes *parts, uint32_t count, uint8_t sum[HMAC_SIZE])
{
    SHA256_CTX state = key->inner;
    for (uint32_t i = 0; i < count; i++) {
        if (parts[i].size > 0)
            CHECK(SHA256_Update(&state, parts[i].data, parts[i].size) == 1);
    }
    CHECK(SHA256_Final(sum, &state) == 1);
    state = key->outer;
    CHECK(SHA256_Update(&state, sum, HMAC_SIZE) == 1);
    CHECK(SHA256_Final(sum, &state) == 1);
    explicit_bzero(&state, sizeof(state));
}

bool hmac_equal(const uint8_t *a, const uint8_t *b, uint32_t size)
{
    uint32_t difference = 0;
    for (uint32_t i = 0; i < size; i++)
        difference |= (uint32_t)(a[i] ^ b[i]);
    return difference == 0;
}

static bool is_printable(struct bytes line)
{
    for (uint32_t i = 0; i < line.size; i++) {
        if (line.data[i] < 0x20 || line.data[i] > 0x7e)
            return false;
    }
    return true;
}

/* NULL, or what is wrong with the line. */
static const char *read_line(struct hmac_keys *keys, struct bytes line)
{
    if (line.size < HMAC_KEY_SIZE_MIN || line.size > HMAC_KEY_SIZE_MAX)
        return "has a key that is not 16 to 255 bytes long";
    if (!is_printable(line))
        return "has a key that is not printable ASCII";
    if (keys->count == HMAC_KEYS_MAX)
        return "is a third key; two are enough to change one for another";
    hmac_key_make(&keys->keys[keys->count++], line);
    return NULL;
}

static struct bytes take_line(struct bytes *rest)
{
    const uint8_t *end = memchr(rest->data, '\n', rest->size);
    uint32_t size = end == NULL ? rest->size : (uint32_t)(end - rest->data);
    struct bytes line = bytes_of(rest->data, size);
    uint32_t taken = end == NULL ? size : size + 1;
    *rest = bytes_of(rest->data + taken, rest->size - taken);
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    return line;
}

int hmac_keys_read(struct hmac_keys *keys, struct bytes file, const char *setting, const char *path,
    char *error, uint32_t error_size)
{
    *keys = (struct hmac_keys){.count = 0};
    for (uint32_t number = 1; file.size > 0; number++) {
        struct bytes line = take_line(&file);
        if (line.size == 0 || line.data[0] == '#')
            continue;
        const char *fault = read_line(keys, line);
        if (fault == NULL)
            continue;
        explicit_bzero(keys, sizeof(*keys));
        snprintf(error, error_size, "%s: %s:%u %s", setting, path, number, fault);
        return -EINVAL;
    }
    if (keys->count > 0)
        return 0;
    snprintf(error, error_size, "%s: %s has no key", setting, path);
    return -EINVAL;
}

int hmac_keys_load(
    struct hmac_keys *keys, const char *setting, const char *path, char *error, uint32_t error_size)
{
    *keys = (struct hmac_keys){.count = 0};
    error[0] = 0;
    if (path[0] == 0)
        return 0;
    uint8_t room[FILE_SIZE_MAX];
    struct key_file file = {
        .setting = setting, .path = path, .data = room, .size_max = sizeof(room)};
    int32_t size = key_file_read(&file, error, error_size);
    int result = size;
    if (size >= 0)
        result =
            hmac_keys_read(keys, bytes_of(room, (uint32_t)size), setting, path, error, error_size);
    explicit_bzero(room, sizeof(room));
    if (result == 0 && (file.mode & 077) != 0)
        snprintf(error, error_size, "%s: %s can be read by others (mode %04o): chmod 600 %s",
            setting, path, (unsigned)file.mode & 07777, path);
    return result;
}
