/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reply - where a reply ends, and whether it is one that says yes.
 *
 * Ownership  Nothing is kept.
 * Threads    Any.
 * Units      Bytes.
 * Errors     `complaint` is set to what is wrong: another status than expected, an error of RESP,
 *            what is no reply at all. The caller shows the bytes.
 * Cost       One look at the head; RESP: at each element.
 */
#ifndef HOTSHELF_BENCH_REPLY_H
#define HOTSHELF_BENCH_REPLY_H

#include <stdint.h>

/* The size of the whole reply at the start of data; 0 while more has to come. */
uint32_t reply_of_http(
    const char *data, uint32_t size, int expected_status, const char **complaint);
uint32_t reply_of_resp(const char *data, uint32_t size, const char **complaint);

#endif
