-- Which of the vendor's calls an attempt made: its words belong to that call
-- alone. A reading of records that was answered well does not say that points
-- were granted. A row of before has NULL; what a reader takes it for is in
-- ledger's attemptCall.
-- +goose Up
ALTER TABLE attempts
    ADD COLUMN call text,
    ADD CONSTRAINT attempts_call_known CHECK (call IN ('points', 'records', 'identity'));

COMMENT ON COLUMN attempts.call IS 'What was asked of the vendor: points (the grant or freeze), records (the member''s history) or identity (who a scanned code is). NULL: written before this column, or by a worker that was lost.';

-- +goose Down
ALTER TABLE attempts
    DROP CONSTRAINT attempts_call_known,
    DROP COLUMN call;
