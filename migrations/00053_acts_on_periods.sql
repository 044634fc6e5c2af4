-- Who may insert an act could lock and close in one transaction, which nobody sees before it
-- has ended: what was recorded meanwhile was booked on a day whose totals stood already. So
-- did one with a snapshot from before its waiting. What is no date of books, no time zone or
-- no list of findings made the list of periods unreadable. And who writes to what belongs to
-- finance is the database's to say, not the writer's.
-- +goose Up
ALTER TABLE periods ADD COLUMN lock_xact xid8 DEFAULT pg_current_xact_id();
COMMENT ON COLUMN periods.lock_xact IS 'The transaction that locked it: another one closes it.';

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION points_ledger_period_act() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    newest  periods;
    oldest  periods;
    waiting integer := 0;
    writers text[];
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('points-ledger periods', 0));
    NEW.id := COALESCE((SELECT max(id) FROM period_acts), 0) + 1;
    NEW.at := clock_timestamp();
    NEW.db_user := session_user;
    NEW.address := inet_client_addr();
    NEW.totals := NULL;
    NEW.open := NULL;
    -- What is read of a snapshot from before the waiting would be no totals.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'an act on periods is made in a transaction that is read committed, not %', current_setting('transaction_isolation') USING ERRCODE = 'PLP01';
    END IF;
    IF NEW.through < '2000-01-01' THEN
        RAISE EXCEPTION 'the business date % is before all books', NEW.through USING ERRCODE = 'PLP01';
    END IF;
    NEW.checks := (SELECT COALESCE(jsonb_agg(to_jsonb(c)), '[]')
                     FROM jsonb_to_recordset(NEW.checks) AS c ("check" text, account text, count bigint, points bigint, blocks boolean, says text));
    IF NEW.zone <> points_ledger_zone() AND EXISTS (SELECT 1 FROM period_acts) THEN
        RAISE EXCEPTION 'periods are kept in the time zone %, not in %', points_ledger_zone(), NEW.zone USING ERRCODE = 'PLP01';
    END IF;
    -- A day is an hour of a place, and no offset that moves it by a week.
    IF NOT EXISTS (SELECT 1 FROM period_acts) AND NOT EXISTS (SELECT 1 FROM pg_timezone_names WHERE name = NEW.zone) THEN
        RAISE EXCEPTION 'want the name of a time zone such as Asia/Shanghai, got %', NEW.zone USING ERRCODE = 'PLP01';
    END IF;
    SELECT * INTO newest FROM periods ORDER BY through DESC LIMIT 1;
    SELECT * INTO oldest FROM periods WHERE state = 'locked' ORDER BY through LIMIT 1;
    CASE NEW.act
    WHEN 'lock' THEN
        IF NEW.through <= newest.through THEN
            RAISE EXCEPTION 'business dates through % are locked already', newest.through USING ERRCODE = 'PLP01';
        END IF;
        IF NEW.through >= (clock_timestamp() AT TIME ZONE NEW.zone)::date THEN
            RAISE EXCEPTION 'the business date % is not over in %', NEW.through, NEW.zone USING ERRCODE = 'PLP01';
        END IF;
        INSERT INTO periods (through, begins_after, state, zone, lock_act) VALUES (NEW.through, newest.through, 'locked', NEW.zone, NEW.id);
    WHEN 'close' THEN
        IF oldest.through IS DISTINCT FROM NEW.through THEN
            RAISE EXCEPTION 'periods are closed in order: %', COALESCE('the next one ends at ' || oldest.through, 'none is locked') USING ERRCODE = 'PLP01';
        END IF;
        -- Nobody sees a lock before its transaction has ended.
        IF oldest.lock_xact = pg_current_xact_id() THEN
            RAISE EXCEPTION 'a period is closed by another transaction than the one that locks it' USING ERRCODE = 'PLP01';
        END IF;
        -- What may not have seen the lock is writing now. We look at who holds locks and
        -- take none: nobody waits for us.
        writers := points_ledger_writers();
        WHILE writers && points_ledger_writers() LOOP
            IF waiting >= 20 THEN
                RAISE EXCEPTION 'a transaction that began to write before the lock has not ended' USING ERRCODE = 'PLP02';
            END IF;
            waiting := waiting + 1;
            PERFORM pg_sleep(0.1);
        END LOOP;
        NEW.totals := points_ledger_totals(NEW.through);
        NEW.open := points_ledger_open_through(NEW.through);
        IF NEW.open @> '[{"why": "lost"}]' THEN
            RAISE EXCEPTION 'an operation through % is neither open nor ended', NEW.through USING ERRCODE = 'PLP01';
        END IF;
        IF NEW.open <> '[]' AND btrim(NEW.reason) = '' THEN
            RAISE EXCEPTION 'something through % is open: closing it takes a reason', NEW.through USING ERRCODE = 'PLP01';
        END IF;
        UPDATE periods SET state = 'closed', close_act = NEW.id WHERE through = NEW.through;
    ELSE
        IF newest.through IS DISTINCT FROM NEW.through THEN
            RAISE EXCEPTION 'periods are reopened last first: %', COALESCE('the last one ends at ' || newest.through, 'none is locked or closed') USING ERRCODE = 'PLP01';
        END IF;
        IF EXISTS (SELECT 1 FROM period_acts c WHERE c.id = newest.close_act AND c.another_reopens AND c.db_user = session_user) THEN
            RAISE EXCEPTION 'the period through % was closed by the database user %: another one reopens it', newest.through, session_user USING ERRCODE = 'PLP03';
        END IF;
        DELETE FROM periods WHERE through = NEW.through;
    END CASE;
    INSERT INTO ops_actions (actor, action, filter, reason, set_size, result)
    VALUES (NEW.actor, NEW.act || ' period', 'business dates through ' || NEW.through, COALESCE(NULLIF(btrim(NEW.reason), ''), 'none given'),
            COALESCE((SELECT sum((o ->> 'operations')::bigint) FROM jsonb_array_elements(NEW.open) AS o), 0),
            concat_ws('; ', 'database user ' || NEW.db_user, 'address ' || host(NEW.address), 'totals ' || encode(sha256(convert_to(NEW.totals::text, 'UTF8')), 'hex')))
    RETURNING id INTO NEW.action_id;
    RETURN NEW;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION points_ledger_by_whom() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.db_user := session_user;
    RETURN NEW;
