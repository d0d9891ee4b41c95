/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protocol - how questions become bytes and bytes become facts: HTTP/1.1 with JSON, or RESP2.
 *
 *     protocol_write()  question -> bytes
 *     protocol_scan()   bytes so far -> is the answer whole, and how many bytes is it?
 *     protocol_read()   the whole answer -> facts
 *
 * Ownership  A reader has the memory that answers are taken apart in: protocol_reader_open() takes
 *            it, protocol_reader_close() gives it back. Facts point into the bytes.
 * Threads    One a reader.
 * Units      Bytes.
 * Errors     PROTOCOL_BROKEN: these bytes can never become an answer. What is well formed and still
 *            no answer to the question is FACTS_WRONG.
 * Cost       O(bytes). A scan that is given more of the same bytes goes on where it stopped.
 */
#ifndef HOTSHELF_LOADTEST_PROTOCOL_H
#define HOTSHELF_LOADTEST_PROTOCOL_H

#include "loadtest/facts.h"
#include "loadtest/json.h"
#include "loadtest/question.h"
#include "loadtest/resp.h"
#include "loadtest/writer.h"

/* In whose name payments are reported. */
#define PROTOCOL_PROVIDER "loadpay"

enum protocol { PROTOCOL_HTTP, PROTOCOL_RESP };

enum protocol_progress { PROTOCOL_INCOMPLETE, PROTOCOL_WHOLE, PROTOCOL_BROKEN };

/* How far an answer was looked at. All zero: not at all. */
struct protocol_scan {
    size_t size; /* once it is whole: of the answer */
    uint64_t missing;
};

struct protocol_reader {
    enum protocol protocol;
    struct json json;
    struct resp resp;
};

int protocol_reader_open(struct protocol_reader *reader, enum protocol protocol);
void protocol_reader_close(struct protocol_reader *reader);

const char *protocol_name(enum protocol protocol);

/* RESP has no products pages and no only_available. */
bool protocol_can_ask(enum protocol protocol, const struct question *question);

/* What every question shows beside itself, and what is said once before the first. */
struct protocol_door {
    const char *host;  /* HTTP: for the Host header */
    const char *token; /* of a back end, which acts for all customers; NULL: none is asked for */
};

/* `body` is scratch memory for HTTP. What does not fit: overflowed. */
void protocol_write(enum protocol protocol, const struct question *question,
    const struct protocol_door *door, struct writer *out, struct writer *body);

/* RESP shows its token once a connection, and is answered +OK; HTTP shows it each time. */
void protocol_greet(enum protocol protocol, const struct protocol_door *door, struct writer *out);

enum protocol_progress protocol_scan(
    enum protocol protocol, struct protocol_scan *scan, const char *data, size_t size);

/* True when the server will close the connection after this answer. */
bool protocol_read(struct protocol_reader *reader, enum question_kind kind, const char *data,
    size_t size, struct facts *facts);

#endif
