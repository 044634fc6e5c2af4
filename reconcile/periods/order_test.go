package periods_test

import (
	"errors"
	"strings"
	"testing"

	"pointsledger/reconcile/periods"
)

// The order holds for whoever inserts an act, and what the database knows better it fills
// in itself.
func TestTheDatabaseHoldsTheOrder(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t), t.Context()
	anna, ben := s.as("finance_anna"), s.as("finance_ben")
	refused := func(what string, err error, is error, says string) {
		t.Helper()
		if !errors.Is(err, is) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	_, err := anna.Close(ctx, closing(daysAgo(0)))
	refused("today", err, periods.ErrOutOfOrder, "is not over in Asia/Shanghai")
	if _, err := anna.Close(ctx, closing(daysAgo(5))); err != nil {
		t.Fatal(err)
	}
	_, err = anna.Close(ctx, closing(daysAgo(6)))
	refused("an earlier one", err, periods.ErrOutOfOrder, "locked already")
	for _, day := range []string{daysAgo(4), daysAgo(3)} {
		c := closing(day)
		c.LockOnly = true
		if _, err := anna.Close(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	_, err = anna.Close(ctx, closing(daysAgo(3)))
	refused("the second of two locked", err, periods.ErrOutOfOrder, "the next one ends at "+daysAgo(4))
	refused("reopen the first of three", anna.Reopen(ctx, daysAgo(5), "anna", "typo"), periods.ErrOutOfOrder, "the last one ends at "+daysAgo(3))
	if err := anna.Reopen(ctx, daysAgo(3), "anna", "locked by mistake"); err != nil {
		t.Fatal(err)
	}
	c := closing(daysAgo(4))
	c.Policy.AnotherReopens = true
	if _, err := anna.Close(ctx, c); err != nil {
		t.Fatal(err)
	}
	refused("by the same hand, under another name", anna.Reopen(ctx, daysAgo(4), "ben", "a wrong order"), periods.ErrSameHand, "finance_anna")
	if err := ben.Reopen(ctx, daysAgo(4), "ben", "a wrong order"); err != nil {
		t.Fatal(err)
	}
	// Without that rule one may do both.
	if err := anna.Reopen(ctx, daysAgo(5), "anna", "a wrong order"); err != nil {
		t.Fatal(err)
	}
	refused("nothing is left", anna.Reopen(ctx, daysAgo(5), "anna", "again"), periods.ErrOutOfOrder, "none is locked or closed")
	want(t, "acts", one[string](s, "SELECT string_agg(act || ' ' || db_user, ', ' ORDER BY id) FROM period_acts WHERE act = 'reopen'"),
		"reopen finance_anna, reopen finance_ben, reopen finance_anna")
}

// Who may close may do nothing else to the periods, and nothing under another name.
func TestFinanceCannotForgeAnAct(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t), t.Context()
	mallory := s.as("finance_mallory")
	pool := mallory.Pool()
	_, err := pool.Exec(ctx, `INSERT INTO period_acts (id, act, through, at, actor, reason, zone, db_user, totals, action_id) VALUES (99, 'lock', $1, 'epoch', 'x', '', $2, 'anna', '{"zhimai:issued:1":1}', 7)`, daysAgo(1), zone)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "kept", one[string](s, "SELECT id || ' ' || db_user || ' ' || (at > now() - interval '1 hour') || ' ' || COALESCE(totals::text, 'none') FROM period_acts"), "1 finance_mallory true none")
	for _, sql := range []string{"DELETE FROM periods", "UPDATE period_acts SET reason = 'x'", "INSERT INTO periods SELECT * FROM periods", "DELETE FROM late_entries", "INSERT INTO late_entries VALUES (1, 'accepted', '2026-01-01', '2026-01-02')"} {
		if _, err := pool.Exec(ctx, sql); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: got %v", sql, err)
		}
	}
	// A table of one's own in front of ours is not looked at.
	conn, err := pool.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "CREATE TEMPORARY TABLE periods (through date, begins_after date, state text, zone text, lock_act bigint, close_act bigint)"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(ctx, `INSERT INTO period_acts (id, act, through, at, actor, reason, zone, db_user, action_id) VALUES (0, 'lock', $1, now(), 'x', '', $2, 'x', 0)`, daysAgo(2), zone); err == nil || !strings.Contains(err.Error(), "locked already") {
		t.Errorf("a lock behind a table of one's own: got %v", err)
	}
	if _, err := conn.Exec(ctx, "DROP TABLE pg_temp.periods"); err != nil {
		t.Error(err)
	}
}
