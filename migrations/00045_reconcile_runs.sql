-- A comparison with a vendor's records is kept whole: what was asked for, which members
-- were read, their records, what became of each record, and what differs. Half a run can
-- be gone on with, and what a person explained of an item counts for the next run, too.
-- These tables belong to finance; nothing of the ledger is changed by them.
-- +goose Up
CREATE TABLE reconcile_runs (
    id                  bigint GENERATED ALWAYS AS IDENTITY,
    account             text        NOT NULL,
    from_date           date        NOT NULL,
    to_date             date        NOT NULL,
    zone                text        NOT NULL,
    from_at             timestamptz NOT NULL,
    until_at            timestamptz NOT NULL,
    source              text        NOT NULL,
    members_asked       text        NOT NULL,
    file                text,
    read_at             timestamptz,
    holds_from          timestamptz,
    holds_until         timestamptz,
    sole_source         boolean     NOT NULL DEFAULT false,
    state               text        NOT NULL DEFAULT 'reading',
    made_by             text        NOT NULL,
    db_user             text        NOT NULL DEFAULT session_user,
    began_at            timestamptz NOT NULL DEFAULT now(),
    ended_at            timestamptz,
    members             bigint      NOT NULL DEFAULT 0,
    members_failed      bigint      NOT NULL DEFAULT 0,
    postings            bigint      NOT NULL DEFAULT 0,
    postings_compared   bigint      NOT NULL DEFAULT 0,
    records             bigint      NOT NULL DEFAULT 0,
    matched_by_reference bigint     NOT NULL DEFAULT 0,
    matched_points      bigint      NOT NULL DEFAULT 0,
    proposed            bigint      NOT NULL DEFAULT 0,
    proposed_points     bigint      NOT NULL DEFAULT 0,
    in_transit          bigint      NOT NULL DEFAULT 0,
    not_ours            bigint      NOT NULL DEFAULT 0,
    not_ours_points     bigint      NOT NULL DEFAULT 0,
    beyond_reach        bigint      NOT NULL DEFAULT 0,
    beyond_reach_points bigint      NOT NULL DEFAULT 0,
    without_records     bigint      NOT NULL DEFAULT 0,
    without_records_points bigint   NOT NULL DEFAULT 0,
    balances            bigint      NOT NULL DEFAULT 0,
    ledger_points       bigint      NOT NULL DEFAULT 0,
    vendor_points       bigint      NOT NULL DEFAULT 0,
    shows_references    boolean     NOT NULL DEFAULT false,

    CONSTRAINT reconcile_runs_pkey PRIMARY KEY (id),
    CONSTRAINT reconcile_runs_state_known CHECK (state IN ('reading', 'comparing', 'done', 'failed')),
    CONSTRAINT reconcile_runs_source_known CHECK (source IN ('vendor', 'file', 'none')),
    CONSTRAINT reconcile_runs_members_known CHECK (members_asked IN ('changed', 'all', 'sample', 'list')),
    CONSTRAINT reconcile_runs_window CHECK (from_date <= to_date AND from_at < until_at),
    CONSTRAINT reconcile_runs_ended CHECK ((state = 'done') = (ended_at IS NOT NULL))
);

CREATE TABLE reconcile_members (
    run_id         bigint NOT NULL,
    account        text COLLATE "C" NOT NULL,
    member_id      text COLLATE "C" NOT NULL,
    state          text   NOT NULL DEFAULT 'asked',
    words          text,
    read_at        timestamptz,
    records        integer,
    complete       boolean,
    oldest_at      timestamptz,
    balance        bigint,
    told_points    bigint,
    whole          boolean,

    CONSTRAINT reconcile_members_pkey PRIMARY KEY (run_id, account, member_id),
    CONSTRAINT reconcile_members_run_fkey FOREIGN KEY (run_id) REFERENCES reconcile_runs (id),
    CONSTRAINT reconcile_members_state_known CHECK (state IN ('asked', 'read', 'failed'))
);

CREATE TABLE reconcile_records (
    id        bigint GENERATED ALWAYS AS IDENTITY,
    run_id    bigint      NOT NULL,
    account   text COLLATE "C" NOT NULL,
    member_id text COLLATE "C" NOT NULL,
    points    bigint      NOT NULL,
    text      text        NOT NULL,
    reference text,
    at        timestamptz,
    date_only boolean     NOT NULL DEFAULT false,

    CONSTRAINT reconcile_records_pkey PRIMARY KEY (id)
);
CREATE INDEX reconcile_records_member_idx ON reconcile_records (run_id, account, member_id);

CREATE TABLE reconcile_matches (
    run_id       bigint NOT NULL,
    record_id    bigint NOT NULL,
    operation_id bigint,
    how          text   NOT NULL,
    item_no      integer,

    -- A record is claimed once.
    CONSTRAINT reconcile_matches_pkey PRIMARY KEY (run_id, record_id),
    CONSTRAINT reconcile_matches_how_known CHECK (how IN ('reference', 'proposed', 'item', 'in_transit', 'not_ours', 'outside'))
);

