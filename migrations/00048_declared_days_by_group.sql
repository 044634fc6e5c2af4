-- The orders of a day are added up for each source, day and shop first, and set beside the
-- declarations then: a million of them were sorted twice before. What the view says is
-- the same.
-- +goose Up
CREATE OR REPLACE VIEW declared_days AS
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

-- +goose Down
CREATE OR REPLACE VIEW declared_days AS
WITH newest AS (
    SELECT DISTINCT ON (source_key, COALESCE(shop_code, ''), day) source, source_key, shop_code, day, orders, amount_fen, event_id, broker_time
      FROM declarations
     ORDER BY source_key, COALESCE(shop_code, ''), day, broker_time DESC, stream_seq DESC, fact_key
), sources AS (
    SELECT DISTINCT source_key, unnest(spellings) AS event_source FROM declarations
), accepted AS (
    SELECT s.source_key, o.business_date AS day, CASE WHEN GROUPING(o.shop_code) = 1 THEN '' ELSE o.shop_code END AS shop,
           count(*) AS orders, COALESCE(sum(o.amount_fen), 0) AS amount_fen
      FROM operations o
      JOIN sources s ON s.event_source = o.event_source
     WHERE o.event_type = 'order.paid'
       AND (o.fact_leg = 0 OR o.fact_key IS NULL AND NOT EXISTS (
            SELECT 1 FROM operations e
             WHERE e.business_key = o.business_key AND e.event_source = o.event_source AND e.event_type = o.event_type AND e.id < o.id))
     GROUP BY GROUPING SETS ((s.source_key, o.business_date), (s.source_key, o.business_date, o.shop_code))
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
