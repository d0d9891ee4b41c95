-- SPDX-License-Identifier: Apache-2.0
-- schema - what the stream keeps in PostgreSQL: orders and their parts as they are now, and the
-- outbox with every event that led there. Version 1.
--
-- Runs in one transaction under the advisory lock of persist/postgres_schema.c, once. Money is
-- bigint minor units of `currency`. No foreign keys and no triggers: every row comes from one
-- writer that has the whole truth, in one transaction with its position.

CREATE SCHEMA hotshelf;

CREATE TABLE hotshelf.migrations (
    version integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- Which database this is. The journal notes the id at first contact. It is made with the schema, so
-- a backup or a replica keeps it and a database that is dropped and made again has another one.
CREATE TABLE hotshelf.identity (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    id bigint NOT NULL
);
INSERT INTO hotshelf.identity (id)
VALUES (('x' || substr(replace(gen_random_uuid()::text, '-', ''), 18, 15))::bit(60)::bigint);

-- How far each shard's stream has come: seq is the last one whose rows are here. Updated in the
-- transaction that writes the rows, and nowhere else. Each connection of a server raises the epoch
-- and writes the server's name for this run: an older connection, or another server, is fenced out.
CREATE TABLE hotshelf.stream_position (
    node integer NOT NULL,
    shard integer NOT NULL,
    epoch bigint NOT NULL,
    holder bigint NOT NULL,
    seq bigint NOT NULL CHECK (seq >= 0),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (node, shard)
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE TABLE hotshelf.orders (
    order_id uuid PRIMARY KEY,
    node integer NOT NULL,
    shard integer NOT NULL,
    seq bigint NOT NULL, -- of the event that made the row what it is
    customer text NOT NULL,
    sale text, -- null when the lines are of several sales, or of none
    status text NOT NULL CHECK (status IN ('pending_payment', 'review', 'confirmed', 'cancelled',
        'expired', 'refund_required', 'refunded')),
    order_version integer NOT NULL,
    currency text NOT NULL,
    items_total bigint NOT NULL CHECK (items_total >= 0),
    adjustments jsonb NOT NULL,
    total bigint NOT NULL CHECK (total >= 0),
    paid bigint NOT NULL CHECK (paid >= 0),
    refund_due bigint NOT NULL CHECK (refund_due >= 0),
    refs jsonb NOT NULL,
    payment_mode text NOT NULL,
    payment_token text,
    provider text,
    payment_id text,
    idempotency_key text, -- of the checkout
    reclaimed boolean NOT NULL,
    payment_due_at timestamptz,
    cancel_until timestamptz,
    created_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    paid_at timestamptz,
    updated_at timestamptz NOT NULL
);
CREATE INDEX orders_customer ON hotshelf.orders (customer, created_at);

CREATE TABLE hotshelf.order_lines (
    order_id uuid NOT NULL,
    line integer NOT NULL,
    sku text NOT NULL,
    seller text,
    sale text,
    quantity bigint NOT NULL CHECK (quantity > 0),
    cancelled bigint NOT NULL CHECK (cancelled BETWEEN 0 AND quantity),
    restocked bigint NOT NULL CHECK (restocked BETWEEN 0 AND cancelled),
    unit_price bigint NOT NULL,
    line_total bigint NOT NULL,
    PRIMARY KEY (order_id, line)
);

-- One row for each report of a provider; refund_id tells refunds of one payment apart.
CREATE TABLE hotshelf.payments (
    provider text NOT NULL,
    payment_id text NOT NULL,
    order_id uuid NOT NULL,
    result text NOT NULL,
    amount bigint NOT NULL,
    currency text NOT NULL,
    refund_id text,
    occurred_at timestamptz NOT NULL,
    node integer NOT NULL,
    shard integer NOT NULL,
    seq bigint NOT NULL,
    UNIQUE NULLS NOT DISTINCT (provider, payment_id, result, refund_id)
);
CREATE INDEX payments_order ON hotshelf.payments (order_id);

-- One payment id belongs to one order for ever; the first order that named it has it.
CREATE TABLE hotshelf.payment_owner (
    provider text NOT NULL,
    payment_id text NOT NULL,
    order_id uuid NOT NULL,
    PRIMARY KEY (provider, payment_id)
);

CREATE TABLE hotshelf.products (
    sku text PRIMARY KEY,
    node integer NOT NULL,
    title text NOT NULL,
    category text,
    seller text,
    sale text,
    "group" text,
    option text,
    image text,
    currency text NOT NULL,
    price bigint NOT NULL,
    prices jsonb NOT NULL,
    max_per_customer bigint NOT NULL, -- 0: no limit
    hold_seconds bigint NOT NULL,     -- 0: the sale's
    reserve_on text,                  -- null: the sale's
    starts_at timestamptz,
    ends_at timestamptz,
    version bigint NOT NULL,
    updated_at timestamptz NOT NULL
);

-- Every change of an allotment; their sum for one SKU is its allotment. A new product brings one.
CREATE TABLE hotshelf.stock_movements (
    node integer NOT NULL,
    shard integer NOT NULL,
    seq bigint NOT NULL,
    sku text NOT NULL,
    delta bigint NOT NULL,
    allotment bigint NOT NULL, -- after it
    actor text,
    reason text,
    idempotency_key text,
    occurred_at timestamptz NOT NULL,
    PRIMARY KEY (node, shard, seq)
);
CREATE INDEX stock_movements_sku ON hotshelf.stock_movements (sku);

-- Every event, once. Column names are those that Debezium's outbox router expects.
CREATE TABLE hotshelf.outbox (
    id uuid NOT NULL,
    aggregatetype text NOT NULL,
    aggregateid text NOT NULL,
    type text NOT NULL,
    payload jsonb NOT NULL,
    node integer NOT NULL,
    shard integer NOT NULL,
    seq bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    traceparent text,
    PRIMARY KEY (node, shard, seq)
);

-- What could not be written as it was, or what a person should look at.
CREATE TABLE hotshelf.dead_letters (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    node integer NOT NULL,
    shard integer NOT NULL,
    seq bigint NOT NULL,
    reason text NOT NULL, -- refused: see sqlstate; payment_id_used: another order has it;
                          -- lost: events from seq on that are nowhere any more, see detail
    sqlstate text,
    detail text,
    raw bytea, -- of a refused event: its payload as it was to be written
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Moves a position in the transaction of its rows: raises unless it stands exactly where the
-- server believes it does.
CREATE FUNCTION hotshelf.advance(
    of_node integer, of_shard integer, at_epoch bigint, from_seq bigint, to_seq bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE hotshelf.stream_position SET seq = to_seq, updated_at = clock_timestamp()
    WHERE node = of_node AND shard = of_shard AND epoch = at_epoch AND seq = from_seq;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the stream of node % shard % is not at epoch % seq %',
            of_node, of_shard, at_epoch, from_seq USING ERRCODE = 'HS001';
    END IF;
END
$$;

CREATE PUBLICATION hotshelf_stream FOR TABLE hotshelf.outbox WITH (publish = 'insert');

INSERT INTO hotshelf.migrations (version) VALUES (1);
