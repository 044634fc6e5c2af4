-- What the control of a row in doubt needs: when its last call that may have had
-- an effect had surely ended, what the last reading of the records lacked, when
-- the call of a posting began, and which postings went to a scanned code's member.
-- +goose Up
ALTER TABLE outbox ADD COLUMN quiet_since timestamptz, ADD COLUMN lack text;
-- The deadline of an older doubt is not known; it is over by now.
UPDATE outbox SET quiet_since = now() WHERE in_doubt;

ALTER TABLE postings ADD COLUMN first_sent_at timestamptz, ADD COLUMN by_code boolean;

-- The operations that went to a member by a scanned code, open and ended.
CREATE INDEX outbox_resolved_member_idx ON outbox (target, resolved_member_id) WHERE resolved_member_id IS NOT NULL;
CREATE INDEX postings_code_member_idx ON postings (member_id) WHERE by_code;

COMMENT ON COLUMN outbox.quiet_since IS 'When the last call that may have had an effect had surely ended; null: not in doubt.';
COMMENT ON COLUMN outbox.lack IS 'What the last reading of the records lacked to prove that it was not applied; null: nothing was read, or nothing lacks.';
COMMENT ON COLUMN postings.first_sent_at IS 'When its first call began, or earlier; null: not known.';
COMMENT ON COLUMN postings.by_code IS 'The member was resolved from a scanned code; null: not known.';

-- +goose Down
DROP INDEX postings_code_member_idx;
DROP INDEX outbox_resolved_member_idx;
ALTER TABLE postings DROP COLUMN by_code, DROP COLUMN first_sent_at;
ALTER TABLE outbox DROP COLUMN lack, DROP COLUMN quiet_since;
