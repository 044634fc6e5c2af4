-- A rule file that was withdrawn may have been right after all. A person takes it
-- up again by an act of its own, never a worker by its start: a restart would undo
-- every withdrawal. Each such act is a further row, and a file stands as the last
-- of them says.
-- +goose Up
ALTER TABLE mapping_withdrawals
    ADD COLUMN withdrawn boolean NOT NULL DEFAULT true,
    DROP CONSTRAINT mapping_withdrawals_pkey,
    ADD CONSTRAINT mapping_withdrawals_pkey PRIMARY KEY (version, action_id);
COMMENT ON TABLE mapping_withdrawals IS 'Rule files that a person took back before anything was recorded by what only they say, or took up again; the last act counts. Insert-only.';
COMMENT ON COLUMN mapping_withdrawals.withdrawn IS 'false: this act took the file up again.';

-- The newest file is the one that was registered or taken up again last; there are
-- as many files as changes to the rules, so this needs no index.
DROP INDEX mappings_newest_idx;

-- +goose Down
CREATE INDEX mappings_newest_idx ON mappings (first_used_at DESC, version);
-- A file stands as its last act says: one that was taken up again was not withdrawn.
ALTER TABLE mapping_withdrawals DISABLE TRIGGER mapping_withdrawals_insert_only;
DELETE FROM mapping_withdrawals w
 WHERE NOT w.withdrawn
    OR EXISTS (SELECT 1 FROM mapping_withdrawals later WHERE later.version = w.version AND later.action_id > w.action_id);
ALTER TABLE mapping_withdrawals ENABLE TRIGGER mapping_withdrawals_insert_only;
ALTER TABLE mapping_withdrawals
    DROP CONSTRAINT mapping_withdrawals_pkey,
    ADD CONSTRAINT mapping_withdrawals_pkey PRIMARY KEY (version),
    DROP COLUMN withdrawn;
