package ledger_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
)

func (f *fixture) declared(day, id string, number int64) ledger.Entry {
	f.seq++
	return orders.Declared(f.seq, day, id, number, 100*number)
}

// A declaration is recorded once, beside whatever comes with it, makes no operation, and
// is what it was when the stream is read again.
func TestDeclarationsAreKeptOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first, second := f.declared("2026-11-19", "d1", 3), f.declared("2026-11-19", "d2", 4)
	sale, paid := f.event("SO-1"), int64(10_000)
	sale.Event.Operations[0].AmountFen = &paid
	batch := []ledger.Entry{sale, first, f.refund("SO-1", "RF-1", 5000), second, f.event("SO-2"), first}
	kinds := func(verdicts []ledger.Verdict) (text string) {
		for _, v := range verdicts {
			text += map[ledger.VerdictKind]string{ledger.Accepted: "a", ledger.Duplicate: "d", ledger.Rejected: "r"}[v.Kind]
			if v.Redelivered {
				text += "!"
			}
		}
		return text
	}
	want(t, "a batch", kinds(f.record(batch...)), "aaaaad!")
	want(t, "again", kinds(f.record(batch...)), "d!d!d!d!d!d!")
	sent := first
	sent.Message.Seq, sent.Message.BrokerTime = 99, sent.Message.BrokerTime.AddDate(0, 0, 1)
	want(t, "published again", kinds(f.record(sent)), "d")
	changed := f.declared("2026-11-19", "d1", 5)
	verdicts := f.record(changed)
	if verdicts[0].Kind != ledger.Rejected || verdicts[0].Rejection.Code != ledger.Conflict ||
		!strings.Contains(verdicts[0].Rejection.Reason, `day.declared 2026-11-19 of shop-sh was recorded before with other content: event "d1" (stream sequence 1)`) {
		t.Errorf("other content under the same id: %+v", verdicts[0].Rejection)
	}
	unclear := f.declared("2026-11-19", "d3", 5)
	unclear.Event.OnlyIfKnown = ledger.Rejectf(ledger.BadType, "no")
	want(t, "rejected", kinds(f.record(unclear)), "r")
	want(t, "kept", one[int](f, `SELECT count(*) FROM declarations`), 2)
	want(t, "rejects", one[int](f, `SELECT count(*) FROM rejects WHERE event_type = 'day.declared'`), 2)
	want(t, "operations", one[int](f, `SELECT count(*) FROM operations WHERE event_type = 'day.declared'`), 0)
	want(t, "the newest", one[int64](f, `SELECT declared_orders FROM declared_days`), 4)

	f.exec(`ALTER TABLE declarations DISABLE TRIGGER USER`)
	f.exec(`DELETE FROM declarations`)
	entries := []ledger.Entry{first, second, changed}
	want(t, "missing", kinds(must(f.Known(t.Context(), entries))), "aar!")
	want(t, "rebuilt", kinds(must(f.RecordRebuilt(t.Context(), entries, ledger.Rebuilt{Parked: true}))), "aar!")
	want(t, "rebuilt again", kinds(must(f.RecordRebuilt(t.Context(), entries, ledger.Rebuilt{Parked: true}))), "d!d!r!")
	want(t, "known", kinds(must(f.Judge(t.Context(), []ledger.Entry{second, unclear}))), "d!r")
	want(t, "the newest", one[int64](f, `SELECT declared_orders FROM declared_days`), 4)
}

// Two workers that get one message each record it once.
func TestDeclarationsOfTwoWorkers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for round := range 20 {
		a, b := f.declared("2026-11-19", string(rune('a'+round)), 1), f.declared("2026-11-18", string(rune('A'+round)), 1)
		var group sync.WaitGroup
		verdicts := make([][]ledger.Verdict, 2)
		errs := make([]error, 2)
		for i, entries := range [][]ledger.Entry{{a, b}, {b, a}} {
			group.Go(func() { verdicts[i], errs[i] = ledger.New(f.pool).Record(context.Background(), entries) })
		}
		group.Wait()
		if errs[0] != nil || errs[1] != nil {
			t.Fatal(errs)
		}
		for i := range 2 {
			if mine, other := verdicts[0][i].Kind, verdicts[1][1-i].Kind; mine == other {
				t.Fatalf("round %d: both are %d", round, mine)
			}
		}
	}
	want(t, "kept", one[int](f, `SELECT count(*) FROM declarations`), 40)
}

// A declaration that was rejected by a program which did not know the type is recorded
// when a person has it retried.
func TestDeclarationsBesideAnAct(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	if err := f.RecordBeside(t.Context(), []ledger.Entry{f.declared("2026-11-19", "d1", 3), f.event("SO-1")}, nil, nothingBeside{}); err != nil {
		t.Fatal(err)
	}
	want(t, "kept", one[int](f, `SELECT count(*) FROM declarations`), 1)
	want(t, "operations", one[int](f, `SELECT count(*) FROM operations`), 1)
}
