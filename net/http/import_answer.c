/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whoever imported may be gone by the time there is something to say; then nothing is written.
 */
#include <stdio.h>

#include "core/check.h"
#include "net/http/import_steps.h"

enum { ERROR_REPLY_SIZE = 128 * 1024 };

/* The client hears what came of it; 0 rows are an answer, too. */
static struct request *finish(struct import *import, struct request *request)
{
    import->request = NULL;
    if (import->state != IMPORT_SETTLING) {
        import_close_spool(import);
        import->state = IMPORT_IDLE;
    }
    return request;
}

struct request *import_answer_counts(struct import *import, struct http_context *context)
{
    struct request *request = import->request;
    if (request == NULL)
        return finish(import, NULL);
    struct json_writer json = head_body(request);
    json_open_object(&json);
    json_put_member_integer(&json, "created", import->created);
    json_put_member_integer(&json, "updated", import->updated);
    json_put_member_integer(&json, "unchanged", import->unchanged);
    json_put_member_integer(&json, "stock_ignored", (int64_t)import->updated + import->unchanged);
    json_put_name(&json, "errors");
    json_open_array(&json);
    json_close_array(&json);
    json_close_object(&json);
    CHECK(!json.overflow);
    struct head head = {.status = 200, .type = HEAD_JSON, .cache = HEAD_PRIVATE_NO_STORE};
    head_put(context, request, &head, json.size);
    return finish(import, request);
}

struct request *import_answer_errors(struct import *import, struct http_context *context)
{
    struct request *request = import->request;
    if (request == NULL)
        return finish(import, NULL);
    /* Without a large reply fewer errors are told. */
    if (request->reply.size_max < ERROR_REPLY_SIZE)
        (void)context->enlarge(context->host, request, ERROR_REPLY_SIZE);
    struct problem problem;
    problem_begin(&problem, context, request, PROBLEM_INVALID,
        "The file has errors; nothing was changed.", 0);
    import_check_put_errors(&import->check, &problem.json);
    problem_end(&problem, context, request);
    CHECK(!request->reply.overflow);
    return finish(import, request);
}

struct request *import_answer_full(
    struct import *import, struct http_context *context, const char *table)
{
    struct request *request = import->request;
    if (request == NULL)
        return finish(import, NULL);
    struct problem problem;
    problem_begin(&problem, context, request, PROBLEM_CAPACITY_EXHAUSTED,
        "The catalog has no room for the file; nothing was changed.", 0);
    json_put_member_string(&problem.json, "bound", bytes_of_string(table));
    json_put_member_integer(&problem.json, "created", import->check.created);
    problem_end(&problem, context, request);
    return finish(import, request);
}

struct request *import_answer_problem(
    struct import *import, struct http_context *context, enum problem_code code, const char *detail)
{
    struct request *request = import->request;
    if (request != NULL)
        problem_answer(context, request, code, detail);
    return finish(import, request);
}

struct request *import_answer_failure(struct import *import, struct http_context *context)
{
    char detail[128], reason[64];
    snprintf(detail, sizeof(detail), "import.spool in the data directory: %s.",
        strerror_r(import->failure, reason, sizeof(reason)));
    return import_answer_problem(import, context, PROBLEM_CAPACITY_EXHAUSTED, detail);
}
