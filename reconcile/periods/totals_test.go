package periods_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/reconcile/periods"
)

// Orders and refunds of the last days are recorded by several at once, one by one and in
// large batches, while days are locked, closed and reopened: what was closed stays as it
// was closed.
func TestClosedTotalsStand(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t), t.Context()
	const days, closings, batches = 5, 12, 8
	var seq atomic.Uint64
	s.record(seq.Add(1), daysAgo(2))
	var recorders sync.WaitGroup
	recording, ended := context.WithCancel(ctx)
	defer ended()
	more, failed := make(chan struct{}, batches), make(chan error, 5)
	for n := range 4 {
		random := rand.New(rand.NewPCG(uint64(n), 49))
		recorders.Go(func() {
			for range more {
				size := 1
				if random.IntN(8) == 0 {
					size = 120 // these are copied
				}
				var batch []ledger.Entry
				for range size {
					batch = append(batch, sale(seq.Add(1), daysAgo(1+random.IntN(days))))
				}
				if random.IntN(2) == 0 {
					last := batch[len(batch)-1]
					refund := orders.Refunded(seq.Add(1), last.Event.Operations[0].BusinessKey, last.Event.ID, nil)
					refund.Event.Refers.BusinessDate = daysAgo(1 + random.IntN(days))
					batch = append(batch, refund)
				}
				if _, err := s.book.Record(context.WithoutCancel(ctx), batch); err != nil {
					failed <- err
					for range more { // nobody waits for this one
					}
				}
			}
		})
	}
	// One is slow: what it has written is committed a while later.
	recorders.Go(func() {
		for recording.Err() == nil {
			_, err := s.pool.Exec(context.WithoutCancel(ctx), `DO $$ BEGIN `+fmt.Sprintf(copyOrder, fmt.Sprintf("slow-%d", seq.Add(1)), daysAgo(1+int(seq.Load())%days))+`; PERFORM pg_sleep(0.5); END $$`)
			if err != nil {
				failed <- err
				return
			}
		}
	})
	random := rand.New(rand.NewPCG(7, 49))
	locked, closed := days+1, 0 // in days ago; nothing is locked yet
	for closed < closings {
		for range batches {
			more <- struct{}{}
		}
		c := closing(daysAgo(max(1, locked-1-random.IntN(2))))
		if locked > 1 {
			if _, err := s.Close(ctx, c); err != nil {
				t.Fatal(err)
			}
			closed++
		}
		list, err := s.List(ctx, true)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range list {
			if len(p.Closed.Differences) > 0 {
				t.Fatalf("closed through %s: %+v", p.Through, p.Closed.Differences)
			}
		}
		for len(list) > 0 && (locked <= 1 || random.IntN(3) == 0) {
			if err := s.Reopen(ctx, list[0].Through, "ben", "try again"); err != nil {
				t.Fatal(err)
			}
			list, locked = list[1:], 0
		}
		locked = days + 1
		for n := range days {
			if len(list) > 0 && list[0].Through == daysAgo(n+1) {
				locked = n + 1
			}
		}
	}
	close(more)
	ended()
	recorders.Wait()
	select {
	case err := <-failed:
		t.Fatal(err)
	default:
	}
	list, err := s.List(ctx, true)
	if err != nil || len(list) == 0 && locked != days+1 {
		t.Fatalf("%+v, %v", list, err)
	}
	for _, p := range list {
		if len(p.Closed.Differences) > 0 {
			t.Errorf("closed through %s: %+v", p.Through, p.Closed.Differences)
		}
	}
	if late := one[int](s, "SELECT count(*) FROM late_entries"); late < closings {
		t.Errorf("%d late entries in %d operations: nothing came beside a closing", late, one[int](s, "SELECT count(*) FROM operations"))
	}
	if _, err := s.Close(ctx, closing(daysAgo(0))); !errors.Is(err, periods.ErrOutOfOrder) {
		t.Errorf("today: %v", err)
	}
}
