-- The seal: a hash chain over what never changes. A batch lists rows with a digest of
-- each, and is hashed together with the batch before it, so that an edited, removed or
-- inserted row shows. It is written in the background, beside the way of an event;
-- reconcile/seal says which bytes are hashed.
-- +goose Up
CREATE TABLE seal_batches (
    number          bigint      NOT NULL,
    form            smallint    NOT NULL,
    sealed_at       timestamptz NOT NULL,
    since           timestamptz NOT NULL,
    complete        boolean     NOT NULL,
    operations_upto bigint      NOT NULL,
    acts_upto       bigint      NOT NULL,
    lost_number     bigint,
    lost_hash       bytea,
    previous        bytea       NOT NULL,
    hash            bytea       NOT NULL,

    CONSTRAINT seal_batches_pkey PRIMARY KEY (number),
    -- The chain has no branches.
    CONSTRAINT seal_batches_one_after_another UNIQUE (previous),
    CONSTRAINT seal_batches_number_positive CHECK (number > 0),
    CONSTRAINT seal_batches_hashes_whole CHECK (octet_length(previous) = 32 AND octet_length(hash) = 32),
    CONSTRAINT seal_batches_loss_whole CHECK ((lost_number IS NULL) = (lost_hash IS NULL))
);

CREATE TABLE seal_lists (
    number     bigint         NOT NULL,
    table_name text           NOT NULL,
    ids        int8multirange NOT NULL,
    digests    bytea          NOT NULL,

    CONSTRAINT seal_lists_pkey PRIMARY KEY (number, table_name),
    CONSTRAINT seal_lists_number_fkey FOREIGN KEY (number) REFERENCES seal_batches (number),
    CONSTRAINT seal_lists_table_known CHECK (table_name IN ('corrections', 'operations', 'ops_actions', 'postings'))
);
-- Digests are noise to a compressor.
ALTER TABLE seal_lists ALTER COLUMN digests SET STORAGE EXTERNAL;

CREATE TABLE seal_covers (
    table_name text   NOT NULL,
    row_id     bigint NOT NULL,
    digest     bytea  NOT NULL,
    action_id  bigint NOT NULL,

    CONSTRAINT seal_covers_pkey PRIMARY KEY (table_name, row_id, digest),
    CONSTRAINT seal_covers_action_id_fkey FOREIGN KEY (action_id) REFERENCES ops_actions (id)
);

CREATE TRIGGER seal_batches_insert_only BEFORE UPDATE OR DELETE ON seal_batches
    FOR EACH ROW EXECUTE FUNCTION points_ledger_refuse_change();
CREATE TRIGGER seal_batches_no_truncate BEFORE TRUNCATE ON seal_batches
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_refuse_change();
CREATE TRIGGER seal_lists_insert_only BEFORE UPDATE OR DELETE ON seal_lists
    FOR EACH ROW EXECUTE FUNCTION points_ledger_refuse_change();
CREATE TRIGGER seal_lists_no_truncate BEFORE TRUNCATE ON seal_lists
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_refuse_change();
CREATE TRIGGER seal_covers_insert_only BEFORE UPDATE OR DELETE ON seal_covers
    FOR EACH ROW EXECUTE FUNCTION points_ledger_refuse_change();
CREATE TRIGGER seal_covers_no_truncate BEFORE TRUNCATE ON seal_covers
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_refuse_change();

COMMENT ON TABLE seal_batches IS 'The seal of the ledger: each batch is hashed together with the one before it. Insert-only.';
COMMENT ON COLUMN seal_batches.form IS 'Which columns of which tables are in the digests, and how they are written (reconcile/seal).';
COMMENT ON COLUMN seal_batches.since IS 'Rows that were recorded before are not listed: they count as inserted later.';
COMMENT ON COLUMN seal_batches.complete IS 'Nothing that was committed when it was made, and recorded since then, is left out.';
COMMENT ON COLUMN seal_batches.operations_upto IS 'The highest id of an operation that this batch or an earlier one lists.';
COMMENT ON COLUMN seal_batches.lost_number IS 'The head that was kept outside the database, and that this database did not hold when the batch was made; null: it did.';
COMMENT ON COLUMN seal_batches.previous IS 'The hash of the batch before it; zeros for the first.';
COMMENT ON TABLE seal_lists IS 'The rows that a batch of the seal covers, and 16 bytes of each row''s SHA-256, in the order of the ids. Insert-only.';
COMMENT ON TABLE seal_covers IS 'What a person has looked into: a row that no batch covers in time, or a head that was lost. It stays shown. Insert-only.';

-- What was posted since the batch before is found by these: a few bytes for 32 pages, as
-- rows come in the order of time. Operations and acts are found by their ids.
CREATE INDEX postings_posted_at_brin ON postings USING brin (posted_at) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX corrections_corrected_at_brin ON corrections USING brin (corrected_at) WITH (pages_per_range = 32, autosummarize = on);

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'points_ledger_finance') THEN
        GRANT SELECT ON seal_batches, seal_lists, seal_covers TO points_ledger_finance;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP INDEX corrections_corrected_at_brin;
DROP INDEX postings_posted_at_brin;
DROP TABLE seal_covers;
DROP TABLE seal_lists;
DROP TABLE seal_batches;
