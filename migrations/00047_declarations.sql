-- What shops say that they sold: what a stream or a webhook has lost shows nowhere else.
-- The events day.declared are kept, each once; of one day of a source, or of one of its
-- shops, the newest counts. A view holds the books of the day against it.
-- +goose Up
CREATE TABLE declarations (
    fact_key      uuid        NOT NULL,
    source        text        NOT NULL,
    source_key    text        NOT NULL,
    spellings     text[]      NOT NULL,
    shop_code     text,
    day           date        NOT NULL,
    orders        bigint      NOT NULL,
    amount_fen    bigint      NOT NULL,
    event_source  text        NOT NULL,
    event_id      text        NOT NULL,
    event_time    timestamptz NOT NULL,
    event_subject text        NOT NULL,
    stream_seq    bigint      NOT NULL,
    broker_time   timestamptz NOT NULL,
    data          text        NOT NULL,
    recorded_at   timestamptz NOT NULL DEFAULT now(),

    -- An event that comes again is the same declaration.
    CONSTRAINT declarations_one_per_event PRIMARY KEY (fact_key),
    CONSTRAINT declarations_not_negative CHECK (orders >= 0 AND amount_fen >= 0)
);
CREATE INDEX declarations_day_idx ON declarations (day, source_key);
CREATE INDEX declarations_newest_idx ON declarations (broker_time, stream_seq);
CREATE TRIGGER declarations_insert_only BEFORE UPDATE OR DELETE ON declarations
    FOR EACH ROW EXECUTE FUNCTION points_ledger_refuse_change();
CREATE TRIGGER declarations_no_truncate BEFORE TRUNCATE ON declarations
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_refuse_change();

COMMENT ON TABLE declarations IS 'What sources say that they sold on a day. Insert-only; the newest of a day counts, by the broker''s time.';
COMMENT ON COLUMN declarations.fact_key IS 'Hash of the event''s source, type and id.';
COMMENT ON COLUMN declarations.source IS 'The source of the orders: the event''s, or the one that it names.';
COMMENT ON COLUMN declarations.source_key IS 'One form of all spellings of the source.';
COMMENT ON COLUMN declarations.spellings IS 'The spellings of the source under which its orders may be recorded.';
COMMENT ON COLUMN declarations.shop_code IS 'The shop that is meant; null: the whole source.';

-- The day of a rejected event: its business date, or the day of its time, or of the
-- broker's, in the session's time zone.
-- +goose StatementBegin
CREATE FUNCTION points_ledger_event_day(payload bytea, headers bytea, broker_time timestamptz) RETURNS date LANGUAGE plpgsql STABLE AS $$
DECLARE
    event json;
    named text;
BEGIN
    event := convert_from(payload, 'UTF8')::json;
    named := COALESCE(points_ledger_event_text(event, 'data', 'businessDate'), points_ledger_event_text(event, 'businessDate'));
    IF named ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' THEN
        RETURN named::date;
    END IF;
    RETURN COALESCE(event ->> 'time', substring(convert_from(headers, 'UTF8') FROM '(?i)(?:^|\n)ce-time: *([^\r\n]+)'))::timestamptz::date;
EXCEPTION
    WHEN OTHERS THEN
        RETURN broker_time::date;
END
$$;
-- +goose StatementEnd

