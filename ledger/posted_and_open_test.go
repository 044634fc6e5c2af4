package ledger_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"pointsledger/ledger"
	"pointsledger/ledger/database"
)

// postedAndOpen are n operations under a lease; the first is posted and has an
// open row all the same, as whoever may write to the outbox could leave it
// before the schema refused that.
func postedAndOpen(t *testing.T, n int) (f *fixture, rows []ledger.Claimed) {
	f = newFixture(t)
	for i := range n {
		f.record(f.event("SO-" + string(rune('A'+i))))
	}
	rows = f.claim(1, n)
	f.unguarded(`INSERT INTO postings (operation_id, kind, evidence, member_id, attempts) VALUES ($1, 'posted', 'answered', '42', 1)`, rows[0].ID)
	return f, rows
}

// unguarded runs a statement without the triggers.
func (f *fixture) unguarded(sql string, args ...any) {
	f.t.Helper()
	tx, err := f.pool.Begin(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(f.t.Context()) }()
	for _, s := range []struct {
		sql  string
		args []any
	}{{"SET LOCAL session_replication_role = replica", nil}, {sql, args}} {
		if _, err := tx.Exec(f.t.Context(), s.sql, s.args...); err != nil {
			f.t.Fatalf("%s: %v", s.sql, err)
		}
	}
	if err := tx.Commit(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
}

func confirmations(rows []ledger.Claimed) (heard []ledger.Confirmation) {
	for _, r := range rows {
		heard = append(heard, ledger.Confirmation{ID: r.ID, Evidence: ledger.Answered, MemberID: r.MemberID})
	}
	return heard
}

// Confirming what is posted is normal: it is counted, its stray row goes, and the
// others are posted.
func TestConfirmPostedAndOpen(t *testing.T) {
	t.Parallel()
	f, rows := postedAndOpen(t, 5)
	done, err := f.Confirm(t.Context(), confirmations(rows))
	if err != nil {
		t.Fatal(err)
	}
	want(t, "posted", done.Posted, 4)
	want(t, "posted before", done.Before, 1)
	want(t, "open rows", one[int](f, `SELECT count(*) FROM outbox`), 0)
	want(t, "postings", one[int](f, `SELECT count(*) FROM postings`), 5)
	want(t, "first posting's member", one[string](f, `SELECT member_id FROM postings WHERE operation_id = $1`, rows[0].ID), "42")
}

// A claim does not send what has ended: the row goes, and is named.
func TestClaimLeavesOutWhatIsPosted(t *testing.T) {
	t.Parallel()
	for name, newest := range map[string]bool{"by due time": false, "newest": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, rows := postedAndOpen(t, 3)
			f.exec(`UPDATE outbox SET state = 'pending', lease_token = NULL, lease_until = NULL`)
			got, err := f.Claim(t.Context(), ledger.Claim{Account: "zhimai", Token: 2, Limit: 10, Lease: time.Minute, KeyMemory: time.Hour, Newest: newest})
			if err != nil {
				t.Fatal(err)
			}
			want(t, "claimed", len(got), 2)
			for _, r := range got {
				if r.ID == rows[0].ID {
					t.Error("a posted operation was claimed")
				}
			}
			want(t, "its row", one[int](f, `SELECT count(*) FROM outbox WHERE operation_id = $1`, rows[0].ID), 0)
			want(t, "what attempts say", one[string](f, `SELECT error FROM attempts WHERE operation_id = $1`, rows[0].ID),
				"stray outbox row removed: the operation had ended before")
		})
	}
}

// The schema refuses what would make an operation posted and open at once, and
// a row that leaves without a posting.
func TestPostedIsClosed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.event("SO-A"), f.event("SO-B"))
	rows := f.claim(1, 2)
	if _, err := f.Confirm(t.Context(), confirmations(rows[:1])); err != nil {
		t.Fatal(err)
	}
	refused := func(what, constraint, sql string, args ...any) {
		t.Helper()
		_, err := f.pool.Exec(t.Context(), sql, args...)
		var said *pgconn.PgError
		if !errors.As(err, &said) || said.Code != "23000" || !strings.Contains(said.ConstraintName, constraint) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	refused("an open row of a posted operation", "outbox_not_posted", `INSERT INTO outbox (operation_id, target) VALUES ($1, 'zhimai')`, rows[0].ID)
	refused("a posting beside an open row", "postings_closes", `INSERT INTO postings (operation_id, kind, evidence, member_id, attempts) VALUES ($1, 'posted', 'manual', '1', 0)`, rows[1].ID)
	refused("a row that leaves without a posting", "outbox_leaves_posted", `DELETE FROM outbox`)
	refused("all rows at once", "", `TRUNCATE outbox`)
	want(t, "open rows", one[int](f, `SELECT count(*) FROM outbox`), 1)
	f.exec(`WITH gone AS (DELETE FROM outbox RETURNING operation_id)
	        INSERT INTO postings (operation_id, kind, evidence, member_id, attempts) SELECT operation_id, 'posted', 'manual', '1', 0 FROM gone`)
}

