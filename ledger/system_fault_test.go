package ledger_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
)

// systemFaults are what can be wrong with a database that no event is to blame
// for. inject and mend are statements; says is a part of what the error says.
var systemFaults = []struct{ name, inject, mend, says string }{
	{"a sequence behind", `ALTER TABLE operations ALTER COLUMN id RESTART WITH 1`,
		`SELECT setval(pg_get_serial_sequence('operations', 'id'), (SELECT max(id) FROM operations))`, `SELECT setval(pg_get_serial_sequence('operations', 'id'), (SELECT max(id) FROM operations))`},
	{"a sequence at its end", `DO $$ BEGIN EXECUTE 'ALTER SEQUENCE operations_id_seq MAXVALUE ' || (SELECT last_value FROM operations_id_seq); END $$`,
		`ALTER SEQUENCE operations_id_seq NO MAXVALUE`, "a sequence is at its end"},
	{"a required column", `ALTER TABLE operations ADD COLUMN cost_centre text NOT NULL DEFAULT 'x'; ALTER TABLE operations ALTER COLUMN cost_centre DROP DEFAULT`,
		`ALTER TABLE operations DROP COLUMN cost_centre`, "column cost_centre of operations"},
	{"a required column of the outbox", `ALTER TABLE outbox ADD COLUMN queue text NOT NULL DEFAULT 'x'; ALTER TABLE outbox ALTER COLUMN queue DROP DEFAULT`,
		`ALTER TABLE outbox DROP COLUMN queue`, "column queue of outbox"},
	{"somebody's check", `ALTER TABLE operations ADD CONSTRAINT theirs CHECK (business_key <> 'SO-7') NOT VALID`, `ALTER TABLE operations DROP CONSTRAINT theirs`, "theirs of operations"},
	{"somebody's unique index", `CREATE UNIQUE INDEX theirs ON operations (event_subject) WHERE broker_time > '2026-11-20 12:00:00.164+08'`, `DROP INDEX theirs`, "theirs of operations"},
	{"somebody's trigger", raising("P0001"), `DROP TRIGGER theirs ON operations`, "trigger"},
	{"somebody's trigger that speaks of numbers", raising("22003"), `DROP TRIGGER theirs ON operations`, "theirs"},
	{"somebody's trigger that speaks of our check", raising("23514", "operations_points_not_negative"), `DROP TRIGGER theirs ON operations`, "theirs"},
	{"a full disk", raising("53100"), `DROP TRIGGER theirs ON operations`, "disk is full"},
	{"read-only", raising("25006"), `DROP TRIGGER theirs ON operations`, "read-only"},
	{"a cancelled statement", raising("57014"), `DROP TRIGGER theirs ON operations`, "statement_timeout"},
	{"a lost right", raising("42501"), `DROP TRIGGER theirs ON operations`, "lost a right"},
	{"a missing function", `CREATE FUNCTION theirs() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM no_such_function(); RETURN NEW; END $$;
		CREATE TRIGGER theirs BEFORE INSERT ON operations FOR EACH ROW EXECUTE FUNCTION theirs()`, `DROP TRIGGER theirs ON operations`, "function is missing"},
	{"a missing table", `ALTER TABLE outbox RENAME TO outbox_old`, `ALTER TABLE outbox_old RENAME TO outbox`, "table or a partition is missing"},
	{"a missing column", `ALTER TABLE operations RENAME COLUMN shop_code TO shop`, `ALTER TABLE operations RENAME COLUMN shop TO shop_code`, "shop_code"},
}

// raising makes a trigger that refuses every row with the SQLSTATE.
func raising(code string, constraint ...string) string {
	name := ""
	if len(constraint) > 0 {
		name = ", CONSTRAINT = '" + constraint[0] + "'"
	}
	return `CREATE FUNCTION theirs() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'theirs' USING ERRCODE = '` + code + `'` + name + `; END $$;
		CREATE TRIGGER theirs BEFORE INSERT ON operations FOR EACH ROW EXECUTE FUNCTION theirs()`
}

// No fault of the database makes a reject, whatever the size of the batch and
// the way it is written; the error says what it is, and once it is mended every
// event is recorded.
func TestSystemFaultsRejectNothing(t *testing.T) {
	t.Parallel()
	for _, fault := range systemFaults {
		for _, size := range []int{1, 30, 300} {
			t.Run(fmt.Sprintf("%s/%d", fault.name, size), func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				for i := range 40 {
					f.record(f.event(fmt.Sprintf("before-%d", i)))
				}
				batch := make([]ledger.Entry, size)
				for i := range batch {
					batch[i] = f.event(fmt.Sprintf("SO-%d", i+7))
				}
				f.exec(fault.inject)
				// Some faults bite only from the second row on; then the batch must not
				// be taken either.
				bad := append(batch, batch...)
				if fault.name != "somebody's unique index" || size > 1 {
					for try := range 3 {
						_, err := f.Record(t.Context(), bad)
						if err == nil {
							t.Fatalf("try %d: recorded", try)
						}
						if !strings.Contains(err.Error(), fault.says) {
							t.Errorf("try %d: does not say %q: %v", try, fault.says, err)
						}
						var known *database.FaultError
						if fault.says != "theirs" && !errors.As(err, &known) {
							t.Errorf("try %d: says not what to do: %v", try, err)
						}
					}
				}
				want(t, "rejects", one[int](f, `SELECT count(*) FROM rejects`), 0)
				f.exec(fault.mend)
				for i, v := range f.record(batch...) {
					if v.Kind == ledger.Rejected {
						t.Fatalf("event %d: %v", i, v.Rejection)
					}
				}
				want(t, "operations", one[int](f, `SELECT count(*) FROM operations`), 40+size)
				want(t, "rejects", one[int](f, `SELECT count(*) FROM rejects`), 0)
			})
		}
	}
}

