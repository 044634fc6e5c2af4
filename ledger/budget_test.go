package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/ledger/budgets"
	"pointsledger/ledger/waiting"
)

var budgetDay = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)

// within binds entries to the budgets of a day: 0 is no bound.
func within(perMember, perSource ledger.Points, entries ...ledger.Entry) []ledger.Entry {
	for i := range entries {
		entries[i].Event.Budget = &budgets.Budget{Day: budgetDay, Source: "shop-sh", PerMember: int64(perMember), PerSource: int64(perSource)}
	}
	return entries
}

// ordersOf are n orders of 100 points, by one member.
func (f *fixture) ordersOf(member string, n int) []ledger.Entry {
	entries := make([]ledger.Entry, n)
	for i := range entries {
		entries[i] = f.event(fmt.Sprintf("%s-%d", member, f.seq+1))
		entries[i].Event.Operations[0].MemberID = member
	}
	return entries
}

// admitted and parked count operations, counted is what the budgets' counters say.
func (f *fixture) budgets(bound string) (admitted, parked, counted int64) {
	f.t.Helper()
	admitted = one[int64](f, `SELECT count(*) FROM outbox WHERE state <> 'parked'`)
	parked = one[int64](f, `SELECT count(*) FROM outbox x JOIN budget_excesses e USING (operation_id)
		WHERE x.state = 'parked' AND x.cause = 'over_budget' AND NOT x.in_doubt AND x.first_sent_at IS NULL AND x.lease_token IS NULL AND x.attempts = 0`)
	counted = one[int64](f, `SELECT COALESCE(sum(points), 0)::bigint FROM budget_counters WHERE bound = $1`, bound)
	return admitted, parked, counted
}

func (f *fixture) wantBudgets(what, bound string, admitted, parked, counted int64) {
	f.t.Helper()
	a, p, c := f.budgets(bound)
	want(f.t, what, [3]int64{a, p, c}, [3]int64{admitted, parked, counted})
}

// What is above a member's or a source's day is recorded and parked, in every way
// to record; a duplicate counts nothing, and what is smaller still fits.
func TestBudgets(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		n      int
		record func(*fixture, []ledger.Entry)
	}{
		"one":      {1, nil},
		"few":      {20, nil},
		"copied":   {60, nil},
		"in parts": {300, nil},
		"leased": {60, func(f *fixture, entries []ledger.Entry) {
			_, leased := f.recordLeased([]ledger.RecordLease{leaseOf("zhimai", 5)}, entries...)
			keys := keysOf(leased)
			want(f.t, "handed over", f.sending("zhimai", 5), keys)
		}},
		"leased few": {20, func(f *fixture, entries []ledger.Entry) {
			_, leased := f.recordLeased([]ledger.RecordLease{leaseOf("zhimai", 5)}, entries...)
			want(f.t, "handed over", f.sending("zhimai", 5), keysOf(leased))
		}},
		"rebuilt": {20, func(f *fixture, entries []ledger.Entry) {
			must(f.RecordRebuilt(f.t.Context(), entries, ledger.Rebuilt{While: standing{}}))
			// It may have been sent before: the doubt stays.
			want(f.t, "in doubt", one[int](f, `SELECT count(*) FROM outbox WHERE in_doubt AND first_sent_at IS NOT NULL`), len(entries))
			f.exec(`UPDATE outbox SET in_doubt = false, first_sent_at = NULL, quiet_since = NULL`)
		}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			if c.record == nil {
				c.record = func(f *fixture, entries []ledger.Entry) { f.record(entries...) }
			}
			// Two members share a source: of each, half is above its day; the parts of a
			// large batch do not see each other.
			half := int64(c.n+1) / 2
			entries := append(within(ledger.Points(100*half), 0, f.ordersOf("41", c.n)...), within(ledger.Points(100*half), 0, f.ordersOf("42", c.n)...)...)
			c.record(f, slices.Clone(entries))
			admitted, parked, counted := f.budgets("member")
			most := 2 * half
			if c.n > 100 {
				most *= 2
			}
			if admitted < 2*half || admitted > most || admitted+parked != int64(2*c.n) || counted != 100*admitted {
				t.Errorf("admitted %d of at most %d, parked %d, counted %d points", admitted, most, parked, counted)
			}
			f.record(slices.Clone(entries)...) // all of them are known
			f.wantBudgets("after a repeat", "member", admitted, parked, counted)
		})
	}
}

// standing always holds.
type standing struct{}

func (standing) StandsTx(context.Context, pgx.Tx) error { return nil }

