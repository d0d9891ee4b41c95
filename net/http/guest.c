/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token is checked by making its sum again, as text, and comparing the texts. What it says is
 * read only after that: then it is we who wrote it.
 *
 * The file of the data directory is written beside its place, synced, and renamed: a start that is
 * cut short leaves none, and no half one.
 */
#include "net/http/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "core/check.h"
#include "net/http/syntax.h"

#define PREFIX "hsg1."

enum {
    PREFIX_SIZE = sizeof(PREFIX) - 1,
    SUM_TEXT_SIZE = 43, /* 32 bytes, without the padding */
    SECRET_SIZE = 32,
    PATH_SIZE = 512,
};

/* base64url without padding; answers its size. */
static uint32_t encode(const uint8_t *data, uint32_t size, uint8_t *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0, bit_count = 0, used = 0;
    for (uint32_t i = 0; i < size; i++) {
        bits = bits << 8 | data[i];
        for (bit_count += 8; bit_count >= 6; bit_count -= 6)
            text[used++] = (uint8_t)digits[bits >> (bit_count - 6) & 63];
    }
    if (bit_count > 0)
        text[used++] = (uint8_t)digits[bits << (6 - bit_count) & 63];
    return used;
}

static void sum_text(const struct hmac_key *key, struct bytes signed_part, uint8_t *text)
{
    uint8_t sum[HMAC_SIZE];
    hmac_sum(key, &signed_part, 1, sum);
    CHECK(encode(sum, sizeof(sum), text) == SUM_TEXT_SIZE);
}

void guest_token_make(const struct hmac_keys *keys, const uint64_t random[2], int64_t wall_ms,
    struct guest_token *token)
{
    char expiry[24];
    int64_t seconds = wall_ms / 1000 + GUEST_SECONDS;
    CHECK(keys->count > 0);
    CHECK(seconds > GUEST_SECONDS);
    int size = snprintf(expiry, sizeof(expiry), ".%lld.", (long long)seconds);
    memcpy(token->text, PREFIX, PREFIX_SIZE);
    token->size = PREFIX_SIZE;
    token->size += encode((const uint8_t *)random, 16, token->text + token->size);
    CHECK(token->size + (uint32_t)size + SUM_TEXT_SIZE <= sizeof(token->text));
    memcpy(token->text + token->size, expiry, (size_t)size);
    token->size += (uint32_t)size;
    sum_text(&keys->keys[0], bytes_of(token->text, token->size - 1), token->text + token->size);
    token->size += SUM_TEXT_SIZE;
    token->expires_wall_ms = seconds * 1000;
}

bool guest_is_token(struct bytes customer)
{
    return customer.size >= PREFIX_SIZE && memcmp(customer.data, PREFIX, PREFIX_SIZE) == 0;
}

/* The digits before the end of what was signed. */
static int64_t expiry_of(struct bytes signed_part)
{
    int64_t seconds = 0, place = 1;
    for (uint32_t i = signed_part.size; i > 0 && http_is_digit(signed_part.data[i - 1]); i--) {
        CHECK(place < INT64_MAX / 100);
        seconds += (signed_part.data[i - 1] - '0') * place;
        place *= 10;
    }
    return seconds;
}

bool guest_token_valid(const struct hmac_keys *keys, struct bytes token, int64_t wall_ms)
{
    CHECK(keys->count <= HMAC_KEYS_MAX);
    if (!guest_is_token(token) || token.size > GUEST_TOKEN_SIZE_MAX ||
        token.size < PREFIX_SIZE + SUM_TEXT_SIZE + 1)
        return false;
    const struct bytes signed_part = bytes_of(token.data, token.size - SUM_TEXT_SIZE - 1);
    const uint8_t *sent = token.data + signed_part.size + 1;
    bool good = false;
    for (uint32_t i = 0; i < keys->count; i++) {
        uint8_t text[SUM_TEXT_SIZE];
        sum_text(&keys->keys[i], signed_part, text);
        good |= hmac_equal(text, sent, SUM_TEXT_SIZE);
    }
    return good && sent[-1] == '.' && wall_ms < expiry_of(signed_part) * 1000;
}

static int make_secret(char *text, uint32_t size)
{
    uint8_t secret[SECRET_SIZE];
    CHECK(size >= 2 * SECRET_SIZE + 2);
    if (getrandom(secret, sizeof(secret), 0) != sizeof(secret))
        return errno != 0 ? -errno : -EIO;
    for (uint32_t i = 0; i < SECRET_SIZE; i++)
        snprintf(text + 2 * i, 4, "%02x\n", secret[i]);
    explicit_bzero(secret, sizeof(secret));
    return 0;
}

static int sync_directory(const char *directory)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int result = fsync(fd) == 0 ? 0 : -errno;
    close(fd);
    return result;
}

/* A new file, for its owner alone. */
static int write_secret(const char *path)
{
    char text[2 * SECRET_SIZE + 2];
    int result = make_secret(text, sizeof(text));
    int fd = result == 0 ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    if (result == 0 && fd < 0)
        result = -errno;
    if (result == 0) {
        ssize_t written = write(fd, text, 2 * SECRET_SIZE + 1);
        result = written == 2 * SECRET_SIZE + 1 ? 0 : written < 0 ? -errno : -EIO;
    }
    if (result == 0 && fsync(fd) != 0)
        result = -errno;
    explicit_bzero(text, sizeof(text));
    if (fd >= 0)
        close(fd);
    return result;
}

static int create(const char *directory, const char *path)
{
    char aside[PATH_SIZE + 4];
    snprintf(aside, sizeof(aside), "%s.new", path);
    if (unlink(aside) != 0 && errno != ENOENT)
        return -errno;
    int result = write_secret(aside);
    if (result == 0 && rename(aside, path) != 0)
        result = -errno;
    return result == 0 ? sync_directory(directory) : result;
}

int guest_keys_load(struct hmac_keys *keys, const char *path, const char *directory, char *error,
    uint32_t error_size)
{
    char own[PATH_SIZE];
    if (path[0] != 0)
        return hmac_keys_load(keys, "auth.guest_secret_file", path, error, error_size);
    int size = snprintf(own, sizeof(own), "%s/guest-secret", directory);
    CHECK(size > 0 && size < PATH_SIZE);
    int result = access(own, F_OK) == 0 ? 0 : -errno;
    if (result == -ENOENT)
        result = create(directory, own);
    if (result == 0)
        return hmac_keys_load(keys, "the key of guests", own, error, error_size);
    snprintf(error, error_size, "cannot make %s: %s", own, strerror(-result));
    return result;
}