-- An order is counted once, by its first operation, which every one has, also one that
-- gives no points: those of one event have one fact and numbers from 0. Rows from before
-- facts were kept are told by the event. They are added up for each source, day and shop
-- before they are set beside the declarations: a million would be sorted twice.
CREATE VIEW declared_days AS
WITH newest AS (
    SELECT DISTINCT ON (source_key, COALESCE(shop_code, ''), day) source, source_key, shop_code, day, orders, amount_fen, event_id, broker_time
      FROM declarations
     ORDER BY source_key, COALESCE(shop_code, ''), day, broker_time DESC, stream_seq DESC, fact_key
), sources AS (
    SELECT DISTINCT source_key, unnest(spellings) AS event_source FROM declarations
), groups AS (
    SELECT o.event_source, o.business_date, o.shop_code, count(*) AS orders, COALESCE(sum(o.amount_fen), 0) AS amount_fen
      FROM operations o
     WHERE o.event_type = 'order.paid' AND o.event_source IN (SELECT event_source FROM sources)
       AND (o.fact_leg = 0 OR o.fact_key IS NULL AND NOT EXISTS (
            SELECT 1 FROM operations e
             WHERE e.business_key = o.business_key AND e.event_source = o.event_source AND e.event_type = o.event_type AND e.id < o.id))
     GROUP BY o.event_source, o.business_date, o.shop_code
), accepted AS (
    SELECT s.source_key, g.business_date AS day, CASE WHEN GROUPING(g.shop_code) = 1 THEN '' ELSE g.shop_code END AS shop,
           sum(g.orders)::bigint AS orders, sum(g.amount_fen) AS amount_fen
      FROM groups g
      JOIN sources s ON s.event_source = g.event_source
     GROUP BY GROUPING SETS ((s.source_key, g.business_date), (s.source_key, g.business_date, g.shop_code))
), refused AS (
    SELECT DISTINCT ON (s.source_key, COALESCE(n.order_id, r.id::text)) s.source_key, n.shop_code, n.amount,
           points_ledger_event_day(r.payload, r.headers, r.broker_time) AS day
      FROM rejects r
      JOIN sources s ON s.event_source = r.event_source
     CROSS JOIN LATERAL (SELECT points_ledger_event_data(r.payload) AS data) AS d
     CROSS JOIN LATERAL (
        SELECT points_ledger_event_text(d.data, 'orderId') AS order_id, points_ledger_event_text(d.data, 'shopCode') AS shop_code,
               points_ledger_event_text(d.data, 'amountFen') AS amount
     ) AS n
     WHERE r.event_type = 'order.paid'
       AND NOT EXISTS (
            SELECT 1 FROM operations o
             WHERE o.business_key = n.order_id AND o.event_type = 'order.paid'
               AND o.event_source IN (SELECT w.event_source FROM sources w WHERE w.source_key = s.source_key))
     ORDER BY s.source_key, COALESCE(n.order_id, r.id::text), r.id DESC
), rejected AS (
    SELECT source_key, day, CASE WHEN GROUPING(shop_code) = 1 THEN '' ELSE shop_code END AS shop,
           count(*) AS orders, COALESCE(sum(amount::bigint) FILTER (WHERE amount ~ '^[0-9]{1,18}$'), 0) AS amount_fen
      FROM refused
     GROUP BY GROUPING SETS ((source_key, day), (source_key, day, shop_code))
)
SELECT n.source, n.source_key, n.shop_code, n.day, n.day < current_date AS over,
       n.orders AS declared_orders, n.amount_fen AS declared_fen,
       COALESCE(a.orders, 0) AS accepted_orders, COALESCE(a.amount_fen, 0) AS accepted_fen,
       COALESCE(r.orders, 0) AS rejected_orders, COALESCE(r.amount_fen, 0) AS rejected_fen,
       n.orders - COALESCE(a.orders, 0) AS missing_orders, n.amount_fen - COALESCE(a.amount_fen, 0) AS missing_fen,
       n.orders = COALESCE(a.orders, 0) AND n.amount_fen = COALESCE(a.amount_fen, 0) AS adds_up,
       n.event_id, n.broker_time AS declared_at
  FROM newest n
  LEFT JOIN accepted a ON a.source_key = n.source_key AND a.day = n.day AND a.shop = COALESCE(n.shop_code, '')
  LEFT JOIN rejected r ON r.source_key = n.source_key AND r.day = n.day AND r.shop = COALESCE(n.shop_code, '');
COMMENT ON VIEW declared_days IS 'Each day that a source, or a shop of it, declared, and what the books have of it.';
COMMENT ON COLUMN declared_days.over IS 'The day has ended, in the session''s time zone.';
COMMENT ON COLUMN declared_days.accepted_orders IS 'Orders (order.paid) of the source with that business date, each once, also those that give no points; accepted_fen is the sum of their amounts, refunds not taken off.';
COMMENT ON COLUMN declared_days.rejected_orders IS 'Orders of which an event was rejected and none accepted; the day and the amount are the event''s, as far as its bytes tell.';
COMMENT ON COLUMN declared_days.missing_orders IS 'Declared less accepted; below 0 the books have more. So is missing_fen.';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'points_ledger_finance') THEN
        GRANT SELECT ON declarations, declared_days TO points_ledger_finance;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP VIEW declared_days;
DROP FUNCTION points_ledger_event_day(bytea, bytea, timestamptz);
DROP TABLE declarations;
