package ledger_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/continuity"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
)

// blockers hold one row and let two statements run into it.
type blockers struct {
	*fixture
	rows []ledger.Claimed
}

// claimedRows are n rows under one lease.
func claimedRows(t *testing.T, n int) *blockers {
	f := newFixture(t)
	for i := range n {
		f.record(f.event("SO-" + string(rune('A'+i))))
	}
	return &blockers{fixture: f, rows: f.claim(1, n)}
}

// bothAtOnce starts the first call while another transaction holds the row in
// the middle, then, when it waits, the second; when both wait, the row is let
// go. It returns their errors.
func (b *blockers) bothAtOnce(calls ...func(context.Context) error) []error {
	b.t.Helper()
	tx, err := b.pool.Begin(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(b.t.Context(), `SELECT 1 FROM outbox WHERE operation_id = $1 FOR UPDATE`, b.rows[len(b.rows)/2].ID); err != nil {
		b.t.Fatal(err)
	}
	errs := make([]error, len(calls))
	var group sync.WaitGroup
	for i, call := range calls {
		group.Go(func() { errs[i] = call(b.t.Context()) })
		testkit.Eventually(b.t, time.Minute, "the statement to wait", func() bool {
			return one[int](b.fixture, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == i+1
		})
	}
	if err := tx.Rollback(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	group.Wait()
	return errs
}

func (b *blockers) changes(state ledger.State) []ledger.Change {
	var changes []ledger.Change
	for _, r := range b.rows {
		changes = append(changes, ledger.Change{ID: r.ID, Token: r.Token, State: state, Cause: "x", UseAttempt: true})
	}
	return changes
}

func (b *blockers) mustNotDeadlock(errs []error) {
	b.t.Helper()
	for i, err := range errs {
		var said *pgconn.PgError
		if errors.As(err, &said) && said.Code == "40P01" {
			b.t.Errorf("call %d: deadlock", i+1)
		} else if err != nil {
			b.t.Errorf("call %d: %v", i+1, err)
		}
	}
}

// Two workers post and settle the same rows, which they name in opposite
// orders: neither is the victim of a deadlock, and what was heard is posted.
func TestConfirmAndSettleLockInOneOrder(t *testing.T) {
	t.Parallel()
	for name, orders := range map[string][2]bool{"settle backwards": {false, true}, "confirm backwards": {true, false}, "settle first": {true, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := claimedRows(t, 9)
			confirmations, changes := heard(b.rows...), b.changes(ledger.Pending)
			if orders[0] {
				slices.Reverse(confirmations)
			}
			if orders[1] {
				slices.Reverse(changes)
			}
			confirm := func(ctx context.Context) error { _, err := b.Confirm(ctx, confirmations); return err }
			settle := func(ctx context.Context) error { _, err := b.Settle(ctx, changes); return err }
			first, second := confirm, settle
			if name == "settle first" {
				first, second = settle, confirm
			}
			b.mustNotDeadlock(b.bothAtOnce(first, second))
			want(t, "postings", one[int](b.fixture, `SELECT count(*) FROM postings WHERE kind = 'posted'`), 9)
			want(t, "open", one[int](b.fixture, `SELECT count(*) FROM outbox`), 0)
		})
	}
}

// A worker confirms what it heard while another marks every open row in doubt.
// The order is in the statement, not left to the plan: the rows lie in the table
// against the order of their ids, and are read as they lie.
func TestDoubtOpenLocksInOneOrder(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"doubt first", "confirm first"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := claimedRows(t, 9)
			for _, r := range slices.Backward(b.rows) {
				b.unguarded(`DELETE FROM outbox WHERE operation_id = $1`, r.ID)
				b.exec(`INSERT INTO outbox (operation_id, target) VALUES ($1, 'zhimai')`, r.ID)
			}
			unordered := asTheyLie(t, b.pool)
			confirm := func(ctx context.Context) error { _, err := b.Confirm(ctx, heard(b.rows...)); return err }
			doubt := func(ctx context.Context) error {
				_, err := continuity.DoubtOpen(ctx, unordered, continuity.Doubt{SentSince: time.Now()})
				return err
			}
			first, second := doubt, confirm
			if name == "confirm first" {
				first, second = confirm, doubt
			}
			b.mustNotDeadlock(b.bothAtOnce(first, second))
			want(t, "postings", one[int](b.fixture, `SELECT count(*) FROM postings WHERE kind = 'posted'`), 9)
			want(t, "open", one[int](b.fixture, `SELECT count(*) FROM outbox`), 0)
		})
	}
}

// asTheyLie are connections whose plans read tables and no indexes.
func asTheyLie(t *testing.T, pool *pgxpool.Pool) *pgxpool.Pool {
	config := pool.Config()
	config.ConnConfig.RuntimeParams["enable_seqscan"] = "on"
	config.ConnConfig.RuntimeParams["enable_indexscan"] = "off"
	config.ConnConfig.RuntimeParams["enable_hashjoin"] = "on"
	plain, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(plain.Close)
	return plain
}

// Rows whose key is too old are parked around those that somebody is changing.
func TestParkForgottenWaitsForNobody(t *testing.T) {
	t.Parallel()
	b := claimedRows(t, 9)
	b.exec(`UPDATE outbox SET state = 'pending', lease_token = NULL, lease_until = NULL, in_doubt = true, first_sent_at = now() - interval '2 hours'`)
	tx, err := b.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(t.Context(), `SELECT 1 FROM outbox WHERE operation_id = $1 FOR UPDATE`, b.rows[4].ID); err != nil {
		t.Fatal(err)
	}
	n, err := b.ParkForgotten(t.Context(), "zhimai", time.Hour, false)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "parked while one is held", n, 8)
	if err := tx.Rollback(t.Context()); err != nil && !errors.Is(err, pgx.ErrTxClosed) {
		t.Fatal(err)
	}
	if n, err = b.ParkForgotten(t.Context(), "zhimai", time.Hour, false); err != nil {
		t.Fatal(err)
	}
	want(t, "parked then", n, 1)
}

// What it costs to post and to give back batches of the usual size.
func BenchmarkConfirmAndSettle(b *testing.B) {
	pool, err := database.OpenWorkerPool(b.Context(), testkit.Postgres(b), 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	store, f := ledger.New(pool), &fixture{}
	const batch = 500
	var settling, confirming time.Duration
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		entries := make([]ledger.Entry, batch)
		for i := range entries {
			entries[i] = f.event(time.Duration(n*batch + i).String())
		}
		if _, err := store.Record(b.Context(), entries); err != nil {
			b.Fatal(err)
		}
		for round := range 2 {
			rows, err := store.Claim(b.Context(), ledger.Claim{Account: "zhimai", Token: ledger.LeaseToken(2*n + round + 1), Limit: batch, Lease: time.Minute, KeyMemory: time.Hour})
			if err != nil || len(rows) != batch {
				b.Fatalf("%d rows, %v", len(rows), err)
			}
			var changes []ledger.Change
			for _, r := range rows {
				changes = append(changes, ledger.Change{ID: r.ID, Token: r.Token, State: ledger.Pending, Cause: "x"})
			}
			b.StartTimer()
			began := time.Now()
			if round == 0 {
				_, err = store.Settle(b.Context(), changes)
				settling += time.Since(began)
			} else {
				_, err = store.Confirm(b.Context(), heard(rows...))
				confirming += time.Since(began)
			}
			b.StopTimer()
			if err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(settling.Microseconds())/float64(b.N)/batch, "µs/settled")
	b.ReportMetric(float64(confirming.Microseconds())/float64(b.N)/batch, "µs/posted")
}