// A result that the database refuses for itself costs only its own row.
func TestSettlingRefusedCostsOnlyItself(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for i := range 40 {
		f.record(f.event("SO-" + string(rune('a'+i))))
	}
	rows := f.claim(1, 40)
	// One of them is an old doubt that was sent again: what was heard is of now.
	f.exec(`UPDATE outbox SET in_doubt = true, quiet_since = now() - interval '1 h' WHERE operation_id = $1`, int64(rows[7].ID))

	heard := confirmations(rows[:20])
	heard[7].MemberID = "42\x0042" // 22021
	heard[11].MemberID = ""        // postings_posted_has_member
	done, err := f.Confirm(t.Context(), heard)
	var aside *ledger.SetAsideError
	if !errors.As(err, &aside) || len(aside.Rows) != 2 || aside.Rows[0].ID != rows[7].ID || aside.Rows[1].ID != rows[11].ID {
		t.Fatalf("set aside: got %v", err)
	}
	want(t, "posted", done.Posted, 18)
	want(t, "set aside, in doubt", one[int](f, `SELECT count(*) FROM outbox WHERE state = 'parked' AND in_doubt AND cause = 'settling_refused' AND lease_token IS NULL`), 2)
	want(t, "in doubt since the call that was heard", one[int](f, `SELECT count(*) FROM outbox WHERE cause = 'settling_refused' AND quiet_since > now() - interval '1 min'`), 2)
	if words := one[string](f, `SELECT error FROM attempts WHERE operation_id = $1`, rows[11].ID); !strings.Contains(words, "the vendor confirmed it") || !strings.Contains(words, "postings_posted_has_member") {
		t.Errorf("attempts say: %s", words)
	}

	var changes []ledger.Change
	for _, r := range rows[20:] {
		changes = append(changes, ledger.Change{ID: r.ID, Token: r.Token, State: ledger.Pending, Cause: "unknown", Doubt: true, UseAttempt: true,
			Attempt: &ledger.Attempt{Outcome: "unknown"}})
	}
	changes[3].Attempt.Outcome = "no such outcome" // attempts_outcome_known
	changes[3].Doubt = false
	changed, err := f.Settle(t.Context(), changes)
	if !errors.As(err, &aside) || len(aside.Rows) != 1 || aside.Rows[0].ID != rows[23].ID {
		t.Fatalf("set aside: got %v", err)
	}
	want(t, "changed", len(changed), 20)
	want(t, "parked without doubt", one[int](f, `SELECT count(*) FROM outbox WHERE state = 'parked' AND NOT in_doubt AND cause = 'settling_refused'`), 1)
	want(t, "back in the queue", one[int](f, `SELECT count(*) FROM outbox WHERE state = 'pending' AND in_doubt`), 19)
}

// A database that refuses every result is at fault itself: nothing is set aside,
// and what was heard is written once it is mended.
func TestSettlingRefusedToAll(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string][2]string{
		"a required column": {`ALTER TABLE postings ADD COLUMN cost_centre text NOT NULL DEFAULT 'x'; ALTER TABLE postings ALTER cost_centre DROP DEFAULT`, `ALTER TABLE postings DROP COLUMN cost_centre`},
		"a check":           {`ALTER TABLE postings ADD CONSTRAINT audited CHECK (evidence = 'audited')`, `ALTER TABLE postings DROP CONSTRAINT audited`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			for i := range 20 {
				f.record(f.event("SO-" + string(rune('a'+i))))
			}
			rows := f.claim(1, 20)
			f.exec(fault[0])
			for range 2 {
				_, err := f.Confirm(t.Context(), confirmations(rows))
				var at *database.FaultError
				if !errors.As(err, &at) {
					t.Fatalf("got %v", err)
				}
				if _, err := f.Confirm(t.Context(), confirmations(rows[:1])); !errors.As(err, &at) {
					t.Fatalf("alone: got %v", err)
				}
			}
			want(t, "still under the lease", one[int](f, `SELECT count(*) FROM outbox WHERE state = 'sending'`), 20)
			f.exec(fault[1])
			done, err := f.Confirm(t.Context(), confirmations(rows))
			if err != nil || done.Posted != 20 {
				t.Errorf("after mending: %+v %v", done, err)
			}
		})
	}
}

// A row in doubt is sent again, and what came of that cannot be written: it is in
// doubt of the later call, too, so what was called after the first one alone shows
// nothing about it.
func TestSettlingRefusedIsDoubtOfTheLastCall(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for i := range 4 {
		f.record(f.event("SO-" + string(rune('a'+i))))
	}
	f.claim(1, 4)
	f.exec(`UPDATE outbox SET in_doubt = true, first_sent_at = now() - interval '10 minutes', quiet_since = now() - interval '10 minutes', state = 'pending',
		lease_token = NULL, lease_until = NULL`)
	rows := f.claim(2, 4)
	heard := confirmations(rows[:2])
	heard[0].MemberID = "42\x0042"
	if _, err := f.Confirm(t.Context(), heard); err == nil {
		t.Fatal("want a row set aside")
	}
	changes := []ledger.Change{
		{ID: rows[2].ID, Token: 2, State: ledger.Pending, Cause: "unknown", Doubt: true, QuietIn: time.Minute, Attempt: &ledger.Attempt{Outcome: "no such outcome"}},
		{ID: rows[3].ID, Token: 2, State: ledger.Pending, Cause: "unknown", Doubt: true, Attempt: &ledger.Attempt{Outcome: "unknown"}},
	}
	if _, err := f.Settle(t.Context(), changes); err == nil {
		t.Fatal("want a row set aside")
	}
	want(t, "confirmed, quiet since now", one[bool](f, `SELECT quiet_since > now() - interval '1 minute' FROM outbox WHERE operation_id = $1`, rows[0].ID), true)
	want(t, "unclear, quiet from the call's deadline", one[bool](f, `SELECT quiet_since > now() FROM outbox WHERE operation_id = $1`, rows[2].ID), true)
}
