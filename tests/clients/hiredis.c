/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hiredis PORT NAME TOKEN SKU: what a back end asks, by hiredis; prints what was answered as JSON,
 * see tests/e2e/test_resp_clients.py.
 */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

enum { DEEP = 300 };

static void put_text(const char *text, size_t size)
{
    putchar('"');
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"' || text[i] == '\\')
            putchar('\\');
        putchar(text[i]);
    }
    putchar('"');
}

static void put_reply(const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_INTEGER)
        printf("%lld", reply->integer);
    else if (reply->type == REDIS_REPLY_NIL)
        printf("null");
    else if (reply->type != REDIS_REPLY_ARRAY)
        put_text(reply->str, (size_t)reply->len);
    if (reply->type != REDIS_REPLY_ARRAY)
        return;
    putchar('[');
    for (size_t i = 0; i < reply->elements; i++) {
        printf(i == 0 ? "" : ",");
        put_reply(reply->element[i]); /* as deep as a line of an order */
    }
    putchar(']');
}

static void tell(redisContext *redis, const char *step, redisReply *reply)
{
    if (reply == NULL) {
        fprintf(stderr, "%s: %s\n", step, redis->errstr);
        exit(1);
    }
    printf("\"%s\":", step);
    put_reply(reply);
    freeReplyObject(reply);
}

static void tell_deep(redisContext *redis, const char *sku)
{
    for (int i = 0; i < DEEP; i++) {
        if (i % 3 == 0)
            redisAppendCommand(redis, "HS.STOCK %s", sku);
        else
            redisAppendCommand(redis, "ECHO %d", i);
    }
    printf("\"deep\":[");
    for (int i = 0; i < DEEP; i++) {
        void *reply = NULL;
        if (redisGetReply(redis, &reply) != REDIS_OK)
            exit(1);
        printf(i == 0 ? "" : ",");
        put_reply(reply);
        freeReplyObject(reply);
    }
    printf("]}\n");
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    const char *sku = argv[4];
    redisContext *redis = redisConnect("127.0.0.1", (int)strtol(argv[1], NULL, 10));
    if (redis == NULL || redis->err != 0)
        return 1;
    putchar('{');
    tell(redis, "auth", redisCommand(redis, "AUTH %s %s", argv[2], argv[3]));
    printf(",");
    tell(redis, "ping", redisCommand(redis, "PING"));
    printf(",");
    tell(redis, "stock", redisCommand(redis, "HS.STOCK %s", sku));
    printf(",");
    tell(redis, "availability", redisCommand(redis, "HS.AVAIL %s NOPE", sku));
    printf(",");
    tell(redis, "cart", redisCommand(redis, "HS.CART.SET hiredis-%s %s 1", sku, sku));
    for (int i = 0; i < 2; i++) {
        printf(",");
        tell(redis, i == 0 ? "order" : "replay",
            redisCommand(redis, "HS.CHECKOUT hiredis-%s k ITEM %s 2 MODE deferred REF a %b", sku,
                sku, "\xc3\xa9", (size_t)2));
    }
    printf(",");
    tell(redis, "unknown", redisCommand(redis, "HS.ORDER 01890a5d-ac96-774b-bcce-b302099a8057"));
    printf(",");
    tell(redis, "reused", redisCommand(redis, "HS.CHECKOUT hiredis-%s k ITEM %s 1", sku, sku));
    printf(",");
    tell(redis, "refused", redisCommand(redis, "HS.CHECKOUT hiredis-%s k2 ITEM NOPE 1", sku));
    printf(",");
    tell_deep(redis, sku);
    redisFree(redis);
    return 0;
}
