/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request_kind - what requests are told apart by when their latencies are told.
 *
 * Ownership  None.
 * Threads    Any.
 * Units      None.
 * Errors     None.
 * Cost       None.
 */
#ifndef HOTSHELF_LOADTEST_REQUEST_KIND_H
#define HOTSHELF_LOADTEST_REQUEST_KIND_H

enum request_kind {
    REQUEST_AVAILABILITY,
    REQUEST_CART,
    REQUEST_CHECKOUT,
    REQUEST_PAYMENT,
    REQUEST_CANCEL,
    REQUEST_ORDER,
    REQUEST_PRODUCTS,
    REQUEST_KINDS
};

/* One word, as the reports name it. */
const char *request_kind_name(enum request_kind kind);

#endif
