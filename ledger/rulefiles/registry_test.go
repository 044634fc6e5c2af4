package rulefiles_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/ledger/rulefiles"
)

// endAt is a judge that ends every file but the newest at a broker's time.
func endAt(at time.Time) rulefiles.RulesJudge {
	return func(all []rulefiles.RegisteredRules) ([]rulefiles.RulesEnd, error) {
		newest, _ := rulefiles.NewestRules(all)
		var ends []rulefiles.RulesEnd
		for _, r := range all {
			end := rulefiles.RulesEnd{Version: r.Version}
			switch {
			case r.Withdrawn != nil:
				end.Ended = true
			case r.Version != newest.Version:
				end.Ended, end.At = true, at
			}
			ends = append(ends, end)
		}
		return ends, nil
	}
}

// under is an event that was mapped by a rule file and stored at a time.
func (f *fixture) under(version, order string, broker time.Time) ledger.Entry {
	e := f.event(order)
	e.Event.Operations[0].MappingVersion, e.Message.BrokerTime = version, broker
	return e
}

// What was mapped by a file beyond its end is recorded by no way, and costs no
// event: nothing of it becomes a reject.
func TestRegisteredRulesHoldAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ends := orders.Epoch.Add(time.Hour)
	before, after := ends.Add(-time.Second), ends
	for _, version := range []string{"old", "new"} {
		if err := f.RegisterRules(t.Context(), version, "text of "+version, "test", endAt(ends)); err != nil {
			t.Fatal(err)
		}
	}
	many := func(version string, broker time.Time, n int) []ledger.Entry {
		var entries []ledger.Entry
		for i := range n {
			entries = append(entries, f.under(version, fmt.Sprintf("%s-%d-%d-%d", version, broker.Unix(), n, i), broker))
		}
		return entries
	}
	reject := ledger.Entry{Message: f.event("R").Message, Rejection: ledger.Rejectf(ledger.UnknownType, "not known"), RulesVersion: "old"}
	reject.Message.BrokerTime = after
	lease := []ledger.RecordLease{{Account: "zhimai", Token: 7, Lease: time.Minute}}
	for what, c := range map[string]struct {
		entries []ledger.Entry
		record  func([]ledger.Entry) error
	}{
		"few":      {many("old", after, 1), f.recordErr},
		"some":     {many("old", after, 70), f.recordErr},
		"copied":   {many("old", after, 150), f.recordErr},
		"in parts": {many("old", after, 500), f.recordErr},
		"one of":   {append(many("old", before, 30), many("old", after, 1)...), f.recordErr},
		"a reject": {[]ledger.Entry{reject}, f.recordErr},
		"leased": {many("old", after, 3), func(e []ledger.Entry) error {
			_, _, err := f.RecordLeased(t.Context(), e, lease)
			return err
		}},
		"rebuilt": {many("old", after, 4), func(e []ledger.Entry) error {
			_, err := f.RecordRebuilt(t.Context(), e, ledger.Rebuilt{Parked: true})
			return err
		}},
	} {
		if err := c.record(c.entries); !errors.Is(err, ledger.ErrRulesEnded) {
			t.Errorf("%s: got %v, want ErrRulesEnded", what, err)
		}
	}
	want(t, "operations beyond the end", one[int](f, `SELECT count(*) FROM operations`), 0)
	want(t, "rejects", one[int](f, `SELECT count(*) FROM rejects`), 0)
	f.record(many("old", before, 3)...)
	f.record(many("new", after, 3)...)
	f.record(many("never registered", after, 3)...)
	want(t, "operations", one[int](f, `SELECT count(*) FROM operations`), 9)
}

func (f *fixture) recordErr(entries []ledger.Entry) error {
	_, err := f.Record(f.t.Context(), entries)
	return err
}

