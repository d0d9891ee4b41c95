/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunk by chunk: its line, its data, the CR LF behind it; the last chunk has size 0 and trailers
 * follow. A walk stops where the bytes end and remembers the beginning of what it has not seen
 * whole (http_progress.chunks), so that the next walk goes on there. When the end is reached one
 * more walk, over bytes that are known to be good, copies the data out.
 *
 * What can go wrong is decided at the first byte that cannot stand where it stands, or, for a chunk
 * that is too large, at the end of its line. The window of framing ends header_bytes behind the
 * data counted so far: whoever reaches its end is refused, also when the next byte is not here.
 */
#include "net/http/chunks.h"

#include "core/check.h"
#include "net/http/fields.h"
#include "net/http/syntax.h"

struct walk {
    struct bytes received;
    const struct http_limits *limits;
    struct http_request *request;
    struct http_chunks chunks; /* where the walk stands */
    uint8_t *room;             /* where data goes; NULL: nowhere, this walk looks for the end */
    uint64_t needed;
};

static enum http_answer too_much_framing(struct walk *walk)
{
    return http_refused(walk->request, 431, "head, chunk lines and trailers are too large");
}

/* Behind the last byte of framing that may stand here. */
static uint64_t framing_end(const struct walk *walk)
{
    return walk->chunks.data_size + walk->limits->header_bytes;
}

/* The part of a line that has come. */
static struct http_lines window(const struct walk *walk)
{
    uint64_t end = framing_end(walk);
    if (end > walk->received.size)
        end = walk->received.size;
    CHECK(walk->chunks.at <= end);
    return (struct http_lines){
        .at = walk->received.data + walk->chunks.at, .end = walk->received.data + end};
}

static enum http_answer line_is_cut(struct walk *walk)
{
    if (walk->received.size >= framing_end(walk))
        return too_much_framing(walk);
    return HTTP_INCOMPLETE;
}

/* Goes on behind a line that does not end the request. */
static enum http_answer line_is_done(struct walk *walk, const uint8_t *at)
{
    walk->chunks.at = (uint64_t)(at - walk->received.data);
    return walk->chunks.at == framing_end(walk) ? too_much_framing(walk) : HTTP_REQUEST;
}