func TestBudgetOfASource(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	small := f.event("small")
	small.Event.Operations[0].Points = 50
	freeze, zero := f.event("freeze"), f.event("zero")
	freeze.Event.Operations[0] = orders.Operation("kylin", "freeze", 900)
	zero.Event.Operations[0].Points = 0
	entries := slices.Concat(f.ordersOf("1", 1), f.ordersOf("2", 1), f.ordersOf("3", 1), []ledger.Entry{small, freeze, zero})
	f.record(within(100, 250, entries...)...)
	// Two orders and the smaller one fit; a freeze takes nothing from what is granted.
	f.wantBudgets("recorded", "source", 4, 1, 250)
	want(t, "measured by", one[string](f, `SELECT concat_ws(' ', bound, day, limit_points, spent_points) FROM budget_excesses`), "source 2026-11-20 250 200")

	other := within(100, 250, f.ordersOf("4", 1)...)
	other[0].Event.Budget.Source = "shop-bj"
	strange := within(100, 250, f.ordersOf("6", 1)...)
	strange[0].Event.Budget.Source = "shop\x00\xff" // percent-decoded
	f.record(strange...)
	next := within(100, 250, f.ordersOf("5", 1)...)
	next[0].Event.Budget.Day = budgetDay.AddDate(0, 0, 1)
	f.record(append(other, next...)...)
	f.wantBudgets("other sources, another day", "source", 7, 1, 550)

	// A scanned code has a budget of its own, and so has a member at each account.
	elsewhere := f.event("elsewhere")
	elsewhere.Event.Operations[0].Account = "zhimai-north"
	f.record(within(150, 0, f.codedEvent("C-1", "UC1"), f.codedEvent("C-2", "UC1"), f.codedEvent("C-3", "UC2"), f.event("here"), elsewhere)...)
	f.wantBudgets("codes and accounts", "member", 11, 2, 950)
}

// A reject that a person retries is bound like any event, and counts once, with the
// act or not at all.
func TestBudgetOfARetriedReject(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	entries := within(250, 0, f.ordersOf("9", 3)...)
	refused := errors.New("no")
	if err := f.RecordBeside(t.Context(), slices.Clone(entries), nil, &beside{after: refused}); !errors.Is(err, refused) {
		t.Fatalf("got %v, want the act's refusal", err)
	}
	f.wantBudgets("undone", "member", 0, 0, 0)
	for range 2 {
		if err := f.RecordBeside(t.Context(), slices.Clone(entries), nil, &beside{}); err != nil {
			t.Fatal(err)
		}
		f.wantBudgets("retried", "member", 2, 1, 200)
	}
}

// A refund takes from a sale that is parked above its budget, also beside it in one
// act: nothing of it is left to release.
func TestBudgetOfARefundedSale(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	both := func(order string) []ledger.Entry {
		return append(within(50, 0, f.sale(order, 0)), f.refund(order, "R-"+order, 10_000))
	}
	f.record(both("SO-1")...)
	if err := f.RecordBeside(t.Context(), both("SO-2"), nil, &beside{}); err != nil {
		t.Fatal(err)
	}
	for _, order := range []string{"SO-1", "SO-2"} {
		want(t, order, f.life(order), "points_add 0 voided reversed, points_deduct 100 posted netted")
	}
	f.record(append(within(50, 0, f.sale("SO-3", 0)), f.refund("SO-3", "R-3", 4_000))...)
	want(t, "in part", f.life("SO-3"), "points_add 60 parked over_budget, points_deduct 40 posted netted")
	want(t, "left of it", one[int](f, `SELECT points FROM outbox`), 60)
	want(t, "why they were parked", one[int](f, `SELECT count(*) FROM budget_excesses`), 3)
}

// beside is an act that does nothing but fail at its end.
type beside struct{ after error }

func (b *beside) BeforeTx(context.Context, pgx.Tx, []ledger.Verdict) error { return nil }

func (b *beside) AfterTx(context.Context, pgx.Tx, map[ledger.OperationKey]ledger.OperationID) error {
	return b.after
}

