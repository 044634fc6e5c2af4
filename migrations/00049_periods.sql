-- Periods of the books: business dates are locked, then closed, in order, and reopened
-- last first. What comes late for a locked date keeps its date and is booked on the first
-- open one. Nothing that is recorded fails for it or waits: locking is a row, and closing
-- waits until whatever may not have seen that row has ended. The database holds all of it,
-- whoever asks.
-- +goose Up
CREATE TABLE period_acts (
    id              bigint      NOT NULL,
    act             text        NOT NULL,
    through         date        NOT NULL,
    at              timestamptz NOT NULL,
    actor           text        NOT NULL,
    reason          text        NOT NULL,
    zone            text        NOT NULL,
    db_user         text        NOT NULL,
    address         inet,
    another_reopens boolean     NOT NULL DEFAULT false,
    checks          jsonb       NOT NULL DEFAULT '[]',
    totals          jsonb,
    open            jsonb,
    action_id       bigint      NOT NULL,

    CONSTRAINT period_acts_pkey PRIMARY KEY (id),
    CONSTRAINT period_acts_act_known CHECK (act IN ('lock', 'close', 'reopen')),
    CONSTRAINT period_acts_actor_given CHECK (btrim(actor) <> ''),
    CONSTRAINT period_acts_reopening_has_reason CHECK (act <> 'reopen' OR btrim(reason) <> '')
);
CREATE TRIGGER period_acts_insert_only BEFORE UPDATE OR DELETE ON period_acts
    FOR EACH ROW EXECUTE FUNCTION points_ledger_refuse_change();
CREATE TRIGGER period_acts_no_truncate BEFORE TRUNCATE ON period_acts
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_refuse_change();
COMMENT ON TABLE period_acts IS 'Who locked, closed and reopened business dates, when and why. Insert-only; the database fills in id, time, user, address, totals and what is open.';
COMMENT ON COLUMN period_acts.through IS 'The last business date that it is about.';
COMMENT ON COLUMN period_acts.zone IS 'The programme''s time zone, by which a day ends.';
COMMENT ON COLUMN period_acts.another_reopens IS 'Of a closing: only another database user than this one may reopen it.';
COMMENT ON COLUMN period_acts.checks IS 'What was looked at before it, and what was found.';
COMMENT ON COLUMN period_acts.totals IS 'Of a closing: the balance of every account of the books, members added up, through that date.';
COMMENT ON COLUMN period_acts.action_id IS 'The same in ops_actions, which is sealed; of a closing it has the SHA-256 of totals.';
COMMENT ON COLUMN period_acts.open IS 'Of a closing: what was accepted through that date and had not ended, carried forward.';

CREATE TABLE periods (
    through       date   NOT NULL,
    begins_after  date,
    state         text   NOT NULL,
    zone          text   NOT NULL,
    lock_act      bigint NOT NULL,
    close_act     bigint,
    lock_xact     xid8   DEFAULT pg_current_xact_id(),

    CONSTRAINT periods_pkey PRIMARY KEY (through),
    CONSTRAINT periods_state_known CHECK (state IN ('locked', 'closed')),
    CONSTRAINT periods_closed_by_act CHECK ((state = 'closed') = (close_act IS NOT NULL))
);
COMMENT ON TABLE periods IS 'The periods that are not open, as the acts have left them. Only period_acts writes it.';
COMMENT ON COLUMN periods.lock_xact IS 'The transaction that locked it: another one closes it.';
COMMENT ON COLUMN periods.begins_after IS 'Its first date is the day after; null: from the beginning.';

CREATE TABLE late_entries (
    operation_id    bigint NOT NULL,
    part            text   NOT NULL,
    own_date        date   NOT NULL,
    accounting_date date   NOT NULL,

    CONSTRAINT late_entries_pkey PRIMARY KEY (operation_id, part),
    CONSTRAINT late_entries_part_known CHECK (part IN ('accepted', 'ended', 'corrected')),
    CONSTRAINT late_entries_is_later CHECK (accounting_date > own_date)
);
CREATE TRIGGER late_entries_insert_only BEFORE UPDATE OR DELETE ON late_entries
    FOR EACH ROW EXECUTE FUNCTION points_ledger_refuse_change();
CREATE TRIGGER late_entries_no_truncate BEFORE TRUNCATE ON late_entries
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_refuse_change();
COMMENT ON TABLE late_entries IS 'What was booked when its own date was locked, and the date it is booked on instead. Insert-only.';

-- +goose StatementBegin
CREATE FUNCTION points_ledger_zone() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT COALESCE((SELECT zone FROM period_acts ORDER BY id LIMIT 1), 'Asia/Shanghai')
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION points_ledger_zone() IS 'The time zone by which days end: that of the first lock, before it that of a rule file that names none.';