static int32_t hex_value(uint8_t byte)
{
    if (http_is_digit(byte))
        return byte - '0';
    uint8_t letter = byte | 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

static void skip_white(struct http_lines *line)
{
    while (line->at < line->end && (*line->at == ' ' || *line->at == '\t'))
        line->at++;
}

static bool skip_token(struct http_lines *line)
{
    const uint8_t *start = line->at;
    while (line->at < line->end && http_is_class(*line->at, HTTP_CLASS_TOKEN))
        line->at++;
    return line->at > start || line->at == line->end;
}

/* Whether `byte` may stand in a quoted string, or behind a backslash there. */
static bool is_quotable(uint8_t byte)
{
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

/* line->at stands at the opening quote. */
static bool skip_quoted(struct http_lines *line)
{
    line->at++;
    while (line->at < line->end && *line->at != '"') {
        if (*line->at == '\\' && ++line->at == line->end)
            return true;
        if (!is_quotable(*line->at))
            return false;
        line->at++;
    }
    if (line->at < line->end)
        line->at++;
    return true;
}

/* line->at stands at the semicolon. The rules of the grammar, one by one; each may run out of
 * bytes, which its caller sees by line->at. */
static bool skip_extension(struct http_lines *line)
{
    line->at++;
    skip_white(line);
    if (!skip_token(line))
        return false;
    skip_white(line);
    if (line->at == line->end || *line->at != '=')
        return true;
    line->at++;
    skip_white(line);
    if (line->at < line->end && *line->at == '"')
        return skip_quoted(line);
    return skip_token(line);
}

/* Whether the line may go on so; white space stands before a semicolon only. line->at stands behind
 * a digit. */
static bool skip_extensions(struct http_lines *line)
{
    for (;;) {
        skip_white(line);
        if (line->at == line->end)
            return true;
        if (*line->at != ';')
            return line->at[-1] != ' ' && line->at[-1] != '\t';
        if (!skip_extension(line))
            return false;
    }
}

/* A size larger than any body stays so, whatever digits follow. */
static uint64_t take_size(struct http_lines *line, uint64_t size_max)
{
    uint64_t size = 0;
    for (; line->at < line->end && hex_value(*line->at) >= 0; line->at++)
        if (size <= size_max)
            size = size * 16 + (uint64_t)hex_value(*line->at);
    return size;
}

static enum http_answer malformed_line(struct walk *walk)
{
    return http_refused(walk->request, 400, "malformed chunk line");
}

static enum http_answer chunk_line(struct walk *walk, uint64_t *size)
{
    struct http_lines line = window(walk);
    const uint8_t *start = line.at;
    *size = take_size(&line, walk->limits->body_bytes);
    if (line.at == line.end)
        return line_is_cut(walk);
    if (line.at == start || !skip_extensions(&line))
        return malformed_line(walk);
    if (line.at == line.end)
        return line_is_cut(walk);
    if (*line.at != '\r')
        return malformed_line(walk);
    if (++line.at == line.end)
        return line_is_cut(walk);
    if (*line.at != '\n')
        return malformed_line(walk);
    if (*size > walk->limits->body_bytes - walk->chunks.data_size)
        return http_refused(walk->request, 413, "the body is too large");
    return line_is_done(walk, line.at + 1);
}

/* walk->chunks.at stands behind the line of a chunk of `size` bytes. */
static enum http_answer chunk_data(struct walk *walk, uint64_t size)
{
    static const char ending[] = {'\r', '\n'};
    const struct bytes received = walk->received;
    uint64_t end = walk->chunks.at + size;
    uint64_t limit = framing_end(walk) + size;
    for (uint32_t i = 0; i < sizeof ending; i++) {
        if (received.size <= end + i) {
            walk->needed = end + sizeof ending;
            return HTTP_INCOMPLETE;
        }
        if (received.data[end + i] != (uint8_t)ending[i])
            return http_refused(walk->request, 400, "a chunk does not end where it should");
        if (end + i + 1 == limit)
            return too_much_framing(walk);
    }
    if (walk->room != NULL)
        memcpy(walk->room + walk->chunks.data_size, received.data + walk->chunks.at, size);
    walk->chunks.data_size += size;
    walk->chunks.at = end + sizeof ending;
    return HTTP_REQUEST;
}

/* One chunk, or nothing of it. */
static enum http_answer walk_chunk(struct walk *walk)
{
    struct http_chunks before = walk->chunks;
    uint64_t size;
    enum http_answer answer = chunk_line(walk, &size);
    if (answer == HTTP_REQUEST && size > 0)
        answer = chunk_data(walk, size);
    else if (answer == HTTP_REQUEST)
        walk->chunks.in_trailers = true;
    if (answer == HTTP_INCOMPLETE)
        walk->chunks = before;
    return answer;
}

/* One trailer, or the end. */
static enum http_answer walk_trailer(struct walk *walk, bool *is_over)
{
    struct http_lines lines = window(walk);
    switch (http_line_next(&lines)) {
    case HTTP_LINE_FIELD:
        if (lines.field != HTTP_FIELD_COUNT)
            return http_refused(walk->request, 400, "a field that may not be a trailer");
        return line_is_done(walk, lines.at);
    case HTTP_LINE_EMPTY:
        walk->chunks.at = (uint64_t)(lines.at - walk->received.data);
        *is_over = true;
        return HTTP_REQUEST;
    case HTTP_LINE_CUT:
        return line_is_cut(walk);
    case HTTP_LINE_MALFORMED:
        return http_refused(walk->request, 400, lines.fault);
    }
    CHECK(!"every kind of line is listed");
    return HTTP_REFUSED;
}

static enum http_answer walk_on(struct walk *walk)
{
    bool is_over = false;
    while (!is_over) {
        enum http_answer answer =
            walk->chunks.in_trailers ? walk_trailer(walk, &is_over) : walk_chunk(walk);
        if (answer != HTTP_REQUEST)
            return answer;
    }
    return HTTP_REQUEST;
}

enum http_answer http_chunks_read(struct bytes received, const struct http_limits *limits,
    struct http_progress *progress, struct http_request *request)
{
    CHECK(request->chunked);
    CHECK(limits->chunk_room != NULL);
    struct walk walk = {
        .received = received,
        .limits = limits,
        .request = request,
        .chunks = progress->chunks,
        .needed = request->head_size,
    };
    if (walk.chunks.at == 0)
        walk.chunks.at = request->head_size;
    if (request->head_size == limits->header_bytes)
        return too_much_framing(&walk);
    enum http_answer answer = walk_on(&walk);
    progress->needed = walk.needed;
    progress->chunks = walk.chunks;
    if (answer != HTTP_REQUEST)
        return answer;
    uint64_t end = walk.chunks.at;
    walk.chunks = progress->chunks = (struct http_chunks){.at = request->head_size};
    walk.room = limits->chunk_room;
    CHECK(walk_on(&walk) == HTTP_REQUEST);
    CHECK(walk.chunks.at == end);
    request->body_size = walk.chunks.data_size;
    request->body = bytes_of(limits->chunk_room, (uint32_t)request->body_size);
    request->consumed = end;
    return HTTP_REQUEST;
}
