-- SPDX-License-Identifier: Apache-2.0
-- schema_2 - version 2: reports of payments for orders that the server no longer keeps, and what
-- became of each. The server streams such a report as it came (payment.unmatched.v1); here is the
-- order, so here it is judged, in the transaction that writes the event: once, whoever sends again.

CREATE TABLE hotshelf.unmatched (
    node integer NOT NULL,
    shard integer NOT NULL,
    seq bigint NOT NULL, -- of its payment.unmatched.v1 in the outbox
    order_id uuid NOT NULL,
    provider text NOT NULL,
    payment_id text NOT NULL,
    result text NOT NULL,
    amount bigint NOT NULL,
    currency text NOT NULL,
    refund_id text,
    -- replay: known before. noted: nothing follows. captured: the order is paid. refunded: less is
    -- due back. refund_required: the money bought nothing and is due back. unknown_order, mismatch,
    -- payment_id_used: a person should look, see dead_letters.
    outcome text NOT NULL,
    occurred_at timestamptz NOT NULL,
    PRIMARY KEY (node, shard, seq)
);
CREATE INDEX unmatched_order ON hotshelf.unmatched (order_id);

-- Money for an order as it stands here: what it does to the order, by the rules of a live one.
CREATE FUNCTION hotshelf.judge_money(o hotshelf.orders, u hotshelf.unmatched, was_due boolean)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    captured bigint := CASE WHEN u.result = 'captured' THEN u.amount ELSE 0 END;
    own boolean := EXISTS (SELECT FROM hotshelf.payments p WHERE p.order_id = o.order_id
        AND p.result IN ('authorized', 'captured')
        AND (p.provider, p.payment_id) <> (u.provider, u.payment_id));
BEGIN
    IF o.status = 'confirmed' AND NOT own AND o.paid = 0 THEN
        IF captured = 0 THEN
            RETURN 'noted';
        END IF;
        UPDATE hotshelf.orders SET paid = captured, paid_at = u.occurred_at,
            updated_at = u.occurred_at WHERE order_id = o.order_id;
        RETURN 'captured';
    END IF;
    UPDATE hotshelf.orders SET paid = paid + captured,
        refund_due = refund_due + CASE WHEN was_due THEN 0 ELSE u.amount END,
        status = CASE WHEN status = 'confirmed' THEN status ELSE 'refund_required' END,
        updated_at = u.occurred_at
    WHERE order_id = o.order_id;
    RETURN CASE WHEN was_due THEN 'noted' ELSE 'refund_required' END;
END
$$;

CREATE FUNCTION hotshelf.judge_refund(o hotshelf.orders, u hotshelf.unmatched)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    UPDATE hotshelf.orders SET refund_due = refund_due - u.amount,
        status = CASE WHEN status = 'refund_required' AND refund_due = u.amount
            THEN 'refunded' ELSE status END, updated_at = u.occurred_at
    WHERE order_id = o.order_id;
    RETURN 'refunded';
END
$$;

-- The outcome of one report; the order, its payments and dead_letters say the same.
CREATE FUNCTION hotshelf.judge_unmatched(u hotshelf.unmatched)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    o hotshelf.orders;
    was_due boolean;
    verdict text := 'noted';
BEGIN
    SELECT * INTO o FROM hotshelf.orders WHERE order_id = u.order_id FOR UPDATE;
    was_due := EXISTS (SELECT FROM hotshelf.unmatched p WHERE p.order_id = u.order_id
        AND (p.provider, p.payment_id) = (u.provider, u.payment_id)
        AND p.outcome = 'refund_required') AND o.status <> 'refunded'
        OR o.status = 'refund_required' AND EXISTS (SELECT FROM hotshelf.payments p
            WHERE p.order_id = u.order_id AND p.result = 'authorized'
            AND (p.provider, p.payment_id) = (u.provider, u.payment_id));
    IF o.order_id IS NULL THEN
        verdict := 'unknown_order';
    ELSIF EXISTS (SELECT FROM hotshelf.payments p WHERE p.order_id = u.order_id
        AND (p.provider, p.payment_id, p.result) = (u.provider, u.payment_id, u.result)
        AND p.refund_id IS NOT DISTINCT FROM u.refund_id) THEN
        RETURN 'replay';
    ELSIF u.currency <> o.currency
        OR u.amount <> o.total AND u.result <> 'refunded'
        OR u.amount > o.refund_due AND u.result = 'refunded' THEN
        verdict := 'mismatch';
    ELSE
        INSERT INTO hotshelf.payment_owner (provider, payment_id, order_id)
        VALUES (u.provider, u.payment_id, u.order_id) ON CONFLICT DO NOTHING;
        IF NOT EXISTS (SELECT FROM hotshelf.payment_owner w WHERE w.order_id = u.order_id
            AND (w.provider, w.payment_id) = (u.provider, u.payment_id)) THEN
            verdict := 'payment_id_used';
        ELSE
            INSERT INTO hotshelf.payments (provider, payment_id, order_id, result, amount, currency,
                refund_id, occurred_at, node, shard, seq)
            VALUES (u.provider, u.payment_id, u.order_id, u.result, u.amount, u.currency,
                u.refund_id, u.occurred_at, u.node, u.shard, u.seq);
            IF u.result IN ('authorized', 'captured') THEN
                verdict := hotshelf.judge_money(o, u, was_due);
            ELSIF u.result = 'refunded' THEN
                verdict := hotshelf.judge_refund(o, u);
            END IF;
        END IF;
    END IF;
    IF verdict IN ('unknown_order', 'mismatch', 'payment_id_used') THEN
        INSERT INTO hotshelf.dead_letters (node, shard, seq, reason, detail)
        VALUES (u.node, u.shard, u.seq, verdict, format('%s %s, %s of %s %s for order %s',
            u.provider, u.payment_id, u.result, u.amount, u.currency, u.order_id));
    END IF;
    RETURN verdict;
END
$$;

INSERT INTO hotshelf.migrations (version) VALUES (2);
