package ledger_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// bulkEvent is an event whose rule says that it comes in bulk.
func (f *fixture) bulkEvent(order string) ledger.Entry {
	e := f.event(order)
	e.Event.Operations[0].Bulk = true
	return e
}

// now makes events of this moment of them, as young as given.
func now(entries []ledger.Entry, age time.Duration) []ledger.Entry {
	for i := range entries {
		entries[i].Message.BrokerTime = time.Now().Add(-age)
	}
	return entries
}

// claimLane claims up to limit rows of a lane and names their orders.
func (f *fixture) claimLane(bulk, fresh bool, limit int) (orders []string) {
	f.t.Helper()
	f.seq++
	rows, err := f.Claim(f.t.Context(), ledger.Claim{Account: "zhimai", Token: ledger.LeaseToken(1000 + f.seq), Limit: limit, Lease: time.Minute,
		KeyMemory: time.Hour, Bulk: bulk, Fresh: fresh})
	if err != nil {
		f.t.Fatal(err)
	}
	for _, r := range rows {
		orders = append(orders, r.BusinessKey)
	}
	slices.Sort(orders)
	return orders
}

// beside is a person's act that does nothing beside the recording.
type nothingBeside struct{}

func (nothingBeside) BeforeTx(context.Context, pgx.Tx, []ledger.Verdict) error { return nil }
func (nothingBeside) AfterTx(context.Context, pgx.Tx, map[ledger.OperationKey]ledger.OperationID) error {
	return nil
}

// A row has the lane of its rule in whatever way it is recorded, and a claim takes
// rows of one lane.
func TestLaneOfEveryWayToRecord(t *testing.T) {
	t.Parallel()
	for name, record := range map[string]func(f *fixture, entries []ledger.Entry) error{
		"a few": func(f *fixture, entries []ledger.Entry) error {
			_, err := f.Record(t.Context(), entries)
			return err
		},
		"one by one": func(f *fixture, entries []ledger.Entry) error {
			for _, e := range entries {
				f.record(e)
			}
			return nil
		},
		"many": func(f *fixture, entries []ledger.Entry) error {
			for i := range 2500 {
				entries = append(entries, f.event(fmt.Sprintf("more-%d", i)))
			}
			f.record(entries...)
			f.exec(`DELETE FROM attempts`)
			_, err := f.pool.Exec(t.Context(), `UPDATE outbox x SET state = 'parked', cause = 'refused' FROM operations o WHERE o.id = x.operation_id AND o.business_key LIKE 'more-%'`)
			return err
		},
		"beside an act": func(f *fixture, entries []ledger.Entry) error {
			return f.RecordBeside(t.Context(), entries, nil, nothingBeside{})
		},
		"read again": func(f *fixture, entries []ledger.Entry) error {
			for i := range entries {
				entries[i].Message.BrokerTime = time.Now().Add(-time.Minute) // the vendor remembers the key
			}
			_, err := f.RecordRebuilt(t.Context(), entries, ledger.Rebuilt{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			nothing := f.bulkEvent("SO-4")
			nothing.Event.Operations[0].Points = 0
			if err := record(f, []ledger.Entry{f.event("SO-1"), f.bulkEvent("SO-2"), f.bulkEvent("SO-3"), nothing, f.event("SO-5")}); err != nil {
				t.Fatal(err)
			}
			want(t, "bulk", fmt.Sprint(f.claimLane(true, false, 10)), "[SO-2 SO-3]")
			want(t, "live", fmt.Sprint(f.claimLane(false, false, 10)), "[SO-1 SO-5]")
		})
	}
}

// Where an account draws places for fresh events, a row of an event of the last
// minute is found by that, once; elsewhere nothing is.
func TestFreshEventsAreFound(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	fresh := []ledger.RecordLease{{Account: "zhimai", Fresh: true}}
	old := now([]ledger.Entry{f.event("SO-1"), f.bulkEvent("SO-2")}, 2*time.Minute)
	young := now([]ledger.Entry{f.event("SO-3"), f.bulkEvent("SO-4")}, time.Second)
	f.recordLeased(fresh, old...)
	f.recordLeased(fresh, young[0])
	f.recordLeased(fresh, young[1])
	f.record(now([]ledger.Entry{f.event("SO-5")}, 0)...) // nobody asks

	want(t, "fresh", fmt.Sprint(f.claimLane(false, true, 10)), "[SO-3]")
	want(t, "fresh of the bulk lane", fmt.Sprint(f.claimLane(true, true, 10)), "[SO-4]")
	// What was claimed comes back as any other: a retry is not fresh.
	f.exec(`UPDATE outbox SET state = 'pending', lease_token = NULL, lease_until = NULL WHERE state = 'sending'`)
	want(t, "fresh again", len(f.claimLane(false, true, 10))+len(f.claimLane(true, true, 10)), 0)
	want(t, "live", fmt.Sprint(f.claimLane(false, false, 10)), "[SO-1 SO-3 SO-5]")
	want(t, "bulk", fmt.Sprint(f.claimLane(true, false, 10)), "[SO-2 SO-4]")
}

// A fresh event is one of the last minute at the time of the claim, and what is due
// in either lane is known.
func TestFreshEndsAfterAMinute(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.recordLeased([]ledger.RecordLease{{Account: "zhimai", Fresh: true}}, now([]ledger.Entry{f.bulkEvent("SO-1")}, time.Second)...)
	f.exec(`UPDATE outbox SET fresh_until = now() - interval '1 ms'`)
	want(t, "fresh", len(f.claimLane(true, true, 10)), 0)
	if in, some, err := f.NextDue(t.Context(), "zhimai", time.Hour); err != nil || !some || in > 0 {
		t.Errorf("the bulk lane is due in %v, %v, %v", in, some, err)
	}
	want(t, "bulk", len(f.claimLane(true, false, 10)), 1)
	if _, some, err := f.NextDue(t.Context(), "zhimai", time.Hour); err != nil || some {
		t.Errorf("something is due: %v, %v", some, err)
	}
}
