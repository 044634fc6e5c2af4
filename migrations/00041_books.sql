-- What finance asks of the books, as views: each entry with what its operation was
-- about, what is open and why, what refunds owe, what became of a rejected event, what
-- came late. They are read by reconcile and with any Postgres client alike, so that
-- both count the same.
-- +goose Up

-- What the publisher named stands in the event's declared fields, whose text is ours: a
-- quotation mark inside a value is escaped there, so it cannot be taken for a name.
CREATE OR REPLACE VIEW operation_status AS
SELECT o.id, o.target, o.kind, o.biz_id, o.reference, o.business_key,
       COALESCE(c.member_id, p.member_id, x.resolved_member_id, o.member_id) AS member_id,
       COALESCE(p.points, x.points, o.points) AS points, o.source_type, o.points_channel, o.business_date, o.event_type, o.event_source, o.event_id,
       o.stream_seq, o.recorded_at,
       CASE
           WHEN p.kind = 'posted' THEN 'posted'
           WHEN c.operation_id IS NOT NULL THEN 'voided but applied'
           WHEN p.kind = 'voided' THEN 'voided'
           WHEN o.points = 0 THEN 'nothing to send'
           WHEN x.operation_id IS NULL THEN 'lost'
           WHEN x.state = 'parked' AND x.in_doubt THEN 'parked in doubt'
           WHEN x.state = 'parked' THEN 'parked'
           WHEN x.state = 'sending' THEN 'sending'
           WHEN x.in_doubt THEN 'waiting in doubt'
           WHEN x.waits_for IS NOT NULL THEN 'waiting for its origin'
           WHEN x.held_until > now() THEN 'held'
           WHEN x.attempts > 0 THEN 'waiting to retry'
           ELSE 'waiting'
       END AS state,
       x.cause, COALESCE(x.in_doubt, false) AS in_doubt,
       COALESCE(p.attempts, x.attempts, 0) AS attempts,
       x.next_attempt_at, COALESCE(c.evidence, p.evidence) AS evidence, p.posted_at,
       o.points AS recorded_points, x.waits_for, x.held_until, r.origin_id,
       o.shop_code, o.amount_fen,
       COALESCE(o.points_channel, substring(COALESCE(g.data, o.data) FROM '"channel":([1-9])[,}]')::smallint) AS channel,
       substring(COALESCE(g.data, o.data) FROM '"member":\{"customerId":"([0-9]+)"') AS published_customer_id,
       substring(COALESCE(g.data, o.data) FROM '"member":\{"customerId":(?:null|"[0-9]+"),"memberId":("(?:[^"\\]|\\.)*")')::json #>> '{}' AS published_member_id
  FROM operations o
  LEFT JOIN outbox x ON x.operation_id = o.id
  LEFT JOIN postings p ON p.operation_id = o.id
  LEFT JOIN corrections c ON c.operation_id = o.id
  LEFT JOIN reversals r ON r.operation_id = o.id
  LEFT JOIN operations g ON g.id = r.origin_id;
COMMENT ON COLUMN operation_status.amount_fen IS 'The order''s amount; of what takes back, the part that came back, null: all of it.';
COMMENT ON COLUMN operation_status.channel IS 'The channel of the order: Zhimai''s number, also of a freeze, for which no vendor is told a channel.';
COMMENT ON COLUMN operation_status.published_customer_id IS 'The customerId that the publisher named; of what takes back, as the sale named it.';
COMMENT ON COLUMN operation_status.published_member_id IS 'The memberId that the publisher named: who a freeze is for.';

CREATE VIEW book_entries AS
SELECT e.operation_id, CASE WHEN r.netted AND e.movement = 'posted' THEN 'netted' ELSE e.movement END AS movement,
       e.at, e.business_date, e.target, e.account,
       CASE WHEN starts_with(e.account, e.target || ':issued:') THEN 'issued' ELSE substring(e.account FROM '[^:]*$') END AS place,
       CASE WHEN NOT starts_with(e.account, e.target || ':issued:') THEN substring(substr(e.account, length(e.target) + 9) FROM '^(.*):[^:]*$') END AS member_id,
       e.points, o.kind, o.source_type,
       COALESCE(o.points_channel, substring(COALESCE(g.data, o.data) FROM '"channel":([1-9])[,}]')::smallint) AS channel,
       o.shop_code, o.business_key, o.event_type, o.reference, o.recorded_at, r.origin_id
  FROM entries e
  JOIN operations o ON o.id = e.operation_id
  LEFT JOIN reversals r ON r.operation_id = e.operation_id
  LEFT JOIN operations g ON g.id = r.origin_id;