// Workers that record at the same moment do not see each other: what is granted too
// much is a batch of each at most, and nobody waits for another's counters. What
// all of them record is counted once.
func TestBudgetOverWorkers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const workers, batches, size, limit = 4, 6, 10, 100
	var group sync.WaitGroup
	common := within(0, limit*100, f.ordersOf("all", batches*size/2)...)
	for w := range workers {
		store := ledger.New(f.pool)
		own := within(0, limit*100, f.ordersOf(fmt.Sprint(w), batches*size/2)...)
		var entries []ledger.Entry
		for i := range own {
			entries = append(entries, own[i], common[i])
		}
		group.Go(func() {
			for batch := range slices.Chunk(entries, size) {
				if _, err := store.Record(t.Context(), batch); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	admitted, parked, counted := f.budgets("source")
	if admitted < limit || admitted > limit+(workers-1)*size || admitted+parked != (workers+1)*batches*size/2 || counted != 100*admitted {
		t.Errorf("admitted %d with a budget of %d, parked %d, counted %d points", admitted, limit, parked, counted)
	}
	// The next batch sees all of it.
	f.record(within(0, limit*100, f.ordersOf("later", 1)...)...)
	want(t, "later", one[int64](f, `SELECT count(*) FROM outbox WHERE state <> 'parked'`), admitted)
}

// A person releases what was parked, once, or gives it up; neither counts, and
// nothing but that sends it.
func TestBudgetIsReleased(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(within(100, 0, f.ordersOf("7", 3)...)...)
	want(t, "claimed", len(f.claim(1, 10)), 1)
	want(t, "the next claim", len(f.claim(2, 10)), 0)
	f.exec(`UPDATE outbox SET state = 'pending', cause = 'replayed', next_attempt_at = now(), put_back = true
	         WHERE operation_id = (SELECT min(operation_id) FROM budget_excesses)`)
	released := f.claim(3, 10)
	want(t, "released", len(released), 1)
	if released[0].InDoubt || !released[0].NeverSent {
		t.Errorf("released as %+v, want one that was never sent", released[0])
	}
	want(t, "counted", one[int64](f, `SELECT sum(points)::bigint FROM budget_counters`), 100)
}

// Counters of days that no stream still holds go away by and by.
func TestBudgetsForgetOldDays(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`INSERT INTO budget_counters (day, bound, subject, writer, points)
	        SELECT date '2026-09-20' + n % 2, 'member', n::text, 1, 1 FROM generate_series(1, 5) n`)
	f.record(within(1000, 0, f.ordersOf("1", 1)...)...)
	f.record(within(1000, 0, f.ordersOf("2", 1)...)...)
	want(t, "old days", one[string](f, `SELECT string_agg(day::text, ' ' ORDER BY day) FROM budget_counters WHERE day < '2026-11-20'`), "2026-09-21 2026-09-21 2026-09-21")
}

// The code of what is above a budget, or held and read from the stream again, is asked
// for while it waits; who has it next to hand is another one's concern once it is kept,
// sent, or known to be nobody's. What is parked keeps its cause, and what is refunded goes.
func TestCodesOfWhatWaits(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	w := f.waiting()
	take := func(what string, wanted bool) waiting.Code {
		t.Helper()
		c, some, err := w.TakeCode(t.Context(), "zhimai", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		want(t, what, some, wanted)
		return c
	}
	keep := func(what string, id ledger.OperationID, wanted bool) {
		t.Helper()
		kept, err := w.KeepMember(t.Context(), id, "42")
		if err != nil {
			t.Fatal(err)
		}
		want(t, what, kept, wanted)
	}
	row := `SELECT COALESCE(state || ' ' || COALESCE(cause, '-') || ' ' || COALESCE(resolved_member_id, '-') || ' ' || attempts, '') FROM outbox
		WHERE operation_id = (SELECT id FROM operations WHERE business_key = $1)`

	f.record(within(50, 0, f.codedEvent("SO-1", "UC1"), f.codedEvent("SO-2", "UC2"))...)
	f.record(f.codedEvent("SO-3", "UC3")) // due at once: no question apart
	one1 := take("above the budget", true)
	want(t, "its code", one1.MemberCode, "UC1")
	keep("kept", one1.ID, true)
	keep("kept twice", one1.ID, false)
	want(t, "parked as before", one[string](f, row, "SO-1"), "parked over_budget 42 0")
	two := take("the other", true)
	parked, err := w.PutCodeBack(t.Context(), waiting.Unresolved{ID: two.ID, Ended: true, Attempt: &ledger.Attempt{Call: ledger.CallIdentity, Outcome: "refused"}})
	if err != nil || parked {
		t.Errorf("parked anew: %v, %v", parked, err)
	}
	want(t, "its cause stays", one[string](f, row, "SO-2"), "parked over_budget - 0")
	take("none is left", false)

	held := f.codedEvent("SO-4", "UC4")
	held.Event.Operations[0].HeldUntil = time.Now().Add(time.Hour)
	if _, err := f.RecordRebuilt(t.Context(), []ledger.Entry{held}, ledger.Rebuilt{}); err != nil {
		t.Fatal(err)
	}
	four := take("read from the stream again", true)
	take("it is in hand", false)
	f.exec(`UPDATE outbox SET code_due_at = now(), state = 'pending', cause = NULL, held_until = now(), next_attempt_at = now() WHERE operation_id = $1`, four.ID)
	f.claim(7, 10)
	keep("being sent", four.ID, false)
	take("being sent", false)
}
