/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of keys. A key is tried when it is read: one that no token could be verified with stops the
 * start, or leaves the keys before it in force. OpenSSL says what kind a public key is; the file
 * does not choose the algorithm.
 */
#include "net/http/jwt.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "core/check.h"
#include "net/http/key_file.h"
#include "net/http/tokens.h"

#define PEM_BEGIN "-----BEGIN "
#define PEM_END "-----END PUBLIC KEY-----"

enum { FILE_SIZE_MAX = JWT_KEYS_MAX * (JWT_KEY_SIZE_MAX + 256) };

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

static bool is_printable(struct bytes line)
{
    for (uint32_t i = 0; i < line.size; i++) {
        if (line.data[i] < 0x20 || line.data[i] > 0x7e)
            return false;
    }
    return true;
}

static const char *add(struct jwt_keys *keys, enum jwt_kind kind, struct bytes text)
{
    if (keys->count == JWT_KEYS_MAX)
        return "is one more than the 8 keys there is room for";
    CHECK(text.size <= JWT_KEY_SIZE_MAX);
    struct jwt_key *key = &keys->list[keys->count++];
    *key = (struct jwt_key){.kind = (uint8_t)kind, .size = text.size};
    memcpy(key->text, text.data, text.size);
    return NULL;
}

static const char *read_secret(struct jwt_keys *keys, struct bytes line)
{
    if (memmem(line.data, line.size, PEM_BEGIN, sizeof(PEM_BEGIN) - 1) != NULL)
        return "is PEM: public keys go into auth.jwt_public_key_file";
    if (line.size < JWT_SECRET_SIZE_MIN || line.size > TOKENS_SIZE_MAX)
        return "has a secret that is not 32 to 255 bytes long";
    if (!is_printable(line))
        return "has a secret that is not printable ASCII";
    return add(keys, JWT_HS256, line);
}

/* NULL: *kind is what the key is for. */
static const char *kind_of(struct bytes pem, enum jwt_kind *kind)
{
    char curve[32] = "";
    const char *fault = NULL;
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
    EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    if (key == NULL) {
        fault = "begins a PEM block that OpenSSL can not read";
    } else if (EVP_PKEY_base_id(key) == EVP_PKEY_RSA) {
        *kind = JWT_RS256;
        if (EVP_PKEY_bits(key) < JWT_RSA_BITS_MIN)
            fault = "begins an RSA key of less than 2048 bits";
    } else if (EVP_PKEY_base_id(key) == EVP_PKEY_EC) {
        *kind = JWT_ES256;
        if (EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) != 1 ||
            strcmp(curve, "prime256v1") != 0)
            fault = "begins a key on another curve than P-256";
    } else {
        fault = "begins a key that is neither RSA nor EC";
    }
    EVP_PKEY_free(key);
    BIO_free(bio);
    return fault;
}

/* From the line that begins a block to the one that ends it, which are taken from *rest. */
static const char *read_block(
    struct jwt_keys *keys, const uint8_t *start, struct bytes *rest, uint32_t *number)
{
    enum jwt_kind kind = JWT_RS256;
    while (rest->size > 0) {
        struct bytes line = take_line(rest);
        ++*number;
        if (!bytes_equal(line, BYTES(PEM_END)))
            continue;
        struct bytes pem = bytes_of(start, (uint32_t)(rest->data - start));
        if (pem.size > JWT_KEY_SIZE_MAX)
            return "begins a key that is too long";
        const char *fault = kind_of(pem, &kind);
        return fault != NULL ? fault : add(keys, kind, pem);
    }
    return "begins a PEM block that does not end";
}

static const char *read_public_line(
    struct jwt_keys *keys, struct bytes line, struct bytes *rest, uint32_t *number)
{
    static const char begin[] = PEM_BEGIN;
    if (bytes_equal(line, BYTES("-----BEGIN PUBLIC KEY-----")))
        return read_block(keys, line.data, rest, number);
    if (line.size > sizeof(begin) && memcmp(line.data, begin, sizeof(begin) - 1) == 0)
        return "begins something else than a PUBLIC KEY: openssl pkey -pubout makes one";
    return NULL; /* text around the blocks is a comment (RFC 7468 2) */
}

/* Both kinds of file: lines, of which some begin a block. */
static int read_keys(struct jwt_keys *keys, struct bytes file, bool is_public, const char *setting,
    const char *path, char *error, uint32_t error_size)
{
    uint32_t before = keys->count;
    for (uint32_t number = 1; file.size > 0; number++) {
        struct bytes line = take_line(&file);
        uint32_t first = number;
        const char *fault = NULL;
        if (is_public)
            fault = read_public_line(keys, line, &file, &number);
        else if (line.size > 0 && line.data[0] != '#')
            fault = read_secret(keys, line);
        if (fault == NULL)
            continue;
        snprintf(error, error_size, "%s: %s:%u %s", setting, path, first, fault);
        return -EINVAL;
    }
    if (keys->count > before)
        return 0;
    snprintf(error, error_size, "%s: %s has no key", setting, path);
    return -EINVAL;
}

static int load(
    struct jwt_keys *keys, bool is_public, const char *path, char *error, uint32_t error_size)
{
    const char *setting = is_public ? "auth.jwt_public_key_file" : "auth.jwt_secret_file";
    if (path[0] == 0)
        return 0;
    uint8_t room[FILE_SIZE_MAX];
    struct key_file file = {
        .setting = setting, .path = path, .data = room, .size_max = sizeof(room)};
    int32_t size = key_file_read(&file, error, error_size);
    int result = size;
    if (size >= 0)
        result = read_keys(
            keys, bytes_of(room, (uint32_t)size), is_public, setting, path, error, error_size);
    explicit_bzero(room, sizeof(room));
    return result;
}

int jwt_secrets_load(struct jwt_keys *keys, const char *path, char *error, uint32_t error_size)
{
    return load(keys, false, path, error, error_size);
}

int jwt_public_keys_load(struct jwt_keys *keys, const char *path, char *error, uint32_t error_size)
{
    return load(keys, true, path, error, error_size);
}