-- One look at a table of a few rows for a whole statement. As their owner, so that
-- whoever may record needs no further rights.
-- +goose StatementBegin
CREATE FUNCTION points_ledger_late_operations() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    locked date := (SELECT max(through) FROM periods);
BEGIN
    IF locked IS NOT NULL THEN
        INSERT INTO late_entries (operation_id, part, own_date, accounting_date)
        SELECT id, 'accepted', business_date, locked + 1 FROM recorded WHERE business_date <= locked;
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION points_ledger_late_postings() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    locked date := (SELECT max(through) FROM periods);
    place  text;
BEGIN
    IF locked IS NOT NULL THEN
        place := points_ledger_zone();
        INSERT INTO late_entries (operation_id, part, own_date, accounting_date)
        SELECT operation_id, 'ended', (posted_at AT TIME ZONE place)::date, locked + 1
          FROM fresh
         WHERE (posted_at AT TIME ZONE place)::date <= locked;
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION points_ledger_late_corrections() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    locked date := (SELECT max(through) FROM periods);
    place  text;
BEGIN
    IF locked IS NOT NULL THEN
        place := points_ledger_zone();
        INSERT INTO late_entries (operation_id, part, own_date, accounting_date)
        SELECT operation_id, 'corrected', (corrected_at AT TIME ZONE place)::date, locked + 1
          FROM fresh
         WHERE (corrected_at AT TIME ZONE place)::date <= locked;
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER operations_late AFTER INSERT ON operations
    REFERENCING NEW TABLE AS recorded FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_late_operations();
CREATE TRIGGER postings_late AFTER INSERT ON postings
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_late_postings();
CREATE TRIGGER corrections_late AFTER INSERT ON corrections
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_late_corrections();

CREATE OR REPLACE VIEW book_entries AS
SELECT e.operation_id, CASE WHEN r.netted AND e.movement = 'posted' THEN 'netted' ELSE e.movement END AS movement,
       e.at, e.business_date, e.target, e.account,
       CASE WHEN starts_with(e.account, e.target || ':issued:') THEN 'issued' ELSE substring(e.account FROM '[^:]*$') END AS place,
       CASE WHEN NOT starts_with(e.account, e.target || ':issued:') THEN substring(substr(e.account, length(e.target) + 9) FROM '^(.*):[^:]*$') END AS member_id,
       e.points, o.kind, o.source_type,
       COALESCE(o.points_channel, substring(COALESCE(g.data, o.data) FROM '"channel":([1-9])[,}]')::smallint) AS channel,
       o.shop_code, o.business_key, o.event_type, o.reference, o.recorded_at, r.origin_id,
       COALESCE(l.accounting_date,
                CASE WHEN e.movement = 'accepted' THEN e.business_date
                     ELSE GREATEST(e.business_date, (e.at AT TIME ZONE (SELECT points_ledger_zone()))::date) END) AS accounting_date
  FROM entries e
  JOIN operations o ON o.id = e.operation_id
  LEFT JOIN reversals r ON r.operation_id = e.operation_id
  LEFT JOIN operations g ON g.id = r.origin_id
  LEFT JOIN late_entries l ON l.operation_id = e.operation_id
   AND l.part = CASE e.movement WHEN 'accepted' THEN 'accepted' WHEN 'void_undone' THEN 'corrected' WHEN 'applied_after_void' THEN 'corrected' ELSE 'ended' END;
COMMENT ON COLUMN book_entries.accounting_date IS 'The day it is booked on: its own, or the first open one when its own was locked. Its own is the business date of what was accepted, of what was netted, posted, voided and corrected the day of at.';

CREATE OR REPLACE VIEW late_events AS
SELECT o.id AS operation_id, o.target, o.kind, o.event_source, o.event_type, o.event_id, o.business_key, o.member_id, o.shop_code, o.points,
       o.business_date, o.event_time, o.recorded_at, o.recorded_at::date AS recorded_on, o.recorded_at::date - o.business_date AS days_late,
       COALESCE(l.accounting_date, o.business_date) AS accounting_date
  FROM operations o
  LEFT JOIN late_entries l ON l.operation_id = o.id AND l.part = 'accepted'
 WHERE o.recorded_at::date > o.business_date;
COMMENT ON COLUMN late_events.accounting_date IS 'The day it is booked on: its business date, or the first open one when that was locked.';

-- The balance of each account through a date, members added up. Reads all of the books.
-- +goose StatementBegin
CREATE FUNCTION points_ledger_totals(through date) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT COALESCE(jsonb_object_agg(name, points ORDER BY name), '{}')
      FROM (SELECT target || ':' || place || CASE place WHEN 'issued' THEN COALESCE(':' || source_type, '') ELSE '' END AS name, sum(points)::bigint AS points
              FROM book_entries
             WHERE accounting_date <= points_ledger_totals.through
             GROUP BY 1) AS summed
