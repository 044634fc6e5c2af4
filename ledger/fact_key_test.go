package ledger_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
)

// The expected values were computed with Python's hashlib.
func TestFactKeysHaveNotChanged(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		parts []string
		key   string
	}{
		{[]string{"shop-sh", "order.paid", "SO-1"}, "b728fe17-8aac-0a6b-d086-ae7fd65a9082"},
		{[]string{"points", "member.checked_in", "383933091455959041", "2026-11-20"}, "640a20c5-a709-dde4-c04a-a2d470d0fbad"},
		{[]string{"https://shop.example/门店", "review.posted", "评价7"}, "08848818-8779-020a-1863-7964273be93b"},
	} {
		if got := ledger.NewFactKey(tc.parts...).String(); got != tc.key {
			t.Errorf("NewFactKey(%q) = %s, want %s", tc.parts, got, tc.key)
		}
	}
}

// at is the order as rules make it that name another account.
func (f *fixture) at(account, order string) ledger.Entry {
	e := f.event(order)
	e.Event.Operations = []ledger.Operation{orders.Operation(account, order, 100)}
	return e
}

// orders are n orders at an account, two operations each where freezes are.
func (f *fixture) orders(account string, n int, freezes bool) (entries []ledger.Entry) {
	for i := range n {
		e := f.at(account, fmt.Sprintf("SO-%d", i))
		if freezes {
			e.Event.Operations = append(e.Event.Operations, orders.Operation("kylin", fmt.Sprintf("SO-%d", i), 5))
		}
		entries = append(entries, e)
	}
	return entries
}

// Rules may name another account from some day on. An order that was recorded
// before and is sent again then is the same fact, however its batch is written.
func TestOneFactAtTwoAccounts(t *testing.T) {
	t.Parallel()
	record := func(f *fixture, entries []ledger.Entry) ([]ledger.Verdict, error) {
		return f.Record(t.Context(), entries)
	}
	for name, way := range map[string]struct {
		n       int
		freezes bool
		copies  bool
		again   func(*fixture, []ledger.Entry) ([]ledger.Verdict, error)
	}{
		"few":    {n: 3, again: record},
		"insert": {n: 3, freezes: true, again: record},
		"copy":   {n: 5, copies: true, again: record},
		"parts":  {n: 250, again: record},
		"leased": {n: 3, again: func(f *fixture, entries []ledger.Entry) ([]ledger.Verdict, error) {
			verdicts, leased, err := f.RecordLeased(t.Context(), entries, []ledger.RecordLease{leaseOf("north", 7)})
			want(t, "leased", len(leased), 0)
			return verdicts, err
		}},
		"rebuilt": {n: 3, again: func(f *fixture, entries []ledger.Entry) ([]ledger.Verdict, error) {
			return f.RecordRebuilt(t.Context(), entries, ledger.Rebuilt{Parked: true})
		}},
		"known": {n: 3, again: func(f *fixture, entries []ledger.Entry) ([]ledger.Verdict, error) {
			return f.Known(t.Context(), entries)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			if way.copies {
				f.Store = f.CopyAlways()
			}
			f.record(f.orders("zhimai", way.n, way.freezes)...)
			operations := one[int](f, `SELECT count(*) FROM operations`)
			verdicts, err := way.again(f, f.orders("north", way.n, way.freezes))
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range verdicts {
				if v.Kind != ledger.Duplicate {
					t.Errorf("order %d at another account: verdict %v, want a duplicate", i, v.Kind)
				}
			}
			want(t, "operations", one[int](f, `SELECT count(*) FROM operations`), operations)
			other := f.at("north", "SO-1")
			other.Event.Content = `{"amountFen":1,"orderId":"SO-1"}`
			if verdicts, err = way.again(f, []ledger.Entry{other}); err != nil {
				t.Fatal(err)
			}
			if verdicts[0].Kind != ledger.Rejected || verdicts[0].Rejection.Code != ledger.Conflict ||
				!strings.Contains(verdicts[0].Rejection.Reason, "amountFen 10000 before, 1 now") {
				t.Errorf("other content at another account: got %v %v, want a conflict", verdicts[0].Kind, verdicts[0].Rejection)
			}
			want(t, "rows without a fact key", one[int](f, `SELECT count(*) FROM operations WHERE fact_key IS NULL OR fact_leg IS NULL`), 0)
			want(t, "legs", one[int](f, `SELECT count(*) FROM operations WHERE fact_leg <> 0`), operations-way.n)
		})
	}
}

// In one batch, too: the later one is the duplicate.
func TestOneFactAtTwoAccountsInOneBatch(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 40, 150} {
		f := newFixture(t)
		verdicts := f.record(append(f.orders("zhimai", n, false), f.orders("north", n, false)...)...)
		for i, v := range verdicts {
			if wanted := map[bool]ledger.VerdictKind{true: ledger.Accepted, false: ledger.Duplicate}[i < n]; v.Kind != wanted {
				t.Errorf("%d orders: event %d is %v, want %v", n, i, v.Kind, wanted)
			}
		}
		want(t, "operations", one[int](f, `SELECT count(*) FROM operations`), n)
	}
}

