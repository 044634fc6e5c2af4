package periods_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const insertAct = `INSERT INTO period_acts (id, act, through, at, actor, reason, zone, db_user, checks, action_id) VALUES (0, $1, $2::date, now(), 'x', $3, $4, 'x', $5, 0)`

// Whoever inserts acts gets no closing whose totals do not stand, and none that cannot be
// listed.
func TestActsByHandAreHeldToTheSame(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t), t.Context()
	s.record(1, daysAgo(2))
	refused := func(what string, err error, says string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, want %q", what, err, says)
		}
	}
	act := func(options pgx.TxOptions, acts ...[5]any) error {
		return pgx.BeginTxFunc(ctx, s.pool, options, func(tx pgx.Tx) error {
			for _, a := range acts {
				if _, err := tx.Exec(ctx, insertAct, a[:]...); err != nil {
					return err
				}
			}
			return nil
		})
	}
	day := daysAgo(1)
	lock, end := [5]any{"lock", day, "x", zone, "[]"}, [5]any{"close", day, "x", zone, "[]"}
	refused("no date of books", act(pgx.TxOptions{}, [5]any{"lock", "-infinity", "x", zone, "[]"}), "before all books")
	refused("a zone of one's own", act(pgx.TxOptions{}, [5]any{"lock", daysAgo(-3), "x", "XXX-120", "[]"}), "such as Asia/Shanghai")
	refused("findings that are no list", act(pgx.TxOptions{}, [5]any{"lock", day, "x", zone, `{"x": 1}`}), "jsonb_to_recordset")
	refused("both at once: nobody has seen the lock", act(pgx.TxOptions{}, lock, end), "by another transaction")
	refused("an older snapshot", act(pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, lock), "read committed")
	if err := act(pgx.TxOptions{}, lock); err != nil {
		t.Fatal(err)
	}
	refused("no reason, although something is open", act(pgx.TxOptions{}, [5]any{"close", day, " ", zone, "[]"}), "takes a reason")
	if err := act(pgx.TxOptions{}, [5]any{"close", day, "x", zone, `[{"check": "held", "points": null, "count": "7", "other": 1}]`}); err != nil {
		t.Fatal(err)
	}
	s.record(2, daysAgo(2))
	list, err := s.List(ctx, true)
	if err != nil || len(list) != 1 || len(list[0].Closed.Differences) != 0 || len(list[0].Closed.Checks) != 1 || list[0].Closed.Checks[0].Count != 7 {
		t.Errorf("%+v, %v", list, err)
	}
}

// A role whose transactions keep their first snapshot does not book on closed days: a worker's
// sessions say for themselves how they read, and so does a closing.
func TestRoleThatReadsRepeatably(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.exec("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = ''repeatable read''', current_database()); END $$")
	s.pool.Reset()
	want(t, "a worker's session", one[string](s, "SHOW transaction_isolation"), "read committed")
	s.record(1, daysAgo(2))
	role := s.as("finance_repeats")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if o, err := role.Close(ctx, closing(daysAgo(1))); err != nil || o.State != "closed" {
		t.Errorf("%+v, %v", o, err)
	}
}
