/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call is a short JSON body and an answer that is printed as it came. What can go wrong before it
 * is sent is a text that JSON cannot hold as it is: the server would refuse it anyway.
 */
#include "net/admin_verbs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/currency.h"
#include "net/admin_client.h"

enum {
    BODY_SIZE_MAX = 512,
    TARGET_SIZE_MAX = 64 + 3 * SKU_SIZE_MAX,
    KEY_SIZE = 33,
};

static int complain(const char *what, const char *why)
{
    fprintf(stderr, "hotshelf: %s: %s\n", what, why);
    return 1;
}

/* Names are bytes between quotes: no quote, backslash or control character may be among them. */
static bool is_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == '"' || *text == '\\')
            return false;
    }
    return true;
}

/* Every byte that is not a letter, a digit, or - . _ ~ is escaped; false: too long. */
static bool put_segment(char *target, size_t size_max, const char *sku)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    size_t size = strlen(target);
    for (; *sku != '\0'; sku++) {
        if (size + 4 > size_max)
            return false;
        bool keeps = strchr(plain, *sku) != NULL;
        size += (size_t)snprintf(
            target + size, size_max - size, keeps ? "%c" : "%%%02X", (unsigned char)*sku);
    }
    return size + 1 < size_max;
}

/* False with the reason said. The caller frees the reply's body. */
static bool call_server(const struct config *config, const char *method, const char *target,
    const char *body, const char *key, struct admin_reply *reply)
{
    char error[ADMIN_ERROR_SIZE];
    FILE *file = NULL;
    if (body != NULL) {
        file = fmemopen((void *)(uintptr_t)body, strlen(body), "r");
        if (file == NULL) {
            complain("the call", strerror(errno));
            return false;
        }
    }
    const struct admin_call call = {
        .method = method,
        .target = target,
        .type = "application/json",
        .body = file,
        .key = key,
    };
    bool answered = admin_call(config, &call, reply, error);
    if (file != NULL)
        fclose(file);
    if (!answered)
        fprintf(stderr, "hotshelf: %s\n", error);
    return answered;
}

static int show(struct admin_reply *reply, FILE *out)
{
    bool good = reply->status == 200;
    fprintf(good ? out : stderr, "%s\n", reply->body);
    free(reply->body);
    return good ? 0 : 1;
}

int admin_switch(const struct config *config, const char *action, const char *scope, FILE *out)
{
    char target[TARGET_SIZE_MAX], body[BODY_SIZE_MAX];
    struct admin_reply reply;
    if (!is_plain(scope) || strlen(scope) + 16 > sizeof body)
        return complain(scope, "must be all, sale:NAME or sku:SKU");
    snprintf(target, sizeof target, "/admin/v1/%s", action);
    snprintf(body, sizeof body, "{\"scope\":\"%s\"}", scope);
    if (!call_server(config, "POST", target, body, NULL, &reply))
        return 1;
    return show(&reply, out);
}

static bool make_key(char key[KEY_SIZE])
{
    unsigned char random[(KEY_SIZE - 1) / 2];
    if (getrandom(random, sizeof random, 0) != sizeof random)
        return false;
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(key + 2 * i, 3, "%02x", random[i]);
    return true;
}

/* Each run is a change of its own. */
int admin_stock(const struct config *config, const char *sku, long long delta, FILE *out)
{
    char target[TARGET_SIZE_MAX] = "/admin/v1/products/", body[BODY_SIZE_MAX], key[KEY_SIZE];
    struct admin_reply reply;
    if (!put_segment(target, sizeof target - sizeof "/stock", sku))
        return complain(sku, "is longer than a SKU");
    if (!make_key(key))
        return complain("Idempotency-Key", strerror(errno));
    strncat(target, "/stock", sizeof target - strlen(target) - 1);
    snprintf(body, sizeof body, "{\"delta\":%lld,\"reason\":\"command line\"}", delta);
    if (!call_server(config, "POST", target, body, key, &reply))
        return 1;
    return show(&reply, out);
}

/* Three letters behind the member's name, which no string can contain with its quotes bare. */
static bool find_currency(const char *product, uint8_t code[4])
{
    static const char member[] = "\"currency\":\"";
    const char *found = strstr(product, member);
    if (found == NULL || strlen(found) < sizeof member + 2)
        return false;
    return currency_find(bytes_of(found + sizeof member - 1, 3), code);
}

static const char *problem_of(enum currency_amount amount)
{
    switch (amount) {
    case CURRENCY_AMOUNT_READ:
        return NULL;
    case CURRENCY_AMOUNT_MALFORMED:
        return "is no price: digits, and a point before the smaller unit";
    case CURRENCY_AMOUNT_TOO_FINE:
        return "has more digits behind the point than the currency of the product";
    case CURRENCY_AMOUNT_TOO_LARGE:
        return "is too large";
    }
    return "is no price";
}

int admin_price(const struct config *config, const char *sku, const char *price, FILE *out)
{
    char target[TARGET_SIZE_MAX] = "/admin/v1/products/", body[BODY_SIZE_MAX];
    struct admin_reply reply;
    uint8_t code[4];
    int64_t amount;
    if (!put_segment(target, sizeof target, sku))
        return complain(sku, "is longer than a SKU");
    if (!call_server(config, "GET", target, NULL, NULL, &reply))
        return 1;
    if (reply.status != 200)
        return show(&reply, out);
    bool known = find_currency(reply.body, code);
    free(reply.body);
    if (!known)
        return complain(sku, "the server tells no currency of it");
    const char *problem = problem_of(currency_amount_read(bytes_of_string(price), code, &amount));
    if (problem != NULL)
        return complain(price, problem);
    snprintf(body, sizeof body, "{\"price\":%lld}", (long long)amount);
    if (!call_server(config, "PATCH", target, body, NULL, &reply))
        return 1;
    return show(&reply, out);
}