// The database refuses some events for what stands in them; each costs only
// itself, also where the index cannot hold the key (class 54).
func TestContentFaultsCostOnlyThemselves(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	long := make([]rune, 1000)
	for i := range long {
		long[i] = rune(0x4e00 + random.IntN(20000))
	}
	for name, spoil := range map[string]func(*ledger.Operation, *ledger.Event){
		"a key too long for the index": func(o *ledger.Operation, _ *ledger.Event) { o.BusinessKey = string(long) },
		"a NUL":                        func(o *ledger.Operation, _ *ledger.Event) { o.ShopCode = "a\x00b" },
		"not UTF-8":                    func(_ *ledger.Operation, e *ledger.Event) { e.ID = "\xff\xfe" },
		"a channel that is none":       func(o *ledger.Operation, _ *ledger.Event) { o.PointsChannel = 77 },
		"no member":                    func(o *ledger.Operation, _ *ledger.Event) { o.MemberID = "" },
	} {
		for _, size := range []int{1, 30, 300} {
			t.Run(fmt.Sprintf("%s/%d", name, size), func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				batch := make([]ledger.Entry, size)
				for i := range batch {
					batch[i] = f.event(fmt.Sprintf("SO-%d", i))
				}
				bad := size / 3
				spoil(&batch[bad].Event.Operations[0], batch[bad].Event)
				for i, v := range f.record(batch...) {
					kind := ledger.Accepted
					if i == bad {
						kind = ledger.Rejected
					}
					if v.Kind != kind {
						t.Fatalf("event %d: got %v %v", i, v.Kind, v.Rejection)
					}
				}
				want(t, "rejects", one[int](f, `SELECT count(*) FROM rejects`), 1)
				want(t, "sound events left", one[int](f, `SELECT count(*) FROM operations WHERE target = 'sound'`), 0)
			})
		}
	}
}

// While the sequence is behind no id is taken: those in the gaps below the
// highest may stand for lost operations in somebody's hand.
func TestSequenceBehindTakesNoIDs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.event("SO-1"))
	f.exec(`SELECT setval('operations_id_seq', 1000)`) // as a recovery skips ids
	f.record(f.event("SO-2"))
	f.exec(`SELECT setval('operations_id_seq', 1)`)
	// One small batch may get through; it is seen by its ids.
	if _, err := f.Record(t.Context(), []ledger.Entry{f.event("SO-3")}); err != nil {
		t.Fatal(err)
	}
	var large []ledger.Entry
	for i := range 150 {
		large = append(large, f.event(fmt.Sprintf("SO-2%d", i)))
	}
	if _, err := f.Record(t.Context(), large); !errors.Is(err, database.ErrSequenceBehind) {
		t.Fatalf("got %v", err)
	}
	for i := range 5 {
		if _, err := f.Record(t.Context(), []ledger.Entry{f.event(fmt.Sprintf("SO-1%d", i))}); !errors.Is(err, database.ErrSequenceBehind) {
			t.Fatalf("got %v", err)
		}
	}
	want(t, "operations in the gap", one[int](f, `SELECT count(*) FROM operations WHERE id BETWEEN 2 AND 1000`), 1)
	lines, err := f.SequencesBehind(t.Context())
	if err != nil || len(lines) != 1 || !strings.Contains(lines[0], "setval") {
		t.Errorf("got %v %v", lines, err)
	}
}

// A database whose sessions begin in another encoding is asked for UTF8.
func TestSessionAsksForUTF8(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"GBK", "LATIN1", "SQL_ASCII"} {
		t.Run(encoding, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.exec(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET client_encoding = ''` + encoding + `''', current_database()); END $$`)
			f.pool.Reset()
			e := f.event("SO-1")
			e.Event.Operations[0].Reason = "订单SO-1消费积分 😀"
			want(t, "verdict", f.record(e)[0].Kind, ledger.Accepted)
			want(t, "stored", one[string](f, `SELECT reason FROM operations`), "订单SO-1消费积分 😀")
			want(t, "bytes", one[int](f, `SELECT octet_length(reason) FROM operations`), len("订单SO-1消费积分 😀"))
			want(t, "session", one[string](f, `SHOW client_encoding`), "UTF8")
		})
	}
}

// A worker's settings hold in the session although no startup packet names them.
func TestSessionSettingsHold(t *testing.T) {
	t.Parallel()
	dsn := testkit.Postgres(t)
	for url, seqscan := range map[string]string{dsn: "off", dsn + "&enable_seqscan=on": "on"} {
		pool, err := database.OpenWorkerPool(t.Context(), url, 1)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		f := &fixture{Store: ledger.New(pool), t: t, pool: pool}
		want(t, "enable_seqscan", one[string](f, `SHOW enable_seqscan`), seqscan)
		want(t, "plan_cache_mode", one[string](f, `SHOW plan_cache_mode`), "force_generic_plan")
		want(t, "synchronous_commit", one[string](f, `SHOW synchronous_commit`), "on")
		want(t, "timezone", one[string](f, `SHOW timezone`), "UTC")
	}
}
