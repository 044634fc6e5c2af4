package ledger_test

import (
	"strings"
	"testing"
	"time"

	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
)

func heard(rows ...ledger.Claimed) []ledger.Confirmation {
	var all []ledger.Confirmation
	for _, r := range rows {
		all = append(all, ledger.Confirmation{ID: r.ID, Evidence: ledger.Answered, MemberID: r.MemberID, HTTPStatus: 200, VendorCode: "0"})
	}
	return all
}

func TestClaimLeasesDueRowsOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.event("SO-1"), f.event("SO-2"), f.event("SO-3"))
	first := f.claim(1, 2)
	want(t, "claimed", len(first), 2)
	want(t, "left", len(f.claim(2, 10)), 1)
	want(t, "nothing left", len(f.claim(3, 10)), 0)
	r := first[0]
	want(t, "points", r.Points, 100)
	want(t, "never sent", r.NeverSent, true)
	want(t, "member", r.MemberID, "383933091455959041")
	want(t, "channel", r.PointsChannel, 3)
	want(t, "event time", r.EventTime.Equal(orders.Epoch.Truncate(time.Microsecond)), true)
	stored := orders.Epoch.Add(time.Duration(r.BusinessKey[3]-'0') * time.Millisecond)
	want(t, "broker time", r.BrokerTime.Equal(stored.Truncate(time.Microsecond)), true)
	want(t, "first sent", one[int](f, `SELECT count(*) FROM outbox WHERE first_sent_at IS NOT NULL AND state = 'sending'`), 3)
	want(t, "other account", len(mustClaim(f, "kylin")), 0)
}

func mustClaim(f *fixture, account string) []ledger.Claimed {
	f.t.Helper()
	rows, err := f.Claim(f.t.Context(), ledger.Claim{Account: account, Token: 9, Limit: 10, Lease: time.Minute, KeyMemory: time.Hour})
	if err != nil {
		f.t.Fatal(err)
	}
	return rows
}

func TestConfirmOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.event("SO-1"))
	row := f.claim(1, 1)[0]
	done, err := f.Confirm(t.Context(), heard(row, row)) // heard twice in one batch
	if err != nil {
		t.Fatal(err)
	}
	want(t, "posted", done.Posted, 1)
	if done, err = f.Confirm(t.Context(), heard(row)); err != nil {
		t.Fatal(err)
	}
	want(t, "posted again", done.Posted, 0)
	want(t, "before", done.Before, 1)
	want(t, "postings", one[int](f, `SELECT count(*) FROM postings WHERE kind = 'posted' AND attempts = 1`), 1)
	want(t, "outbox", one[int](f, `SELECT count(*) FROM outbox`), 0)
	want(t, "trial balance", one[int64](f, `SELECT COALESCE(sum(balance_points), 0)::bigint FROM trial_balance`), 0)
	want(t, "credited", one[int64](f, `SELECT balance_points::bigint FROM trial_balance WHERE account = 'zhimai:member:383933091455959041:credited'`), 100)
	want(t, "pending", one[int64](f, `SELECT balance_points::bigint FROM trial_balance WHERE account = 'zhimai:member:383933091455959041:pending'`), 0)
}

// A confirmation settles an open row whoever heard it: here the lease has
// ended and another worker parked the row.
func TestConfirmWithoutLease(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.event("SO-1"))
	row := f.claim(1, 1)[0]
	f.exec(`UPDATE outbox SET state = 'parked', cause = 'refused', lease_token = NULL, lease_until = NULL, in_doubt = true`)
	done, err := f.Confirm(t.Context(), heard(row))
	if err != nil {
		t.Fatal(err)
	}
	want(t, "posted", done.Posted, 1)
}

func TestConfirmAfterVoid(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.event("SO-1"))
	row := f.claim(1, 1)[0]
	f.exec(`WITH gone AS (DELETE FROM outbox WHERE operation_id = $1)
	        INSERT INTO postings (operation_id, kind, evidence, attempts) VALUES ($1, 'voided', 'manual', 0)`, row.ID)
	done, err := f.Confirm(t.Context(), heard(row))
	if err != nil {
		t.Fatal(err)
	}
	want(t, "alerted", len(done.AfterVoid), 1)
	want(t, "kept", one[string](f, `SELECT outcome || ' ' || vendor_code FROM attempts`), "applied 0")
	want(t, "corrected", one[string](f, `SELECT state FROM operation_status`), "voided but applied")
}

// settleOne gives a row back and says whether it changed.
func settleOne(f *fixture, c ledger.Change) bool {
	f.t.Helper()
	changed, err := f.Settle(f.t.Context(), []ledger.Change{c})
	if err != nil {
		f.t.Fatal(err)
	}
	return len(changed) == 1
}