COMMENT ON VIEW book_entries IS 'The entries of the books, each with what its operation was about. As of an instant: those whose at is not after it. Of a business date: those whose business_date is not after it.';
COMMENT ON COLUMN book_entries.movement IS 'accepted, posted, voided, void_undone and applied_after_void, or netted: taken from a grant or freeze before that was sent.';
COMMENT ON COLUMN book_entries.place IS 'The account''s last word: issued, vendor_balance, pending, credited, frozen or spent.';
COMMENT ON COLUMN book_entries.member_id IS 'Whose account it is; unresolved while only a scanned code is known; null for issued.';

CREATE VIEW open_points AS
SELECT o.id AS operation_id, o.target, o.kind, o.source_type, o.shop_code, o.business_key,
       COALESCE(x.resolved_member_id, o.member_id) AS member_id, COALESCE(x.points, o.points) AS points,
       CASE
           WHEN x.operation_id IS NULL THEN 'lost'
           WHEN x.state = 'parked' AND x.cause = 'no_vendor_call' THEN 'by_hand'
           WHEN x.in_doubt THEN 'in_doubt'
           WHEN x.state = 'parked' AND x.cause = 'over_budget' THEN 'over_budget'
           WHEN x.state = 'parked' THEN 'parked'
           WHEN x.waits_for IS NOT NULL THEN 'waits_for_origin'
           WHEN x.held_until > now() THEN 'held'
           ELSE 'on_its_way'
       END AS why,
       o.business_date, o.recorded_at, x.held_until
  FROM operations o
  LEFT JOIN outbox x ON x.operation_id = o.id
 WHERE o.points > 0 AND NOT EXISTS (SELECT 1 FROM postings p WHERE p.operation_id = o.id);
COMMENT ON VIEW open_points IS 'What is accepted and has not ended, now: the accounts pending, by operation.';
COMMENT ON COLUMN open_points.why IS 'by_hand: no call can be made for it, a person does it. in_doubt: the vendor may have applied it. over_budget and parked wait for a person. waits_for_origin: for the end of what it takes from. held: not due. lost must never appear.';

CREATE VIEW refunds_owed AS
SELECT s.id AS operation_id, s.target, s.kind, s.event_source, s.event_type, s.event_id, s.business_key, s.member_id, s.points, s.shop_code, s.amount_fen,
       s.business_date, s.recorded_at, s.origin_id, g.reference AS origin_reference,
       CASE WHEN p.operation_id IS NOT NULL THEN 'given_up' ELSE w.why END AS why, p.posted_at AS given_up_at
  FROM operation_status s
  JOIN operations g ON g.id = s.origin_id
  LEFT JOIN open_points w ON w.operation_id = s.id
  LEFT JOIN postings p ON p.operation_id = s.id
 WHERE s.kind IN ('points_deduct', 'unfreeze_point') AND s.points > 0
   AND (w.operation_id IS NOT NULL OR s.state = 'voided' AND p.evidence = 'manual');
COMMENT ON VIEW refunds_owed IS 'What refunds and cancellations are to take back or release and have not: open, or given up by a person. What was netted is not in it.';
COMMENT ON COLUMN refunds_owed.why IS 'given_up: a person said that it is not possible, and the member keeps it. Otherwise as in open_points.';

-- +goose StatementBegin
CREATE FUNCTION points_ledger_event_data(payload bytea) RETURNS json LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    event json;
BEGIN
    event := convert_from(payload, 'UTF8')::json;
    IF json_typeof(event) IS DISTINCT FROM 'object' THEN
        RETURN NULL;
    END IF;
    event := COALESCE(event -> 'data', event);
    IF json_typeof(event) IS DISTINCT FROM 'object' THEN
        RETURN NULL;
    END IF;
    RETURN event;
EXCEPTION
    WHEN OTHERS THEN
        RETURN NULL; -- many a reject is no JSON
END
$$;
-- A text of an event; null where there is none, or one that the database cannot hold.
CREATE FUNCTION points_ledger_event_text(data json, VARIADIC path text[]) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN data #>> path;
EXCEPTION
    WHEN OTHERS THEN
        RETURN NULL;
END
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION points_ledger_event_data(bytea) IS 'The data of a CloudEvent, whole or in headers; null where it is no JSON object.';

