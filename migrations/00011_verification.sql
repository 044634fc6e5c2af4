-- What verification has learned: that the vendor shows our reference in the
-- member's records. Only then does "not found" prove that nothing was applied.
-- +goose Up
ALTER TABLE accounts ADD COLUMN echo_seen_at timestamptz;

COMMENT ON COLUMN accounts.echo_seen_at IS 'When a record with one of our references was first seen; null: never.';

-- Records that are accounted for are counted by member.
CREATE INDEX operations_member_idx ON operations (target, member_id) WHERE member_id IS NOT NULL;

-- +goose Down
DROP INDEX operations_member_idx;
ALTER TABLE accounts DROP COLUMN echo_seen_at;