func TestSettleNeedsLiveLease(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.event("SO-1"))
	row := f.claim(7, 1)[0]
	c := ledger.Change{ID: row.ID, Token: 8, State: ledger.Parked, Cause: "refused", UseAttempt: true,
		Attempt: &ledger.Attempt{Outcome: "refused", VendorCode: "1"}}
	want(t, "another token", settleOne(f, c), false)
	f.exec(`UPDATE outbox SET lease_until = now() - interval '1 second'`)
	c.Token = 7
	want(t, "own token, lease over", settleOne(f, c), false)
	want(t, "no attempt recorded", one[int](f, `SELECT count(*) FROM attempts`), 0)

	want(t, "renewal of an ended lease", len(renew(f, row)), 0)
	f.exec(`UPDATE outbox SET lease_until = now() + interval '1 minute'`)
	want(t, "renewal", len(renew(f, row)), 1)
	want(t, "own token, lease alive", settleOne(f, c), true)
	want(t, "row", one[string](f, `SELECT state || ' ' || cause || ' ' || attempts || ' ' || in_doubt FROM outbox`), "parked refused 1 false")
	want(t, "attempt", one[string](f, `SELECT outcome || ' ' || vendor_code FROM attempts`), "refused 1")
}

func renew(f *fixture, r ledger.Claimed) []ledger.OperationID {
	f.t.Helper()
	kept, err := f.Renew(f.t.Context(), []ledger.OperationID{r.ID}, []ledger.LeaseToken{r.Token}, time.Minute)
	if err != nil {
		f.t.Fatal(err)
	}
	return kept
}

// Doubt is set by an unclear answer and by nothing here taken away.
func TestDoubtIsSticky(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.event("SO-1"))
	row := f.claim(1, 1)[0]
	want(t, "unclear", settleOne(f, ledger.Change{ID: row.ID, Token: 1, State: ledger.Pending, Cause: "unknown", Doubt: true, UseAttempt: true}), true)
	row = f.claim(2, 1)[0]
	want(t, "claimed in doubt", row.InDoubt, true)
	want(t, "never sent", row.NeverSent, false)
	want(t, "not sent", settleOne(f, ledger.Change{ID: row.ID, Token: 2, State: ledger.Pending, Unsent: true}), true)
	want(t, "still in doubt", one[string](f, `SELECT in_doubt || ' ' || (first_sent_at IS NOT NULL) FROM outbox`), "true true")
	row = f.claim(3, 1)[0]
	want(t, "refused", settleOne(f, ledger.Change{ID: row.ID, Token: 3, State: ledger.Parked, Cause: "refused"}), true)
	want(t, "state in words", one[string](f, `SELECT state FROM operation_status`), "parked in doubt")
}

func TestReturnedUnsentIsAsNeverSent(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.event("SO-1"))
	f.claim(1, 1)
	row := f.claim(1, 1)
	want(t, "leased", len(row), 0)
	id := one[int64](f, `SELECT operation_id FROM outbox`)
	want(t, "returned", settleOne(f, ledger.Change{ID: ledger.OperationID(id), Token: 1, State: ledger.Pending, Unsent: true}), true)
	want(t, "row", one[string](f, `SELECT state || ' ' || attempts || ' ' || (first_sent_at IS NULL) FROM outbox`), "pending 0 true")
	// It waits for ever and is claimed all the same: no age limit.
	f.exec(`UPDATE outbox SET next_attempt_at = now() - interval '400 days'`)
	want(t, "claimed", len(f.claim(2, 1)), 1)
}

func TestRescueMarksDoubt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.event("SO-1"), f.event("SO-2"))
	f.claim(1, 2)
	rescue := func(max int) int {
		n, err := f.RescueAll(t.Context(), "zhimai", max, 0)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	want(t, "leases alive", rescue(5), 0)
	f.exec(`UPDATE outbox SET lease_until = now()`)
	f.exec(`UPDATE outbox SET attempts = 4 WHERE operation_id = (SELECT min(operation_id) FROM outbox)`)
	want(t, "expired", rescue(5), 2)
	want(t, "in doubt", one[int](f, `SELECT count(*) FROM outbox WHERE in_doubt AND lease_token IS NULL`), 2)
	want(t, "parked", one[string](f, `SELECT cause FROM outbox WHERE state = 'parked'`), "attempts_exhausted")
	want(t, "attempts kept", one[int](f, `SELECT count(*) FROM attempts WHERE outcome = 'lease_expired'`), 2)
}

