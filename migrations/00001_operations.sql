-- The ledger's first half: one row for every intended vendor call. It is
-- written once, in the transaction that precedes the event's acknowledgement,
-- and never changed: what happens to it later stands in outbox and postings.
-- +goose Up

-- +goose StatementBegin
CREATE FUNCTION points_ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % is insert-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'integrity_constraint_violation',
              HINT = 'The ledger is corrected by a further row, never by an edit. See docs/ARCHITECTURE.md.';
END
$$;
-- +goose StatementEnd

CREATE TABLE operations (
    id              bigint GENERATED ALWAYS AS IDENTITY,
    target          text        NOT NULL,
    kind            text        NOT NULL,
    biz_id          text        NOT NULL,
    business_key    text        NOT NULL,
    member_id       text,
    member_code     text,
    points          bigint      NOT NULL,
    source_type     smallint,
    points_channel  smallint,
    reason          text        NOT NULL,
    reference       text        NOT NULL,
    business_date   date        NOT NULL,
    shop_code       text,
    amount_fen      bigint,
    mapping_version text        NOT NULL,
    event_source    text        NOT NULL,
    event_id        text        NOT NULL,
    event_type      text        NOT NULL,
    event_time      timestamptz NOT NULL,
    event_subject   text        NOT NULL,
    stream_seq      bigint      NOT NULL,
    broker_time     timestamptz NOT NULL,
    data            text        NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT operations_pkey PRIMARY KEY (id),
    -- Invariant 2: one operation per dedup key, for ever.
    CONSTRAINT operations_one_per_key UNIQUE (target, biz_id),
    CONSTRAINT operations_kind_known CHECK (kind IN ('points_add', 'freeze_point')),
    CONSTRAINT operations_points_not_negative CHECK (points >= 0),
    CONSTRAINT operations_biz_id_form CHECK (biz_id ~ '^[a-z0-9]{28}$'),
    CONSTRAINT operations_source_type_range CHECK (source_type BETWEEN 1 AND 12),
    CONSTRAINT operations_points_channel_range CHECK (points_channel BETWEEN 1 AND 9),
    CONSTRAINT operations_grant_has_source_and_channel
        CHECK (kind <> 'points_add' OR (source_type IS NOT NULL AND points_channel IS NOT NULL)),
    -- What is to be sent needs somebody to send it to.
    CONSTRAINT operations_points_have_member
        CHECK (points = 0 OR member_id IS NOT NULL OR member_code IS NOT NULL),
    CONSTRAINT operations_member_id_or_code
        CHECK (member_id IS NULL OR member_code IS NULL)
);

-- The order number is what people search for.
CREATE INDEX operations_business_key_idx ON operations (business_key);

CREATE TRIGGER operations_insert_only BEFORE UPDATE OR DELETE ON operations
    FOR EACH ROW EXECUTE FUNCTION points_ledger_refuse_change();
CREATE TRIGGER operations_no_truncate BEFORE TRUNCATE ON operations
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_refuse_change();

COMMENT ON TABLE operations IS 'One row per intended vendor call. Insert-only.';
COMMENT ON COLUMN operations.target IS 'Name of the vendor account.';
COMMENT ON COLUMN operations.biz_id IS 'Dedup key: bizId at Zhimai, X-Business-Token at Kylin.';
COMMENT ON COLUMN operations.member_id IS 'Vendor''s member id; null while only member_code is known, and for an anonymous sale.';
COMMENT ON COLUMN operations.points IS 'Points to grant or freeze; 0 means nothing to send.';
COMMENT ON COLUMN operations.data IS 'Canonical JSON of the event''s declared fields: what makes two events the same.';

-- +goose Down
DROP TABLE operations;
DROP FUNCTION points_ledger_refuse_change();
