-- Whose a scanned code is cannot be asked a week later: of what is recorded and not to
-- be sent yet (held, above a budget) it is asked soon. When, stands in the row; rows
-- that name their member, or are sent at once, have no time here and are in no index.
-- +goose Up
ALTER TABLE outbox ADD COLUMN code_due_at timestamptz;
CREATE INDEX outbox_code_idx ON outbox (target, code_due_at) WHERE code_due_at IS NOT NULL;

COMMENT ON COLUMN outbox.code_due_at IS 'When the member behind its scanned code is asked for, before the row itself is due; null: not before.';

-- What is held already.
UPDATE outbox x
   SET code_due_at = now()
  FROM operations o
 WHERE o.id = x.operation_id AND o.member_code IS NOT NULL AND o.member_id IS NULL AND x.resolved_member_id IS NULL
   AND x.first_sent_at IS NULL AND NOT x.in_doubt
   AND (x.state = 'pending' AND x.held_until > now() OR x.state = 'parked' AND x.cause IN ('over_budget', 'rebuilt'));

-- Said again: migration 39 has a movement more.
COMMENT ON COLUMN book_entries.movement IS 'accepted, posted, voided, spent (without a call of the vendor''s), void_undone and applied_after_void, or netted: taken from a grant or freeze before that was sent.';

-- +goose Down
DROP INDEX outbox_code_idx;
ALTER TABLE outbox DROP COLUMN code_due_at;
