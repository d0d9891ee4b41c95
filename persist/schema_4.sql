-- SPDX-License-Identifier: Apache-2.0
-- schema_4 - version 4: a database that was added when the journal had overwritten its first events
-- knows that it lacks what was live then, until it has all of it; and each position knows the data
-- directory whose events it counts, so that one which another has replaced does not come back (S1).
-- Rows know which life of a SKU they are of: one that comes again after its sale was deleted has
-- another number, greater than all before. And what an order waits for stands on the shelf clock,
-- which outages and freezes stop (L7): wall times alone would take those from it. Rows of before
-- have null.

ALTER TABLE hotshelf.stream_position
    ADD COLUMN adopting boolean NOT NULL DEFAULT false,
    ADD COLUMN adopted_at timestamptz, -- when it had all of it
    ADD COLUMN directory bigint; -- null: of the next that comes
ALTER TABLE hotshelf.products ADD COLUMN sku_number bigint;
ALTER TABLE hotshelf.stock_movements ADD COLUMN sku_number bigint;
ALTER TABLE hotshelf.order_lines ADD COLUMN sku_number bigint;
ALTER TABLE hotshelf.orders
    ADD COLUMN shelf_ms bigint,     -- of the event that made the row what it is
    ADD COLUMN due_shelf_ms bigint; -- payment due, or the review; 0: neither

INSERT INTO hotshelf.migrations (version) VALUES (4);
