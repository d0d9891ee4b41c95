/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openapi - the description of the calls, as it is served under /openapi.json: made from
 * openapi.yaml when the server is built (openapi.py), part of the program.
 *
 * Ownership  Constant.
 * Threads    Any.
 * Units      Bytes of JSON.
 * Errors     None.
 * Cost       None.
 */
#ifndef HOTSHELF_NET_HTTP_OPENAPI_H
#define HOTSHELF_NET_HTTP_OPENAPI_H

#include "core/bytes.h"

struct bytes openapi_json(void);
/* Changes when the text does: its ETag. */
uint64_t openapi_hash(void);

#endif
