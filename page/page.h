/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page - writes one self-contained HTML page that shows a JSON result: plots, tables, words.
 *
 *     shell.html + page.css + dom.js scale.js plot.js bars.js + KIND.js  --embed.py, at build-->  C
 *     page_write(): the parts of that kind, the title, and the JSON as data
 *
 * Any program that has a result as JSON has a page of it: one new KIND.js, one member of page_kind.
 * The script of a kind calls page.show(render): render(result) gets the parsed JSON and returns the
 * elements to show; dom.js says how elements, numbers and tables are made, plot.js and bars.js how
 * plots are. The page needs no network and asks for none: its content security policy admits the
 * scripts and the style of this build by their hashes, and nothing else. Text from the JSON is only
 * ever text (no innerHTML), and the JSON cannot end the element that carries it.
 *
 * Ownership  Nothing is kept.
 * Threads    Any, on streams of their own.
 * Units      Bytes.
 * Errors     page_write(): -errno of the write that failed.
 * Cost       About 40 KB and the JSON, written once.
 */
#ifndef HOTSHELF_PAGE_PAGE_H
#define HOTSHELF_PAGE_PAGE_H

#include <stddef.h>
#include <stdio.h>

enum page_kind {
    PAGE_RUN,     /* run.js: "hotshelf-loadtest 2" */
    PAGE_COMPARE, /* compare.js: "hotshelf-loadtest-compare 2" */
    PAGE_BENCH,   /* bench.js: "hotshelf-bench 2" */
    PAGE_KINDS
};

struct page {
    enum page_kind kind;
    const char *title;       /* of the window; plain text */
    const char *description; /* one sentence; plain text */
    const char *json;        /* one JSON value */
    size_t json_size;
};

int page_write(FILE *file, const struct page *page);

/* The same, into a file that is made anew. */
int page_write_file(const char *path, const struct page *page);

#endif
