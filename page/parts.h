/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parts - the constant parts of a page, made from the files of this folder by embed.py.
 *
 *     part[0] TITLE part[1] DESCRIPTION part[2] JSON part[3]
 *
 * Ownership  Constants.
 * Threads    Any.
 * Units      Bytes.
 * Errors     None.
 * Cost       None.
 */
#ifndef HOTSHELF_PAGE_PARTS_H
#define HOTSHELF_PAGE_PARTS_H

#include "page/page.h"

#define PARTS_OF_A_PAGE 4

struct part {
    const char *text;
    size_t size;
};

const struct part *parts_of(enum page_kind kind);

#endif