// insertUnder records an operation by a rule file, in a transaction of the test's own.
const insertUnder = `INSERT INTO operations (target, kind, biz_id, business_key, member_id, points, source_type, points_channel, reason, reference, business_date, mapping_version,
	             event_source, event_id, event_type, event_time, event_subject, stream_seq, broker_time, data)
	           SELECT 'zhimai', 'points_add', rpad('pa' || $1, 28, 'a'), 'k', '1', 1, 1, 3, 'r', 'r', '2026-11-20', $3, 's', $1, 't', $2, 'x', 1, $2, '{}'`

// waiting tells whether somebody waits for the lock of the rules.
func (f *fixture) waiting() bool {
	return one[bool](f, `SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
	                                      AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`)
}

// A registration waits for what is being recorded, and what is recorded after it
// meets it, whatever the recorder knew: no commit of the old file beyond its end
// comes after the registration's.
func TestRegistrationAndRecordingFollowEachOther(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	register := func(version string) error {
		return f.RegisterRules(t.Context(), version, version, "test", endAt(orders.Epoch))
	}
	if err := register("old"); err != nil {
		t.Fatal(err)
	}
	tx, err := f.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.WithoutCancel(t.Context()))
	if _, err := tx.Exec(t.Context(), insertUnder, "first", orders.Epoch, "old"); err != nil {
		t.Fatal(err)
	}
	registered := make(chan error, 1)
	go func() { registered <- register("new") }()
	testkit.Eventually(t, 10*time.Second, "the registration waits for the recorder", f.waiting)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-registered; err != nil {
		t.Fatal(err)
	}
	if err := f.recordErr([]ledger.Entry{f.under("old", "late", orders.Epoch)}); !errors.Is(err, ledger.ErrRulesEnded) {
		t.Errorf("got %v, want ErrRulesEnded", err)
	}
	want(t, "operations", one[int](f, `SELECT count(*) FROM operations`), 1)
}

