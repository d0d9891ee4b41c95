-- SPDX-License-Identifier: Apache-2.0
-- schema_3 - version 3: what a server needs, besides what the rows say already, to be rebuilt from
-- them when its data directory is lost (hotshelf recover --from-postgres). Rows of before have null:
-- then any request is taken for the one that used the key, and an order counts as born as it is.

ALTER TABLE hotshelf.orders
    ADD COLUMN request_hash bytea, -- of the checkout that idempotency_key belongs to
    ADD COLUMN identities bytea,   -- of the checkout: 16 bytes for each
    ADD COLUMN kept bytea;         -- how it was born, and what it waits for: persist/order_kept.h
ALTER TABLE hotshelf.order_lines
    ADD COLUMN max_per_customer bigint; -- in force when it was taken; 0: no limit

INSERT INTO hotshelf.migrations (version) VALUES (3);
