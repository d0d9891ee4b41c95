-- SPDX-License-Identifier: Apache-2.0
-- rebuild - what hotshelf recover --from-postgres puts back, worked out from the tables of the
-- stream (persist/rebuild.h). Runs in one transaction that sees one moment; all of it is temporary.
--
-- rebuild_settings has one row, made before: node, now_ms, order_keep_ms, late_ms, idempotency_ms.
-- Times become milliseconds. The moment that is rebuilt is the last one that PostgreSQL knows of:
-- the time since then costs no customer anything, as no outage does (L7). shelf_ms is the latest
-- shelf clock that orders tell, null in rows of schemas before version 4 only.

CREATE FUNCTION pg_temp.ms(at timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE AS
    'SELECT floor(extract(epoch FROM at) * 1000)::bigint';

CREATE TEMP TABLE rebuild_moment ON COMMIT DROP AS
SELECT s.node, s.order_keep_ms, s.late_ms, s.idempotency_ms,
    (SELECT max(shelf_ms) FROM hotshelf.orders WHERE node = s.node) AS shelf_ms,
    least(s.now_ms, coalesce(greatest(
        (SELECT pg_temp.ms(max(updated_at)) FROM hotshelf.orders WHERE node = s.node),
        (SELECT pg_temp.ms(max(updated_at)) FROM hotshelf.products WHERE node = s.node),
        (SELECT pg_temp.ms(max(occurred_at)) FROM hotshelf.stock_movements WHERE node = s.node),
        (SELECT pg_temp.ms(max(o.occurred_at)) FROM hotshelf.outbox o
            JOIN hotshelf.stream_position p USING (node, shard, seq) WHERE o.node = s.node)),
        s.now_ms)) AS ms
FROM rebuild_settings s;

-- A SKU can live several times: it comes again after its sale was deleted, and has nothing to do
-- with orders of before. Its life that counts is the one with the greatest number in any row. Rows
-- of schemas before version 4 have no number. They are of an earlier life if any row with a number
-- is, or if it began with a row that has one; else those since it began last, and the order of
-- shard 0's events tells that of products, but only clocks that of orders.
CREATE TEMP TABLE rebuild_numbers ON COMMIT DROP AS
SELECT n.sku, max(n.sku_number) AS number, min(n.sku_number) AS first_number
FROM (SELECT node, sku, sku_number FROM hotshelf.products
    UNION ALL SELECT node, sku, sku_number FROM hotshelf.stock_movements
    UNION ALL SELECT o.node, l.sku, l.sku_number
        FROM hotshelf.order_lines l JOIN hotshelf.orders o USING (order_id)) n
JOIN rebuild_moment t USING (node) GROUP BY n.sku;

CREATE TEMP TABLE rebuild_lives ON COMMIT DROP AS
SELECT n.sku, n.number, coalesce(n.first_number < n.number, false)
        OR coalesce(bool_or(b.sku_number = n.number), false) AS is_numbered,
    max(b.seq) AS begun_seq, max(b.occurred_at) AS begun_at
FROM rebuild_numbers n LEFT JOIN (
    SELECT m.sku, m.sku_number, m.seq, m.occurred_at FROM hotshelf.stock_movements m
    JOIN rebuild_moment t USING (node) WHERE m.reason = 'new product' AND m.delta = m.allotment
    UNION ALL SELECT x.aggregateid, NULL, x.seq, x.occurred_at FROM hotshelf.outbox x
    JOIN rebuild_moment t USING (node) WHERE x.aggregatetype = 'product'
        AND x.payload -> 'data' ->> 'created' = 'true') b USING (sku)
GROUP BY n.sku, n.number, n.first_number;

CREATE TEMP TABLE rebuild_movements ON COMMIT DROP AS
SELECT m.* FROM hotshelf.stock_movements m JOIN rebuild_moment t USING (node)
JOIN rebuild_lives b USING (sku)
WHERE m.sku_number = b.number OR (m.sku_number IS NULL AND NOT b.is_numbered
    AND (b.begun_seq IS NULL OR m.seq >= b.begun_seq));

CREATE TEMP TABLE rebuild_lines ON COMMIT DROP AS
SELECT l.order_id, l.line, l.sku, l.seller, l.sale, l.quantity, l.cancelled, l.restocked,
    l.unit_price, l.max_per_customer, o.customer, o.currency,
    o.status IN ('pending_payment', 'review') AS open, o.confirmed_at IS NOT NULL AS sold
FROM rebuild_moment t JOIN hotshelf.orders o ON o.node = t.node
JOIN hotshelf.order_lines l USING (order_id) JOIN rebuild_lives b ON b.sku = l.sku
WHERE l.sku_number = b.number OR (l.sku_number IS NULL AND NOT b.is_numbered
    AND (b.begun_at IS NULL OR o.created_at >= b.begun_at));

ANALYZE rebuild_lines;

-- Sales and switches are in no table of their own: the last event of each tells all of it. The
-- outbox has no index for them, and is read through once.
CREATE TEMP TABLE rebuild_sale_events ON COMMIT DROP AS
SELECT x.aggregateid AS sale, x.type, x.seq, x.payload -> 'data' AS data,
    pg_temp.ms(x.occurred_at) AS at_ms
FROM hotshelf.outbox x, rebuild_moment t WHERE x.node = t.node AND x.aggregatetype = 'sale';

-- How many events, which number their shard's position, were deleted; of shard 0 alone too, since
-- those of sales and switches are among them.
CREATE TEMP TABLE rebuild_outbox ON COMMIT DROP AS
SELECT coalesce(sum(m.missing), 0) AS missing,
    coalesce(sum(m.missing) FILTER (WHERE m.shard = 0), 0) AS missing_of_0
FROM (SELECT p.shard, p.seq - count(x.seq) AS missing FROM rebuild_moment t
    JOIN hotshelf.stream_position p USING (node) LEFT JOIN hotshelf.outbox x
        ON (x.node, x.shard) = (p.node, p.shard) AND x.seq <= p.seq GROUP BY p.shard, p.seq) m;

CREATE TEMP TABLE rebuild_sales ON COMMIT DROP AS
SELECT s.sale, s.terms, coalesce(t.told, 0) AS told
FROM (SELECT DISTINCT ON (sale) sale, data AS terms FROM rebuild_sale_events
    WHERE type IN ('sale.changed.v1', 'sale.opened.v1', 'sale.closed.v1')
    ORDER BY sale, seq DESC) s
LEFT JOIN (SELECT DISTINCT ON (sale) sale, CASE type WHEN 'sale.opened.v1' THEN 1 ELSE 2 END AS told
    FROM rebuild_sale_events WHERE type IN ('sale.opened.v1', 'sale.closed.v1')
    ORDER BY sale, seq DESC) t USING (sale);

-- Numbers stay what they are, so that rows of then and of later do not mix. A SKU that only orders
-- know: its product had not been streamed yet, or only one of an earlier life.
CREATE TEMP TABLE rebuild_known ON COMMIT DROP AS
SELECT p.* FROM hotshelf.products p JOIN rebuild_moment t USING (node) JOIN rebuild_lives b
USING (sku) WHERE p.sku_number IS NULL OR p.sku_number = b.number;

CREATE TEMP TABLE rebuild_products ON COMMIT DROP AS
SELECT coalesce(b.number, (SELECT coalesce(max(number), 0) FROM rebuild_numbers)
        + row_number() OVER (PARTITION BY b.number IS NULL ORDER BY k.sku)) AS number,
    k.sku, p.sku IS NULL AS unknown,
    coalesce(p.title, k.sku) AS title, coalesce(p.category, '') AS category,
    coalesce(p.seller, l.seller, '') AS seller, coalesce(p.sale, l.sale, '') AS sale,
    coalesce(p."group", '') AS "group", coalesce(p.option, '') AS option,
    coalesce(p.image, '') AS image, coalesce(p.currency, l.currency) AS currency,
    coalesce(p.prices, jsonb_build_object(l.currency, l.unit_price)) AS prices,
    coalesce(p.max_per_customer, 0) AS max_per_customer,
    coalesce(p.hold_seconds, 0) AS hold_seconds, p.reserve_on,
    coalesce(pg_temp.ms(p.starts_at), 0) AS starts_ms,
    coalesce(pg_temp.ms(p.ends_at), 0) AS ends_ms, coalesce(p.version, 1) AS version,
    coalesce(m.allotment, 0) AS known_allotment,
    greatest(coalesce(m.allotment, 0), coalesce(u.units, 0)) AS allotment
FROM (SELECT sku FROM rebuild_known UNION SELECT sku FROM rebuild_lines) k
LEFT JOIN rebuild_known p ON p.sku = k.sku
LEFT JOIN (SELECT DISTINCT ON (sku) sku, allotment FROM rebuild_movements
    ORDER BY sku, seq DESC) m ON m.sku = k.sku
LEFT JOIN (SELECT DISTINCT ON (sku) * FROM rebuild_lines ORDER BY sku, order_id DESC) l
    ON l.sku = k.sku
LEFT JOIN rebuild_lives b ON b.sku = k.sku
LEFT JOIN (SELECT sku, sum(CASE WHEN open THEN quantity - cancelled ELSE 0 END
    + CASE WHEN sold THEN quantity - restocked ELSE 0 END) AS units
    FROM rebuild_lines GROUP BY sku) u ON u.sku = k.sku;

CREATE TEMP TABLE rebuild_names ON COMMIT DROP AS
SELECT row_number() OVER (ORDER BY n.name)::integer AS number, n.name,
    bool_or(n.seller) AS is_seller, bool_or(n.sale) AS is_sale
FROM (SELECT seller AS name, true AS seller, false AS sale FROM rebuild_products
    UNION ALL SELECT sale, false, true FROM rebuild_products
    UNION ALL SELECT seller, true, false FROM rebuild_lines
    UNION ALL SELECT sale, false, true FROM rebuild_lines
    UNION ALL SELECT sale, false, true FROM rebuild_sales) n
WHERE n.name <> '' GROUP BY n.name;

-- What a SKU sold in a sale goes by: the limit, and when it is over (L9). 0: none, never.
CREATE TEMP TABLE rebuild_terms ON COMMIT DROP AS
SELECT l.sku, coalesce(l.sale, '') AS sale, p.number, coalesce(n.number, 0) AS sale_number,
    coalesce(nullif(p.max_per_customer, 0), (s.terms ->> 'max_per_customer')::bigint, 0)
        AS max_per_customer,
    coalesce(CASE WHEN p.sale = coalesce(l.sale, '') THEN nullif(p.ends_ms, 0) END,
        pg_temp.ms((s.terms ->> 'ends_at')::timestamptz), 0) AS ends_ms
FROM (SELECT DISTINCT sku, sale FROM rebuild_lines) l JOIN rebuild_products p USING (sku)
LEFT JOIN rebuild_names n ON n.name = l.sale LEFT JOIN rebuild_sales s ON s.sale = l.sale;

-- Keys live a day at least, and a day past the end of what was bought (I6).
CREATE TEMP TABLE rebuild_ends ON COMMIT DROP AS
SELECT l.order_id, max(t.ends_ms) AS ends_ms, count(*) AS lines FROM rebuild_lines l
JOIN rebuild_terms t ON t.sku = l.sku AND t.sale = coalesce(l.sale, '') GROUP BY l.order_id;

CREATE FUNCTION pg_temp.keep(at bigint, ends bigint, idempotency_ms bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE AS
    'SELECT at + greatest(idempotency_ms,
        CASE WHEN ends > at THEN ends - at + 86400000 ELSE 0 END)';

-- kind as enum request_kind. Requests of cancels and stock changes are not in PostgreSQL. A key
-- that was used again had ended before: who used it last has it. What a stock change's key waits
-- for is the end of what is sold, the product's own or its sale's.
CREATE TEMP TABLE rebuild_keys ON COMMIT DROP AS
SELECT DISTINCT ON (kind, owner, key) *
FROM (SELECT 1 AS kind, o.customer AS owner, pg_temp.ms(o.created_at) AS turn, o.order_id,
    o.customer, 0 AS sku_number, o.idempotency_key AS key,
    encode(o.request_hash, 'hex') AS request,
    pg_temp.keep(pg_temp.ms(o.created_at), e.ends_ms, t.idempotency_ms) AS keep_ms,
    0::bigint AS allotment, 0::bigint AS available, 0::bigint AS held, 0::bigint AS sold
FROM rebuild_moment t JOIN hotshelf.orders o ON o.node = t.node JOIN rebuild_ends e USING (order_id)
WHERE o.idempotency_key IS NOT NULL
UNION ALL
SELECT 2, o.order_id::text, pg_temp.ms(x.occurred_at), o.order_id, o.customer, 0,
    x.payload -> 'data' ->> 'idempotency_key', NULL,
    pg_temp.keep(pg_temp.ms(x.occurred_at), e.ends_ms, t.idempotency_ms), 0, 0, 0, 0
FROM rebuild_moment t JOIN hotshelf.outbox x ON x.node = t.node
JOIN hotshelf.orders o ON o.order_id::text = x.aggregateid
JOIN rebuild_ends e ON e.order_id = o.order_id
WHERE x.aggregatetype = 'order' AND x.payload -> 'data' ->> 'idempotency_key' IS NOT NULL
    AND x.type NOT IN ('order.placed.v1', 'order.confirmed.v1', 'order.review.v1')
UNION ALL
SELECT 3, m.sku, m.seq, NULL, NULL, p.number, m.idempotency_key, NULL,
    pg_temp.keep(pg_temp.ms(m.occurred_at), coalesce(nullif(p.ends_ms, 0),
        pg_temp.ms((s.terms ->> 'ends_at')::timestamptz), 0), t.idempotency_ms), m.allotment,
    coalesce((x.payload -> 'data' ->> 'available')::bigint, 0),
    coalesce((x.payload -> 'data' ->> 'held')::bigint, 0),
    coalesce((x.payload -> 'data' ->> 'sold')::bigint, 0)
FROM rebuild_moment t JOIN rebuild_movements m ON m.node = t.node
JOIN rebuild_products p USING (sku) LEFT JOIN rebuild_sales s ON s.sale = p.sale
LEFT JOIN hotshelf.outbox x ON (x.node, x.shard, x.seq) = (m.node, m.shard, m.seq)
WHERE m.idempotency_key IS NOT NULL) k ORDER BY kind, owner, key, turn DESC;
DELETE FROM rebuild_keys USING rebuild_moment t WHERE keep_ms <= t.ms;

-- Orders that a server would keep (O5): those that are not final, and final ones for a while; not
-- one with a SKU of a life before. What is not kept counts line by line. left_ms is what the shelf
-- clock leaves to one that waits.
CREATE TEMP TABLE rebuild_orders ON COMMIT DROP AS
SELECT o.*, coalesce(k.keep_ms, 0) AS keep_ms, nullif(o.due_shelf_ms, 0) - t.shelf_ms AS left_ms,
    (o.status IN ('pending_payment', 'review') OR o.refund_due > 0 OR o.status = 'refund_required'
    OR coalesce(k.keep_ms, 0) > t.ms
    OR pg_temp.ms(o.updated_at) + CASE WHEN o.status = 'expired' THEN t.late_ms
        ELSE t.order_keep_ms END > t.ms)
    AND e.lines = (SELECT count(*) FROM hotshelf.order_lines l WHERE l.order_id = o.order_id)
        AS is_kept
FROM rebuild_moment t JOIN hotshelf.orders o ON o.node = t.node JOIN rebuild_ends e USING (order_id)
LEFT JOIN (SELECT order_id, max(keep_ms) AS keep_ms FROM rebuild_keys WHERE order_id IS NOT NULL
    GROUP BY order_id) k USING (order_id);
CREATE UNIQUE INDEX ON rebuild_orders (order_id);
CREATE INDEX ON rebuild_lines (order_id);
ANALYZE rebuild_orders;

-- Limits count what was bought in orders of whatever age, until a day after the sale.
CREATE TEMP TABLE rebuild_allowances ON COMMIT DROP AS
SELECT l.customer, t.number, t.sale_number,
    sum(CASE WHEN l.open OR l.sold THEN l.quantity - l.cancelled ELSE 0 END) AS used
FROM rebuild_lines l JOIN rebuild_orders o USING (order_id)
JOIN rebuild_terms t ON t.sku = l.sku AND t.sale = coalesce(l.sale, '')
WHERE coalesce(l.max_per_customer, t.max_per_customer) > 0
GROUP BY 1, 2, 3, t.ends_ms
HAVING sum(CASE WHEN l.open OR l.sold THEN l.quantity - l.cancelled ELSE 0 END) > 0
    AND (bool_or(o.is_kept) OR t.ends_ms = 0
        OR t.ends_ms + 86400000 > (SELECT ms FROM rebuild_moment));

-- pause, freeze and kill: the last word on each scope.
CREATE TEMP TABLE rebuild_switches ON COMMIT DROP AS
SELECT DISTINCT ON (data ->> 'scope') type, data ->> 'scope' AS scope, data ->> 'state' AS state,
    coalesce(data ->> 'actor', '') AS actor, at_ms AS since_ms
FROM rebuild_sale_events
WHERE type IN ('sale.paused.v1', 'sale.frozen.v1', 'sale.killed.v1', 'sale.resumed.v1')
ORDER BY data ->> 'scope', seq DESC;
ANALYZE rebuild_keys
