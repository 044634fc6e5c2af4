-- Which open rows a person put back. What a replay sends may be refused for
-- reasons of old (frozen members, say) a thousand times in a row: that must not
-- close the account for what the till sends meanwhile.
-- +goose Up
ALTER TABLE outbox ADD COLUMN put_back boolean NOT NULL DEFAULT false;

COMMENT ON COLUMN outbox.put_back IS 'A replay put the row back (also one of a rebuilt ledger). Its refusals are judged apart from those of live rows.';

-- +goose Down
ALTER TABLE outbox DROP COLUMN put_back;
