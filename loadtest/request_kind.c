/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words are members of the JSON result: a new kind has a new word, an old word stays.
 */
#include "loadtest/request_kind.h"

const char *request_kind_name(enum request_kind kind)
{
    static const char *const name[REQUEST_KINDS] = {
        "availability", "cart", "checkout", "payment", "cancel", "order", "products"};
    return name[kind];
}
