-- Accounts of different programmes have points of different worth: which estimates were used is
-- said for the account that they were used for.
-- +goose Up
ALTER TABLE point_values ADD COLUMN target text NOT NULL DEFAULT '';
COMMENT ON COLUMN point_values.target IS 'The one vendor account that the journal was of; empty: all of them.';

-- +goose Down
ALTER TABLE point_values DROP COLUMN target;