// Two workers under two rule sets at once: the constraint decides, and the slower
// one looks again.
func TestOneFactTwoWorkersTwoRuleSets(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 150, 400} {
		f := newFixture(t)
		var group sync.WaitGroup
		var verdicts [2][]ledger.Verdict
		var errs [2]error
		for i, account := range []string{"zhimai", "north"} {
			entries := f.orders(account, n, n == 150)
			store := ledger.New(f.pool)
			group.Go(func() { verdicts[i], errs[i] = store.Record(t.Context(), entries) })
		}
		group.Wait()
		for i := range errs {
			if errs[i] != nil {
				t.Fatal(errs[i])
			}
		}
		for i := range n {
			a, b := verdicts[0][i].Kind, verdicts[1][i].Kind
			if a+b != ledger.Accepted+ledger.Duplicate {
				t.Errorf("order %d of %d: verdicts %v and %v, want one accepted and one duplicate", i, n, a, b)
			}
		}
		want(t, "facts", one[int](f, `SELECT count(DISTINCT fact_key) FROM operations`), n)
		want(t, "grants", one[int](f, `SELECT count(*) FROM operations WHERE kind = 'points_add' AND fact_leg = 0`), n)
	}
}

// Under rules with other key fields an event has another fact key, and is looked
// for under all of them, in whichever part of a batch it is.
func TestOtherFactsInOneBatch(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 30, 150} {
		f := newFixture(t)
		first, again := f.orders("zhimai", n, false), f.orders("north", n, false)
		for i := range again {
			of := ledger.NewFactKey("shop-sh", "order.paid", fmt.Sprintf("SO-%d", i), "line 1")
			first[i].Event.OtherFacts, again[i].Event.OtherFacts = []ledger.FactKey{of}, []ledger.FactKey{again[i].Event.FactKey}
			again[i].Event.FactKey = of
		}
		verdicts := f.record(append(first, again...)...)
		for i, v := range verdicts {
			if wanted := map[bool]ledger.VerdictKind{true: ledger.Accepted, false: ledger.Duplicate}[i < n]; v.Kind != wanted {
				t.Errorf("%d orders: event %d is %v, want %v", n, i, v.Kind, wanted)
			}
		}
	}
}

// forgetFacts makes all rows into ones from before fact keys.
func (f *fixture) forgetFacts() {
	f.exec(`ALTER TABLE operations DISABLE TRIGGER operations_insert_only`)
	f.exec(`UPDATE operations SET fact_key = NULL, fact_leg = NULL`)
	f.exec(`ALTER TABLE operations ENABLE TRIGGER operations_insert_only`)
}

// Rows from before fact keys are found by their dedup keys: the event's own, and
// those that it would have under the other rule sets.
func TestFactsFromBeforeFactKeys(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 3, 150, 400} {
		f := newFixture(t)
		f.record(f.orders("zhimai", n, false)...)
		f.forgetFacts()
		f.Store = ledger.New(f.pool) // a worker that starts on the upgraded ledger
		at := f.orders("north", n, false)
		for i := range at {
			before := orders.Operation("zhimai", fmt.Sprintf("SO-%d", i), 100)
			at[i].Event.OlderKeys = []ledger.OperationKey{{Account: "zhimai", BizID: before.BizID}}
		}
		for _, again := range [][]ledger.Entry{f.orders("zhimai", n, false), f.orders("zhimai", n, true), at} {
			for i, v := range f.record(again...) {
				if v.Kind != ledger.Duplicate {
					t.Errorf("order %d of %d: verdict %v, want a duplicate", i, n, v.Kind)
				}
			}
		}
		want(t, "operations", one[int](f, `SELECT count(*) FROM operations`), n)
		fresh := f.event("SO-new")
		want(t, "a new order", f.record(fresh)[0].Kind, ledger.Accepted)
	}
}

// A worker of the program before may record beside us, after we saw no such row.
func TestFactRecordedByAnOlderProgramMeanwhile(t *testing.T) {
	t.Parallel()
	for _, freezes := range []bool{false, true} {
		f := newFixture(t)
		f.record(f.event("SO-first"))
		old := newTwin(f)
		old.record(f.orders("zhimai", 1, freezes)...)
		f.forgetFacts()
		want(t, "verdict", f.record(f.orders("zhimai", 1, freezes)...)[0].Kind, ledger.Duplicate)
	}
}

func newTwin(f *fixture) *fixture {
	return &fixture{Store: ledger.New(f.pool), t: f.t, pool: f.pool, seq: f.seq}
}

// An event that is refused only while it is new: one that is there stays a
// duplicate, so that no delivery again and no rebuild makes a reject of it.
func TestOnlyIfKnown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first := f.event("SO-1\u200b")
	f.record(first)
	lookAlike := func(order string) ledger.Entry {
		e := f.event(order)
		e.Event.OnlyIfKnown = ledger.Rejectf(ledger.BadType, "data.orderId: U+200B")
		return e
	}
	again := lookAlike("SO-1\u200b")
	again.Message = first.Message
	verdicts := f.record(again, lookAlike("SO-1\u200b"), lookAlike("SO-2\u200b"))
	want(t, "delivered again", verdicts[0].Kind, ledger.Duplicate)
	want(t, "redelivered", verdicts[0].Redelivered, true)
	want(t, "published again", verdicts[1].Kind, ledger.Duplicate)
	want(t, "new", verdicts[2].Kind, ledger.Rejected)
	want(t, "reason", verdicts[2].Rejection.Reason, "data.orderId: U+200B")
	want(t, "operations", one[int](f, `SELECT count(*) FROM operations`), 1)
	want(t, "rejects", one[string](f, `SELECT string_agg(reason_code || ' ' || event_id, ',') FROM rejects`), "bad_type "+"e4")
}

// A conflict is stored as a reject, and a password in it is not.
func TestConflictIsStoredMasked(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.event("SO-1"))
	e := f.event("SO-1")
	e.Event.Content, e.Message.Payload = `{"amountFen":1}`, []byte("hunter2")
	e.Mask = func([]byte) []byte { return []byte("***") }
	want(t, "verdict", f.record(e)[0].Kind, ledger.Rejected)
	want(t, "payload", one[string](f, `SELECT convert_from(payload, 'UTF8') FROM rejects`), "***")
}