CREATE VIEW reject_status AS
SELECT r.id, r.rejected_at, r.reason_code, r.reason, r.event_source, r.event_type, r.event_id,
       n.order_id, n.member_id, first.operation_id, COALESCE(given.points, 0) AS granted_points,
       COALESCE(first.recorded_at > r.rejected_at, false) AS settled_later, first.recorded_at AS settled_at,
       r.resolved_at, r.resolved_by, r.resolution
  FROM rejects r
 CROSS JOIN LATERAL (SELECT points_ledger_event_data(r.payload) AS data) AS d
 CROSS JOIN LATERAL (
    SELECT COALESCE(points_ledger_event_text(d.data, 'orderId'), points_ledger_event_text(d.data, 'reviewId')) AS order_id,
           COALESCE(points_ledger_event_text(d.data, 'orderSource'), r.event_source) AS order_source,
           COALESCE(points_ledger_event_text(d.data, 'member', 'customerId'), points_ledger_event_text(d.data, 'member', 'memberId')) AS member_id
 ) AS n
  LEFT JOIN LATERAL (
    SELECT o.id AS operation_id, o.recorded_at
      FROM operations o
     WHERE o.business_key = n.order_id AND o.event_source = r.event_source AND o.event_type = r.event_type
       AND (r.event_type <> 'order.refunded'
            OR points_ledger_event_text(points_ledger_event_data(convert_to(o.data, 'UTF8')), 'refundId') = points_ledger_event_text(d.data, 'refundId'))
     ORDER BY o.id
     LIMIT 1
 ) AS first ON true
  LEFT JOIN LATERAL (
    SELECT sum(s.points) AS points
      FROM operation_status s
     WHERE s.business_key = n.order_id AND s.event_source = n.order_source AND s.kind = 'points_add' AND s.state <> 'voided'
 ) AS given ON true;
COMMENT ON VIEW reject_status IS 'Each rejected event with the order and the member that it names, and what the ledger has of that order.';
COMMENT ON COLUMN reject_status.operation_id IS 'The first operation of the same source, type and order; of a refund, with the same refundId. Null: none.';
COMMENT ON COLUMN reject_status.granted_points IS 'What grants of that order gave or are to give, less what refunds took before they were sent.';
COMMENT ON COLUMN reject_status.settled_later IS 'That operation was recorded after the rejection. False beside an operation: it was there before, as for a conflict.';

CREATE VIEW late_events AS
SELECT o.id AS operation_id, o.target, o.kind, o.event_source, o.event_type, o.event_id, o.business_key, o.member_id, o.shop_code, o.points,
       o.business_date, o.event_time, o.recorded_at, o.recorded_at::date AS recorded_on, o.recorded_at::date - o.business_date AS days_late
  FROM operations o
 WHERE o.recorded_at::date > o.business_date;
COMMENT ON VIEW late_events IS 'Operations that were recorded after their business date had ended, by the days of the session''s time zone.';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'points_ledger_finance') THEN
        -- A program looks at the version of the schema before it reads.
        GRANT SELECT ON book_entries, open_points, refunds_owed, reject_status, late_events, goose_db_version TO points_ledger_finance;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP VIEW late_events;
DROP VIEW reject_status;
DROP FUNCTION points_ledger_event_text(json, text[]);
DROP FUNCTION points_ledger_event_data(bytea);
DROP VIEW refunds_owed;
DROP VIEW open_points;
DROP VIEW book_entries;
DROP VIEW operation_status;
CREATE VIEW operation_status AS
SELECT o.id, o.target, o.kind, o.biz_id, o.reference, o.business_key,
       COALESCE(c.member_id, p.member_id, x.resolved_member_id, o.member_id) AS member_id,
       COALESCE(p.points, x.points, o.points) AS points, o.source_type, o.points_channel, o.business_date, o.event_type, o.event_source, o.event_id,
       o.stream_seq, o.recorded_at,
       CASE
           WHEN p.kind = 'posted' THEN 'posted'
           WHEN c.operation_id IS NOT NULL THEN 'voided but applied'
           WHEN p.kind = 'voided' THEN 'voided'
           WHEN o.points = 0 THEN 'nothing to send'
           WHEN x.operation_id IS NULL THEN 'lost'
           WHEN x.state = 'parked' AND x.in_doubt THEN 'parked in doubt'
           WHEN x.state = 'parked' THEN 'parked'
           WHEN x.state = 'sending' THEN 'sending'
           WHEN x.in_doubt THEN 'waiting in doubt'
           WHEN x.waits_for IS NOT NULL THEN 'waiting for its origin'
           WHEN x.held_until > now() THEN 'held'
           WHEN x.attempts > 0 THEN 'waiting to retry'
           ELSE 'waiting'
       END AS state,
       x.cause, COALESCE(x.in_doubt, false) AS in_doubt,
       COALESCE(p.attempts, x.attempts, 0) AS attempts,
       x.next_attempt_at, COALESCE(c.evidence, p.evidence) AS evidence, p.posted_at,
       o.points AS recorded_points, x.waits_for, x.held_until, r.origin_id
  FROM operations o
  LEFT JOIN outbox x ON x.operation_id = o.id
  LEFT JOIN postings p ON p.operation_id = o.id
  LEFT JOIN corrections c ON c.operation_id = o.id
  LEFT JOIN reversals r ON r.operation_id = o.id;

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'points_ledger_finance') THEN
        GRANT SELECT ON operation_status TO points_ledger_finance;
        REVOKE SELECT ON goose_db_version FROM points_ledger_finance;
    END IF;
END
$$;
-- +goose StatementEnd