// A row whose worker is gone rests until what it may have sent is visible in
// the vendor's records; the rest counts from the end of the lease.
func TestRescuedRowRests(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.event("SO-1"), f.event("SO-2"))
	f.claim(1, 2)
	f.exec(`UPDATE outbox SET lease_until = now() - interval '10 minutes'`)
	f.exec(`UPDATE outbox SET lease_until = now() - interval '1 second' WHERE operation_id = (SELECT min(operation_id) FROM outbox)`)
	if n, err := f.RescueAll(t.Context(), "zhimai", 5, 5*time.Minute); err != nil || n != 2 {
		t.Fatalf("rescued %d, %v", n, err)
	}
	want(t, "resting", one[string](f, `SELECT string_agg((next_attempt_at - now() > interval '4 minutes')::text, ' ' ORDER BY operation_id) FROM outbox`), "true false")
	want(t, "claimed", len(f.claim(2, 2)), 1)
}

func TestClaimKeyMemory(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.event("SO-1"), f.event("SO-2"))
	f.claim(1, 2)
	// Both were first sent two hours ago; one is in doubt. The memory is an hour.
	f.exec(`UPDATE outbox SET state = 'pending', lease_token = NULL, lease_until = NULL, next_attempt_at = now(),
	               first_sent_at = now() - interval '2 hours',
	               in_doubt = operation_id = (SELECT min(operation_id) FROM outbox)`)
	rows := f.claim(2, 10)
	want(t, "claimed", len(rows), 1)
	want(t, "in doubt", rows[0].InDoubt, false)
	if _, ok, err := f.NextDue(t.Context(), "zhimai", time.Hour); ok || err != nil {
		t.Errorf("next due: got %v %v, want none", ok, err)
	}
	n, err := f.ParkForgotten(t.Context(), "zhimai", time.Hour, false)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "parked", n, 1)
	want(t, "cause", one[string](f, `SELECT cause || ' ' || in_doubt FROM outbox WHERE state = 'parked'`), "key_memory_over true")
}

func TestResolveNeedsLease(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	e := f.event("SO-1")
	e.Event.Operations[0].MemberID, e.Event.Operations[0].MemberCode = "", "UC77"
	f.record(e)
	row := f.claim(1, 1)[0]
	want(t, "code", row.MemberCode+row.MemberID, "UC77")
	resolve := func(token ledger.LeaseToken, member string) bool {
		ok, err := f.Resolve(t.Context(), row.ID, token, member)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	want(t, "other token", resolve(2, "5"), false)
	want(t, "own token", resolve(1, "77"), true)
	want(t, "changed afterwards", resolve(1, "78"), false)
	settleOne(f, ledger.Change{ID: row.ID, Token: 1, State: ledger.Pending, Doubt: true})
	row = f.claim(3, 1)[0]
	want(t, "member at the next attempt", row.MemberID, "77")
	if _, err := f.Confirm(t.Context(), heard(row)); err != nil {
		t.Fatal(err)
	}
	want(t, "posted to", one[string](f, `SELECT member_id FROM postings`), "77")
	want(t, "unresolved pending", one[int64](f, `SELECT balance_points::bigint FROM trial_balance WHERE account = 'zhimai:member:unresolved:pending'`), 0)
	want(t, "credited", one[int64](f, `SELECT balance_points::bigint FROM trial_balance WHERE account = 'zhimai:member:77:credited'`), 100)
}

func TestAccountConfirmed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	confirmed := func() bool {
		yes, err := f.AccountConfirmed(t.Context(), "zhimai")
		if err != nil {
			t.Fatal(err)
		}
		return yes
	}
	want(t, "at first", confirmed(), false)
	for range 2 {
		if err := f.MarkAccountConfirmed(t.Context(), "zhimai"); err != nil {
			t.Fatal(err)
		}
	}
	want(t, "then", confirmed(), true)
}

// The triggers of migrations 14 and 19 hold what a foreign key would.
func TestOperationMustExist(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.event("SO-1"))
	row := f.claim(1, 1)[0]
	for _, sql := range []string{
		`INSERT INTO outbox (operation_id, target, state, in_doubt, next_attempt_at) VALUES ($1, 'zhimai', 'pending', false, now())`,
		`INSERT INTO postings (operation_id, kind, evidence, member_id, attempts) VALUES ($1, 'posted', 'answered', '1', 1)`,
	} {
		_, err := f.pool.Exec(t.Context(), sql, row.ID+1000)
		if err == nil || !strings.Contains(err.Error(), "there is no operation") {
			t.Errorf("%s: got %v, want a refusal", sql, err)
		}
	}
	if _, err := f.pool.Exec(t.Context(), `UPDATE outbox SET operation_id = $1`, row.ID+1000); err == nil || !strings.Contains(err.Error(), "never changed") {
		t.Errorf("another operation for an outbox row: got %v, want a refusal", err)
	}
	if _, err := f.pool.Exec(t.Context(), `WITH gone AS (DELETE FROM outbox WHERE operation_id = $1)
		INSERT INTO postings (operation_id, kind, evidence, member_id, attempts) VALUES ($1, 'posted', 'answered', '1', 1)`, row.ID); err != nil {
		t.Errorf("a posting of an operation that exists: %v", err)
	}
}