END
$$;
CREATE FUNCTION points_ledger_said_by_whom() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.db_user := session_user;
    NEW.said_at := now();
    RETURN NEW;
END
$$;
CREATE FUNCTION points_ledger_kept_by_whom() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.kept_by := session_user;
    NEW.kept_at := now();
    RETURN NEW;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER reconcile_runs_by_whom BEFORE INSERT ON reconcile_runs
    FOR EACH ROW EXECUTE FUNCTION points_ledger_by_whom();
CREATE TRIGGER reconcile_remarks_by_whom BEFORE INSERT ON reconcile_remarks
    FOR EACH ROW EXECUTE FUNCTION points_ledger_said_by_whom();
CREATE TRIGGER point_values_by_whom BEFORE INSERT ON point_values
    FOR EACH ROW EXECUTE FUNCTION points_ledger_kept_by_whom();
CREATE TRIGGER journal_vouchers_by_whom BEFORE INSERT ON journal_vouchers
    FOR EACH ROW EXECUTE FUNCTION points_ledger_kept_by_whom();
CREATE TRIGGER redemption_days_by_whom BEFORE INSERT ON redemption_days
    FOR EACH ROW EXECUTE FUNCTION points_ledger_kept_by_whom();

-- A function that is replaced loses its settings.
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION points_ledger_period_act() SET search_path = %I, pg_temp', current_schema());
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER redemption_days_by_whom ON redemption_days;
DROP TRIGGER journal_vouchers_by_whom ON journal_vouchers;
DROP TRIGGER point_values_by_whom ON point_values;
DROP TRIGGER reconcile_remarks_by_whom ON reconcile_remarks;
DROP TRIGGER reconcile_runs_by_whom ON reconcile_runs;
DROP FUNCTION points_ledger_kept_by_whom();
DROP FUNCTION points_ledger_said_by_whom();
DROP FUNCTION points_ledger_by_whom();
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION points_ledger_period_act() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    newest  periods;
    oldest  periods;
    waiting integer := 0;
    writers text[];
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('points-ledger periods', 0));
    NEW.id := COALESCE((SELECT max(id) FROM period_acts), 0) + 1;
    NEW.at := clock_timestamp();
    NEW.db_user := session_user;
    NEW.address := inet_client_addr();
    NEW.totals := NULL;
    NEW.open := NULL;
    IF NEW.zone <> points_ledger_zone() AND EXISTS (SELECT 1 FROM period_acts) THEN
        RAISE EXCEPTION 'periods are kept in the time zone %, not in %', points_ledger_zone(), NEW.zone USING ERRCODE = 'PLP01';
    END IF;
    SELECT * INTO newest FROM periods ORDER BY through DESC LIMIT 1;
    SELECT * INTO oldest FROM periods WHERE state = 'locked' ORDER BY through LIMIT 1;
    CASE NEW.act
    WHEN 'lock' THEN
        IF NEW.through <= newest.through THEN
            RAISE EXCEPTION 'business dates through % are locked already', newest.through USING ERRCODE = 'PLP01';
        END IF;
        IF NEW.through >= (clock_timestamp() AT TIME ZONE NEW.zone)::date THEN
            RAISE EXCEPTION 'the business date % is not over in %', NEW.through, NEW.zone USING ERRCODE = 'PLP01';
        END IF;
        INSERT INTO periods (through, begins_after, state, zone, lock_act) VALUES (NEW.through, newest.through, 'locked', NEW.zone, NEW.id);
    WHEN 'close' THEN
        IF oldest.through IS DISTINCT FROM NEW.through THEN
            RAISE EXCEPTION 'periods are closed in order: %', COALESCE('the next one ends at ' || oldest.through, 'none is locked') USING ERRCODE = 'PLP01';
        END IF;
        -- What may not have seen the lock is writing now. We look at who holds locks and
        -- take none: nobody waits for us.
        writers := points_ledger_writers();
        WHILE writers && points_ledger_writers() LOOP
            IF waiting >= 20 THEN
                RAISE EXCEPTION 'a transaction that began to write before the lock has not ended' USING ERRCODE = 'PLP02';
            END IF;
            waiting := waiting + 1;
            PERFORM pg_sleep(0.1);
        END LOOP;
        NEW.totals := points_ledger_totals(NEW.through);
        NEW.open := points_ledger_open_through(NEW.through);
        UPDATE periods SET state = 'closed', close_act = NEW.id WHERE through = NEW.through;
    ELSE
        IF newest.through IS DISTINCT FROM NEW.through THEN
            RAISE EXCEPTION 'periods are reopened last first: %', COALESCE('the last one ends at ' || newest.through, 'none is locked or closed') USING ERRCODE = 'PLP01';
        END IF;
        IF EXISTS (SELECT 1 FROM period_acts c WHERE c.id = newest.close_act AND c.another_reopens AND c.db_user = session_user) THEN
            RAISE EXCEPTION 'the period through % was closed by the database user %: another one reopens it', newest.through, session_user USING ERRCODE = 'PLP03';
        END IF;
        DELETE FROM periods WHERE through = NEW.through;
    END CASE;
    INSERT INTO ops_actions (actor, action, filter, reason, set_size, result)
    VALUES (NEW.actor, NEW.act || ' period', 'business dates through ' || NEW.through, COALESCE(NULLIF(btrim(NEW.reason), ''), 'none given'),
            COALESCE((SELECT sum((o ->> 'operations')::bigint) FROM jsonb_array_elements(NEW.open) AS o), 0),
            concat_ws('; ', 'database user ' || NEW.db_user, 'address ' || host(NEW.address), 'totals ' || encode(sha256(convert_to(NEW.totals::text, 'UTF8')), 'hex')))
    RETURNING id INTO NEW.action_id;
    RETURN NEW;
END
$$;
-- +goose StatementEnd
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION points_ledger_period_act() SET search_path = %I, pg_temp', current_schema());
END
$$;
-- +goose StatementEnd
ALTER TABLE periods DROP COLUMN lock_xact;