CREATE TABLE reconcile_items (
    run_id        bigint NOT NULL,
    no            integer NOT NULL,
    kind          text   NOT NULL,
    differs       boolean NOT NULL GENERATED ALWAYS AS (kind <> 'in_transit') STORED,
    account       text   NOT NULL,
    member_id     text   NOT NULL,
    operation_id  bigint,
    biz_id        text,
    business_key  text,
    reference     text,
    ledger_points bigint NOT NULL,
    vendor_points bigint NOT NULL,
    open_points   bigint NOT NULL DEFAULT 0,
    at            timestamptz,
    evidence      text   NOT NULL,
    step          text   NOT NULL,
    operations    bigint[] NOT NULL,
    records       bigint[] NOT NULL,
    item_key      text   NOT NULL,
    owner         text,
    note          text,
    explained_by  text,
    explained_at  timestamptz,
    explained_why text,

    CONSTRAINT reconcile_items_pkey PRIMARY KEY (run_id, no),
    CONSTRAINT reconcile_items_run_fkey FOREIGN KEY (run_id) REFERENCES reconcile_runs (id),
    CONSTRAINT reconcile_items_kind_known CHECK (kind IN
        ('only_in_ledger', 'only_at_vendor', 'amount_differs', 'applied_twice', 'wrong_member', 'ambiguous', 'voided_but_applied',
         'balance_differs', 'in_transit')),
    CONSTRAINT reconcile_items_explained CHECK ((explained_by IS NULL) = (explained_at IS NULL) AND (explained_by IS NULL) = (explained_why IS NULL))
);
CREATE INDEX reconcile_items_key_idx ON reconcile_items (item_key);

CREATE TABLE reconcile_remarks (
    id       bigint GENERATED ALWAYS AS IDENTITY,
    item_key text        NOT NULL,
    what     text        NOT NULL,
    text     text        NOT NULL,
    said_by  text        NOT NULL,
    said_at  timestamptz NOT NULL DEFAULT now(),
    db_user  text        NOT NULL DEFAULT session_user,

    CONSTRAINT reconcile_remarks_pkey PRIMARY KEY (id),
    CONSTRAINT reconcile_remarks_what_known CHECK (what IN ('owner', 'note', 'explained', 'unexplained')),
    CONSTRAINT reconcile_remarks_reason_given CHECK (text <> '' OR what IN ('owner', 'note'))
);
CREATE INDEX reconcile_remarks_key_idx ON reconcile_remarks (item_key, what, id);
CREATE TRIGGER reconcile_remarks_insert_only BEFORE UPDATE OR DELETE ON reconcile_remarks
    FOR EACH ROW EXECUTE FUNCTION points_ledger_refuse_change();
CREATE TRIGGER reconcile_remarks_no_truncate BEFORE TRUNCATE ON reconcile_remarks
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_refuse_change();

-- What has ended stays as it was found: its figures, its records, its items but for what is
-- said of them.
-- +goose StatementBegin
CREATE FUNCTION points_ledger_run_has_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM (SELECT DISTINCT run_id FROM changed) AS c JOIN reconcile_runs r ON r.id = c.run_id WHERE r.state = 'done') THEN
        RAISE EXCEPTION 'table %: the run has ended: % refused', TG_TABLE_NAME, TG_OP
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION points_ledger_run_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table reconcile_runs: run % has ended: % refused', OLD.id, TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER reconcile_runs_stay BEFORE UPDATE OR DELETE ON reconcile_runs
    FOR EACH ROW WHEN (OLD.state = 'done') EXECUTE FUNCTION points_ledger_run_stays();
CREATE TRIGGER reconcile_items_stay AFTER DELETE ON reconcile_items
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_run_has_ended();
CREATE TRIGGER reconcile_items_complete AFTER INSERT ON reconcile_items
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_run_has_ended();
CREATE TRIGGER reconcile_records_stay AFTER DELETE ON reconcile_records
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_run_has_ended();
CREATE TRIGGER reconcile_matches_stay AFTER DELETE ON reconcile_matches
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_run_has_ended();
CREATE TRIGGER reconcile_records_complete AFTER INSERT ON reconcile_records
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_run_has_ended();
CREATE TRIGGER reconcile_matches_complete AFTER INSERT ON reconcile_matches
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_run_has_ended();

CREATE VIEW reconcile_run_status AS
SELECT r.*, r.ledger_points - r.vendor_points AS difference_points,
       COALESCE(i.items, 0) AS items, COALESCE(i.unexplained, 0) AS unexplained, COALESCE(i.unexplained_points, 0)::bigint AS unexplained_points,
       r.state = 'done' AND r.members_failed = 0 AND COALESCE(i.unexplained, 0) = 0 AS agrees
  FROM reconcile_runs r
  LEFT JOIN LATERAL (
    SELECT count(*) AS items, count(*) FILTER (WHERE explained_at IS NULL) AS unexplained,
           sum(abs(ledger_points - vendor_points)) FILTER (WHERE explained_at IS NULL) AS unexplained_points
      FROM reconcile_items i
     WHERE i.run_id = r.id AND i.differs
  ) AS i ON true;