func TestLookAtRules(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	look := func() rulefiles.RulesLook {
		t.Helper()
		l, err := f.LookAtRules(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	want(t, "a new ledger", look(), rulefiles.RulesLook{})
	if err := f.RegisterRules(t.Context(), "one", "1", "me", endAt(orders.Epoch)); err != nil {
		t.Fatal(err)
	}
	want(t, "one file", look(), rulefiles.RulesLook{Newest: "one", Settled: true})
	// An older program registers without working out the ends.
	if err := f.RegisterMapping(t.Context(), "two", "2"); err != nil {
		t.Fatal(err)
	}
	want(t, "a second file", look(), rulefiles.RulesLook{Newest: "two"})
	if err := f.SettleRules(t.Context(), endAt(orders.Epoch)); err != nil {
		t.Fatal(err)
	}
	want(t, "settled", look(), rulefiles.RulesLook{Newest: "two", Settled: true})
	last, _, err := f.LastMapping(t.Context())
	if err != nil || last.Version != "two" {
		t.Errorf("the last file is %q, %v", last.Version, err)
	}
}

func TestWithdrawRules(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	own := orders.Epoch.Add(time.Hour)
	for _, version := range []string{"a", "b"} {
		if err := f.RegisterRules(t.Context(), version, version, "test", endAt(own)); err != nil {
			t.Fatal(err)
		}
	}
	withdrawal := rulefiles.RulesWithdrawal{Version: "b", Actor: "ann", Reason: "wrong rate", Own: own, Judge: endAt(own)}
	f.record(f.under("b", "common", own.Add(-time.Minute)))

	for what, c := range map[string]struct {
		version string
		err     error
	}{"unknown": {"c", rulefiles.ErrRulesUnknown}, "not the newest": {"a", rulefiles.ErrRulesNotNewest}} {
		other := withdrawal
		other.Version = c.version
		if _, err := f.WithdrawRules(t.Context(), other); !errors.Is(err, c.err) {
			t.Errorf("%s: got %v, want %v", what, err, c.err)
		}
	}
	// Recorded by what only b says: too late.
	used := withdrawal
	used.Own = own.Add(-time.Hour)
	var typed *rulefiles.RulesUsedError
	if _, err := f.WithdrawRules(t.Context(), used); !errors.As(err, &typed) || typed.Operations != 1 {
		t.Errorf("got %v, want one operation in the way", err)
	}
	want(t, "acts", one[int](f, `SELECT count(*) FROM ops_actions`), 0)

	act, err := f.WithdrawRules(t.Context(), withdrawal)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "the act", one[string](f, `SELECT actor || ' ' || action || ' ' || filter || ': ' || reason FROM ops_actions WHERE id = $1`, act),
		"ann withdraw_rules rules b: wrong rate")
	if _, err := f.WithdrawRules(t.Context(), withdrawal); !errors.Is(err, rulefiles.ErrRulesWithdrawn) {
		t.Errorf("twice: got %v", err)
	}
	if err := f.recordErr([]ledger.Entry{f.under("b", "late", own.Add(-time.Minute))}); !errors.Is(err, ledger.ErrRulesEnded) {
		t.Errorf("under the withdrawn file: got %v", err)
	}
	f.record(f.under("a", "again", own.Add(time.Hour))) // a is in force, without an end
	last, _, err := f.LastMapping(t.Context())
	if err != nil || last.Version != "a" {
		t.Errorf("the last file is %q, %v", last.Version, err)
	}
	// The evidence stays.
	for _, sql := range []string{`DELETE FROM mapping_withdrawals`, `UPDATE mapping_withdrawals SET reason = 'x'`, `TRUNCATE mapping_withdrawals`} {
		if _, err := f.pool.Exec(t.Context(), sql); err == nil {
			t.Errorf("%s was allowed", sql)
		}
	}
}

// A withdrawal waits for what is being recorded by the file, and sees it then.
func TestWithdrawalFollowsRecording(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, version := range []string{"a", "b"} {
		if err := f.RegisterRules(t.Context(), version, version, "test", endAt(orders.Epoch)); err != nil {
			t.Fatal(err)
		}
	}
	tx, err := f.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.WithoutCancel(t.Context()))
	if _, err := tx.Exec(t.Context(), insertUnder, "first", orders.Epoch.Add(time.Hour), "b"); err != nil {
		t.Fatal(err)
	}
	withdrawn := make(chan error, 1)
	go func() {
		_, err := f.WithdrawRules(t.Context(), rulefiles.RulesWithdrawal{Version: "b", Actor: "ann", Reason: "wrong", Own: orders.Epoch, Judge: endAt(orders.Epoch)})
		withdrawn <- err
	}()
	testkit.Eventually(t, 10*time.Second, "the withdrawal waits for the recorder", f.waiting)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	var used *rulefiles.RulesUsedError
	if err := <-withdrawn; !errors.As(err, &used) || used.Operations != 1 {
		t.Errorf("got %v, want one operation in the way", err)
	}
}

// A withdrawal holds up all recording, so it does not read what was recorded
// under a file before its own rules begin.
func TestWithdrawalReadsNoHistory(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	own := time.Now().Add(24 * time.Hour)
	if err := f.RegisterRules(t.Context(), "b", "b", "test", endAt(own)); err != nil {
		t.Fatal(err)
	}
	var entries []ledger.Entry
	for i := range 500 {
		entries = append(entries, f.under("b", fmt.Sprint("SO-", i), own.Add(-48*time.Hour)))
	}
	must(f.Record(t.Context(), entries))
	f.exec(`ANALYZE operations`)
	rows, err := f.pool.Query(t.Context(), `EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off)`+rulefiles.SQLCountOwnRules, "b", own)
	if err != nil {
		t.Fatal(err)
	}
	plan := must(pgx.CollectRows(rows, pgx.RowTo[string]))
	for _, line := range plan {
		var removed int
		if at := strings.Index(line, "Rows Removed by Filter: "); at >= 0 {
			if _, err := fmt.Sscanf(line[at:], "Rows Removed by Filter: %d", &removed); err != nil || removed > 10 {
				t.Errorf("reads %d rows: %v\n%s", removed, err, strings.Join(plan, "\n"))
			}
		}
	}
	want(t, "recorded", one[int](f, `SELECT count(*) FROM operations`), 500)
}
