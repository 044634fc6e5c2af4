package ledger_test

import (
	"testing"
	"time"

	"pointsledger/ledger"
)

// When the last call that may have had an effect had surely ended is kept with
// the doubt, and never goes back; what the last reading lacked goes with the row.
func TestQuietSince(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	must(f.Record(t.Context(), []ledger.Entry{f.event("a")}))
	claim := func(token ledger.LeaseToken) ledger.Claimed {
		rows := must(f.Claim(t.Context(), ledger.Claim{Account: "zhimai", Token: token, Limit: 1, Lease: time.Minute, KeyMemory: time.Hour}))
		if len(rows) != 1 {
			t.Fatalf("claimed %d rows", len(rows))
		}
		return rows[0]
	}
	row := claim(1)
	if !row.QuietSince.IsZero() || row.Lack != "" {
		t.Errorf("before the first send: quiet since %v, lack %q", row.QuietSince, row.Lack)
	}
	must(f.Settle(t.Context(), []ledger.Change{{ID: row.ID, Token: 1, State: ledger.Pending, Cause: "unknown", Doubt: true, QuietIn: 10 * time.Second}}))
	row = claim(2)
	if in := time.Until(row.QuietSince); in < 5*time.Second || in > 10*time.Second {
		t.Errorf("the call may run for 10 s, kept are %v", in)
	}
	first := row.QuietSince
	// A look-up that proved nothing; then a send that ended at once.
	must(f.Settle(t.Context(), []ledger.Change{{ID: row.ID, Token: 2, State: ledger.Pending, Cause: ledger.CauseNoControl, Lack: "records_not_known_to_be_current"}}))
	row = claim(3)
	want(t, "lack", row.Lack, "records_not_known_to_be_current")
	must(f.Settle(t.Context(), []ledger.Change{{ID: row.ID, Token: 3, State: ledger.Pending, Cause: "unknown", Doubt: true}}))
	if row = claim(4); !row.QuietSince.Equal(first) || row.Lack != "" {
		t.Errorf("quiet since %v, was %v; lack %q", row.QuietSince, first, row.Lack)
	}
	// Its worker dies: the call may have been made until the lease ended.
	f.exec(`UPDATE outbox SET quiet_since = now() - interval '1 h', lease_until = now() - interval '1 s'`)
	must(f.RescueAll(t.Context(), "zhimai", 100, 0))
	row = claim(5)
	if age := time.Since(row.QuietSince); age > 30*time.Second {
		t.Errorf("rescued: quiet since %v ago", age)
	}
	must(f.ClearDoubt(t.Context(), row.ID, 5))
	want(t, "cleared", one[bool](f, `SELECT quiet_since IS NULL AND lack IS NULL AND NOT in_doubt FROM outbox`), true)
}

// Rows that wait for a control become due when it is there for them, and no
// others.
func TestHastenDoubt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	orders := []string{"early", "late", "other-lack", "parked", "sure"}
	for _, order := range orders {
		must(f.Record(t.Context(), []ledger.Entry{f.event(order)}))
	}
	f.exec(`UPDATE outbox SET in_doubt = true, first_sent_at = now() - interval '1 h', quiet_since = now() - interval '1 h', lack = 'current',
	        next_attempt_at = now() + interval '1 h', cause = 'no_control'`)
	set := func(order, change string) {
		f.exec(`UPDATE outbox x SET ` + change + ` FROM operations o WHERE o.id = x.operation_id AND o.business_key = '` + order + `'`)
	}
	set("late", `quiet_since = now() - interval '1 min'`)
	set("other-lack", `lack = 'reach'`)
	set("parked", `state = 'parked'`)
	set("sure", `in_doubt = false, quiet_since = NULL, lack = NULL`)
	now := time.Now()
	wait := must(f.WaitingForControl(t.Context(), "zhimai", []string{"current"}))
	if wait.Rows != 2 || now.Sub(wait.Earliest) < 50*time.Minute || now.Sub(wait.Latest) > 5*time.Minute {
		t.Errorf("waiting: %+v", wait)
	}
	hasten := func(later, idle ledger.QuietWindow) int {
		return must(f.HastenDoubt(t.Context(), "zhimai", []string{"current"}, later, idle))
	}
	want(t, "nothing known", hasten(ledger.QuietWindow{}, ledger.QuietWindow{}), 0)
	want(t, "idle since before", hasten(ledger.QuietWindow{}, ledger.QuietWindow{From: now.Add(-10 * time.Minute), Before: now.Add(-5 * time.Minute)}), 0)
	want(t, "later than one", hasten(ledger.QuietWindow{Before: now.Add(-30 * time.Minute)}, ledger.QuietWindow{}), 1)
	want(t, "again", hasten(ledger.QuietWindow{Before: now.Add(-30 * time.Minute)}, ledger.QuietWindow{}), 0)
	want(t, "idle", hasten(ledger.QuietWindow{}, ledger.QuietWindow{From: now.Add(-10 * time.Minute), Before: now}), 1)
	want(t, "due", one[int64](f, `SELECT count(*) FROM outbox WHERE next_attempt_at <= now()`), 2)
}