COMMENT ON TABLE reconcile_runs IS 'Comparisons of the ledger with a vendor''s records. The figures are those of the comparison; what is explained stands in reconcile_run_status.';
COMMENT ON COLUMN reconcile_runs.account IS 'The vendor account; empty: all that are configured.';
COMMENT ON COLUMN reconcile_runs.from_at IS 'The window, from inclusive, until exclusive: the days from_date to to_date in zone. A posting is in it by the time when it was posted.';
COMMENT ON COLUMN reconcile_runs.source IS 'Where the records are from: the vendor''s call, a file, or none (the account has no records).';
COMMENT ON COLUMN reconcile_runs.read_at IS 'When the file was exported; null: when each member was read.';
COMMENT ON COLUMN reconcile_runs.holds_from IS 'The first day of which the file has a record, from its beginning, and the end of the last; null: it has none.';
COMMENT ON COLUMN reconcile_runs.sole_source IS 'Somebody says that nothing but this worker grants points at the account: a record without a reference is then no other''s.';
COMMENT ON COLUMN reconcile_runs.postings IS 'Postings of the window whose kind shows in records; postings_compared are those whose member was read and whose record the reading would hold.';
COMMENT ON COLUMN reconcile_runs.beyond_reach IS 'Postings of the window that were not found, and that the reading is not known to reach back to: no difference, and not compared.';
COMMENT ON COLUMN reconcile_runs.without_records IS 'Postings of the window of kinds that show in no records, as freezes: they rest on the vendor''s answer.';
COMMENT ON COLUMN reconcile_runs.ledger_points IS 'Points of all that was compared; not_ours and beyond_reach are in neither side.';
COMMENT ON TABLE reconcile_members IS 'The members that a run reads, or has read, at the vendor. None for a file.';
COMMENT ON COLUMN reconcile_members.told_points IS 'What the member has by the records; null: they do not tell.';
COMMENT ON COLUMN reconcile_members.whole IS 'All records together are the balance.';
COMMENT ON TABLE reconcile_records IS 'The records that a run has read, of its window and a little around it: its evidence.';
COMMENT ON COLUMN reconcile_records.points IS 'Below zero when points were taken.';
COMMENT ON COLUMN reconcile_records.reference IS 'The reference at the end of the text; null: none.';
COMMENT ON COLUMN reconcile_records.at IS 'When it was made, moved by what is known of the vendor''s zone; null: it cannot be read.';
COMMENT ON COLUMN reconcile_records.date_only IS 'Only its day is known; at is its noon.';
COMMENT ON TABLE reconcile_matches IS 'What became of each record of a run.';
COMMENT ON COLUMN reconcile_matches.how IS 'reference: it ends with the operation''s reference. proposed: equal points and time, where references are not shown. item: it belongs to item_no. in_transit: of an operation that has not ended. not_ours: of another source, or spent. outside: not of this window.';
COMMENT ON TABLE reconcile_items IS 'What differs in a run, and what is in transit (differs is false).';
COMMENT ON COLUMN reconcile_items.ledger_points IS 'Below zero when points were taken. Of balance_differs: what the records lead to, beside the balance; no part of the run''s sums.';
COMMENT ON COLUMN reconcile_items.open_points IS 'Of in_transit: what is to be moved and has not ended, which is in neither side.';
COMMENT ON COLUMN reconcile_items.step IS 'What to do: ask_vendor, settle (the records show it), send (put back or give up), by_hand (in the back office), wait, show, take_back, move (to the right member).';
COMMENT ON COLUMN reconcile_items.item_key IS 'The same in every run for the same difference.';
COMMENT ON TABLE reconcile_remarks IS 'What people said of items: owner, note, explained or no longer. The newest of each counts. Insert-only.';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'points_ledger_finance') THEN
        GRANT SELECT ON reconcile_runs, reconcile_members, reconcile_records, reconcile_matches, reconcile_items, reconcile_remarks, reconcile_run_status TO points_ledger_finance;
        GRANT INSERT ON reconcile_runs, reconcile_members, reconcile_records, reconcile_matches, reconcile_items, reconcile_remarks TO points_ledger_finance;
        GRANT UPDATE ON reconcile_runs, reconcile_members TO points_ledger_finance;
        GRANT UPDATE (owner, note, explained_by, explained_at, explained_why) ON reconcile_items TO points_ledger_finance;
        -- Half a comparison is begun anew.
        GRANT DELETE ON reconcile_records, reconcile_matches, reconcile_items TO points_ledger_finance;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP VIEW reconcile_run_status;
DROP TABLE reconcile_remarks;
DROP TABLE reconcile_items;
DROP TABLE reconcile_matches;
DROP TABLE reconcile_records;
DROP TABLE reconcile_members;
DROP TABLE reconcile_runs;
DROP FUNCTION points_ledger_run_stays();
DROP FUNCTION points_ledger_run_has_ended();