$$;
-- What is accepted through a date and has not ended, by why it has not.
CREATE FUNCTION points_ledger_open_through(through date) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT COALESCE(jsonb_agg(jsonb_build_object('account', target, 'kind', kind, 'why', why, 'operations', operations, 'points', points) ORDER BY target, kind, why), '[]')
      FROM (SELECT w.target, w.kind, w.why, count(*) AS operations, sum(w.points)::bigint AS points
              FROM open_points w
              LEFT JOIN late_entries l ON l.operation_id = w.operation_id AND l.part = 'accepted'
             WHERE COALESCE(l.accounting_date, w.business_date) <= points_ledger_open_through.through
             GROUP BY 1, 2, 3) AS counted
$$;
-- +goose StatementEnd

-- Who is writing to the books now: the transactions that hold the lock of a writer on
-- them. What other databases and other tables are about is left alone.
-- +goose StatementBegin
CREATE FUNCTION points_ledger_writers() RETURNS text[] LANGUAGE sql VOLATILE AS $$
    SELECT COALESCE(array_agg(DISTINCT virtualtransaction), '{}')
      FROM pg_locks
     WHERE locktype = 'relation' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND relation IN ('operations'::regclass, 'postings'::regclass, 'corrections'::regclass)
       AND mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
$$;
CREATE FUNCTION points_ledger_period_act() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
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
CREATE TRIGGER period_acts_decided BEFORE INSERT ON period_acts
    FOR EACH ROW EXECUTE FUNCTION points_ledger_period_act();

-- What runs as its owner finds our tables alone, whatever a session puts before them.
-- +goose StatementBegin
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['points_ledger_late_operations()', 'points_ledger_late_postings()', 'points_ledger_late_corrections()', 'points_ledger_period_act()'] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', name, current_schema());
    END LOOP;
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'points_ledger_finance') THEN
        GRANT SELECT ON period_acts, periods, late_entries TO points_ledger_finance;
        GRANT INSERT ON period_acts TO points_ledger_finance;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER corrections_late ON corrections;
DROP TRIGGER postings_late ON postings;
DROP TRIGGER operations_late ON operations;
DROP FUNCTION points_ledger_late_corrections();
DROP FUNCTION points_ledger_late_postings();
DROP FUNCTION points_ledger_late_operations();
DROP TABLE period_acts;
DROP FUNCTION points_ledger_period_act();
DROP FUNCTION points_ledger_writers();
DROP FUNCTION points_ledger_open_through(date);
DROP FUNCTION points_ledger_totals(date);
DROP TABLE periods;
DROP VIEW late_events;
CREATE VIEW late_events AS
SELECT o.id AS operation_id, o.target, o.kind, o.event_source, o.event_type, o.event_id, o.business_key, o.member_id, o.shop_code, o.points,
       o.business_date, o.event_time, o.recorded_at, o.recorded_at::date AS recorded_on, o.recorded_at::date - o.business_date AS days_late
  FROM operations o
 WHERE o.recorded_at::date > o.business_date;
COMMENT ON VIEW late_events IS 'Operations that were recorded after their business date had ended, by the days of the session''s time zone.';
DROP VIEW book_entries;
CREATE VIEW book_entries AS
SELECT e.operation_id, CASE WHEN r.netted AND e.movement = 'posted' THEN 'netted' ELSE e.movement END AS movement,
       e.at, e.business_date, e.target, e.account,
       CASE WHEN starts_with(e.account, e.target || ':issued:') THEN 'issued' ELSE substring(e.account FROM '[^:]*$') END AS place,
       CASE WHEN NOT starts_with(e.account, e.target || ':issued:') THEN substring(substr(e.account, length(e.target) + 9) FROM '^(.*):[^:]*$') END AS member_id,
       e.points, o.kind, o.source_type,
       COALESCE(o.points_channel, substring(COALESCE(g.data, o.data) FROM '"channel":([1-9])[,}]')::smallint) AS channel,
       o.shop_code, o.business_key, o.event_type, o.reference, o.recorded_at, r.origin_id
  FROM entries e
  JOIN operations o ON o.id = e.operation_id
  LEFT JOIN reversals r ON r.operation_id = e.operation_id
  LEFT JOIN operations g ON g.id = r.origin_id;
COMMENT ON VIEW book_entries IS 'The entries of the books, each with what its operation was about. As of an instant: those whose at is not after it. Of a business date: those whose business_date is not after it.';
DROP FUNCTION points_ledger_zone();
DROP TABLE late_entries;
-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'points_ledger_finance') THEN
        GRANT SELECT ON book_entries, late_events TO points_ledger_finance;
    END IF;
END
$$;
-- +goose StatementEnd
