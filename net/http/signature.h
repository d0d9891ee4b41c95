/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signature - whether a payment provider's webhook is from him, and of now (P10).
 *
 *     Hotshelf-Signature: t=1795230000,v1=5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8
 *                         e108d8bd
 *     v1 = HMAC-SHA256(key, "1795230000" "." body), in hexadecimal digits
 *
 * t stands once, in seconds of Unix time, within SIGNATURE_WINDOW_SECONDS of our clock in either
 * direction. v1 may stand several times, one for each key that the sender knows: one that is good
 * under one of our keys is enough. Other schemes (v0=, v2=) are passed over, so that a sender can
 * begin to send one before we know it.
 *
 * Ownership  Nothing is kept.
 * Threads    Any.
 * Units      Seconds in t, milliseconds of Unix time in wall_ms.
 * Errors     NULL, or a sentence for the 401.
 * Cost       One pass over the body for each key; how long it takes tells nothing of how much of a
 *            signature was right.
 */
#ifndef HOTSHELF_NET_HTTP_SIGNATURE_H
#define HOTSHELF_NET_HTTP_SIGNATURE_H

#include "net/http/hmac.h"

enum { SIGNATURE_WINDOW_SECONDS = 300 };

const char *signature_fault(
    const struct hmac_keys *keys, struct bytes field, struct bytes body, int64_t wall_ms);

#endif
