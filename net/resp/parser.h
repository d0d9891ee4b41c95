/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parser - one command of the Redis protocol, from the bytes that stand in one piece.
 *
 *     *2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n   an array of bulk strings: what libraries send
 *     ECHO "hi"\r\n                   inline: words, in quotes if need be, as typed into telnet
 *
 * Pure and without memory: more bytes of the same command never change a verdict that was given, so
 * it does not matter in which pieces they came. What cannot be a command ends the connection, for
 * nobody knows where the next one begins; so does what HTTP sends (a web page that makes a browser
 * speak to us would otherwise have its body read as commands).
 *
 * Ownership  Arguments borrow from the input, those of an inline command from `room`.
 * Threads    None: plain values.
 * Units      Bytes.
 * Errors     RESP_REFUSED with a reason, as Redis words it.
 * Cost       A pass over the lengths; the bytes of bulk strings are not looked at.
 */
#ifndef HOTSHELF_NET_RESP_PARSER_H
#define HOTSHELF_NET_RESP_PARSER_H

#include "core/bytes.h"

enum {
    RESP_ARGUMENTS_MAX = 2048,   /* a checkout of 512 items, three words each, and all else */
    RESP_INLINE_SIZE_MAX = 4096, /* an inline command with its line end */
};

enum resp_answer {
    RESP_INCOMPLETE, /* `needed` is at least how many bytes it has; 0: unknown */
    RESP_REQUEST,
    RESP_EMPTY, /* an empty line or array: used up and not answered */
    RESP_REFUSED,
};

struct resp_request {
    uint32_t count;
    uint32_t consumed;
    uint32_t needed;
    const char *reason;
    struct bytes arguments[RESP_ARGUMENTS_MAX];
};

/* `size_max` bounds the whole command, as the room to receive it does; `room` has
 * RESP_INLINE_SIZE_MAX bytes. */
enum resp_answer resp_parse(
    struct bytes input, uint32_t size_max, uint8_t *room, struct resp_request *request);

#endif
