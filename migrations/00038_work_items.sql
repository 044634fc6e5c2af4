-- What a person does in a vendor's back office, because no call can be made for it:
-- a view for the list, the export and finance alike, so that all count the same.
-- +goose Up
CREATE VIEW work_items AS
SELECT x.operation_id, x.target, o.kind, o.biz_id, o.reference, o.business_key,
       COALESCE(x.resolved_member_id, o.member_id, c.member_id, p.member_id) AS member_id,
       COALESCE(x.points, o.points) AS points, o.shop_code, o.event_type, o.event_source, o.business_date, o.recorded_at,
       x.next_attempt_at AS since, x.in_doubt,
       g.id AS origin_id, g.biz_id AS origin_biz_id, g.reference AS origin_reference,
       COALESCE(p.points, g.points) AS origin_points, p.posted_at AS origin_posted_at
  FROM outbox x
  JOIN operations o ON o.id = x.operation_id
  JOIN reversals r ON r.operation_id = x.operation_id
  JOIN operations g ON g.id = r.origin_id
  JOIN postings p ON p.operation_id = g.id
  LEFT JOIN corrections c ON c.operation_id = g.id
 WHERE x.state = 'parked' AND x.cause = 'no_vendor_call' AND (p.kind = 'posted' OR c.operation_id IS NOT NULL);

COMMENT ON VIEW work_items IS 'What is to be taken back or released in a vendor''s back office, as no call can be made for it, and what it takes from has arrived.';
COMMENT ON COLUMN work_items.since IS 'Since when a person can do it.';
COMMENT ON COLUMN work_items.in_doubt IS 'The database lost its newest commits since: somebody may have reported it already.';
COMMENT ON COLUMN work_items.origin_id IS 'The grant or freeze that it takes from, and when the vendor confirmed that.';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'points_ledger_finance') THEN
        GRANT SELECT ON work_items TO points_ledger_finance;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP VIEW work_items;
