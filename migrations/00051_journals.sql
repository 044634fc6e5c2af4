-- What finance hands out in money is kept: with which estimates, which vouchers, and what
-- it was told of redemptions. A journal of March can be made again in June, and says what is
-- different since.
-- +goose Up
CREATE TABLE point_values (
    id           bigint      GENERATED ALWAYS AS IDENTITY,
    text         text        NOT NULL,
    used_through date        NOT NULL,
    kept_at      timestamptz NOT NULL DEFAULT now(),
    kept_by      text        NOT NULL DEFAULT session_user,
    target       text        NOT NULL DEFAULT '',

    CONSTRAINT point_values_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE point_values IS 'The values files of journals that were handed out, and up to which business date. Insert-only.';

CREATE TABLE journal_vouchers (
    id            bigint      GENERATED ALWAYS AS IDENTITY,
    format        text        NOT NULL,
    target        text        NOT NULL,
    business_date date        NOT NULL,
    shop_code     text        NOT NULL,
    number        text        NOT NULL,
    lines         jsonb       NOT NULL,
    kept_at       timestamptz NOT NULL DEFAULT now(),
    kept_by       text        NOT NULL DEFAULT session_user,

    CONSTRAINT journal_vouchers_pkey PRIMARY KEY (id)
);
CREATE INDEX journal_vouchers_day_idx ON journal_vouchers (format, target, business_date, shop_code, id);
COMMENT ON COLUMN point_values.target IS 'The one vendor account that the journal was of; empty: all of them. Accounts of different programmes have points of different worth.';
COMMENT ON TABLE journal_vouchers IS 'The vouchers that were handed out in a file. Insert-only; of a day and shop the newest counts.';
COMMENT ON COLUMN journal_vouchers.target IS 'The one vendor account that the journal was of; empty: all of them.';
COMMENT ON COLUMN journal_vouchers.number IS 'A function of what it books; empty: nothing is to be booked any more.';

CREATE TABLE redemption_days (
    id              bigint      GENERATED ALWAYS AS IDENTITY,
    target          text        NOT NULL,
    business_date   date        NOT NULL,
    redeemed_points bigint      NOT NULL,
    expired_points  bigint      NOT NULL,
    kept_at         timestamptz NOT NULL DEFAULT now(),
    kept_by         text        NOT NULL DEFAULT session_user,

    CONSTRAINT redemption_days_pkey PRIMARY KEY (id),
    CONSTRAINT redemption_days_not_negative CHECK (redeemed_points >= 0 AND expired_points >= 0)
);
CREATE INDEX redemption_days_day_idx ON redemption_days (target, business_date, id);
COMMENT ON TABLE redemption_days IS 'What a journal that was handed out was told of a day''s redemptions and expiries at a vendor account. Insert-only; of a day the newest counts.';

CREATE TRIGGER point_values_insert_only BEFORE UPDATE OR DELETE ON point_values
    FOR EACH ROW EXECUTE FUNCTION points_ledger_refuse_change();
CREATE TRIGGER point_values_no_truncate BEFORE TRUNCATE ON point_values
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_refuse_change();
CREATE TRIGGER journal_vouchers_insert_only BEFORE UPDATE OR DELETE ON journal_vouchers
    FOR EACH ROW EXECUTE FUNCTION points_ledger_refuse_change();
CREATE TRIGGER journal_vouchers_no_truncate BEFORE TRUNCATE ON journal_vouchers
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_refuse_change();
CREATE TRIGGER redemption_days_insert_only BEFORE UPDATE OR DELETE ON redemption_days
    FOR EACH ROW EXECUTE FUNCTION points_ledger_refuse_change();
CREATE TRIGGER redemption_days_no_truncate BEFORE TRUNCATE ON redemption_days
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_refuse_change();

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'points_ledger_finance') THEN
        GRANT SELECT, INSERT ON point_values, journal_vouchers, redemption_days TO points_ledger_finance;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP TABLE redemption_days;
DROP TABLE journal_vouchers;
DROP TABLE point_values;
