/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy - the configured values the rules use where neither SKU nor sale has its own (L9).
 *
 * Ownership  A plain value, copied into each engine.
 * Threads    Read only.
 * Units      In each name.
 * Errors     The configuration checks the ranges (net/config.c).
 * Cost       None.
 */
#ifndef HOTSHELF_CORE_POLICY_H
#define HOTSHELF_CORE_POLICY_H

#include <stdint.h>

struct policy {
    uint16_t node;
    uint8_t payment_mode; /* enum payment_mode */
    uint8_t reserve_on;   /* enum reserve_on */
    uint32_t hold_seconds;
    uint32_t payment_seconds;
    uint32_t max_extensions;
    uint32_t max_life_seconds;
    uint32_t review_seconds;
    uint32_t cancel_seconds;
    uint32_t order_keep_seconds;
    uint32_t late_payment_seconds;
    uint32_t idempotency_seconds;
    uint32_t cart_idle_seconds;
    uint32_t lines_per_order;
    uint32_t lines_per_cart;
    uint32_t units_per_line;
    uint32_t max_open_orders;
    uint32_t risk_review_score, risk_decline_score; /* from this score on (P11); 0: off */
};

#define POLICY_DEFAULT                                                                             \
    ((struct policy){.node = 1,                                                                    \
        .payment_mode = 1,                                                                         \
        .reserve_on = 2,                                                                           \
        .hold_seconds = 600,                                                                       \
        .payment_seconds = 600,                                                                    \
        .max_extensions = 1,                                                                       \
        .max_life_seconds = 1800,                                                                  \
        .review_seconds = 86400,                                                                   \
        .cancel_seconds = 900,                                                                     \
        .order_keep_seconds = 86400,                                                               \
        .late_payment_seconds = 86400,                                                             \
        .idempotency_seconds = 86400,                                                              \
        .cart_idle_seconds = 1800,                                                                 \
        .lines_per_order = 512,                                                                    \
        .lines_per_cart = 512,                                                                     \
        .units_per_line = 1000000,                                                                 \
        .max_open_orders = 8})

#endif
