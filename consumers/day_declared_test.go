package consumers_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"pointsledger/consumers"
	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/intakes"
	"pointsledger/ledger"
)

func declared(id string, orders any) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"shop","type":"day.declared","data":{"day":%q,"orders":%v,"amountFen":12999}}`, id, time.Now().Format(time.DateOnly), orders)
}

// A declared day goes the way of every event: acknowledged after the commit, a repeat is a
// duplicate, what is wrong with it is a reject, and it makes no operation.
func TestRunnerTakesDeclaredDays(t *testing.T) {
	t.Parallel()
	in := intakes.New(t)
	in.MakeStream()
	for _, payload := range []string{intakes.Order(1), declared("d1", 1), declared("d2", 2), declared("d1", 1), declared("d1", 3), declared("d4", `"4"`), intakes.Order(2)} {
		in.Publish(payload)
	}
	reached, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	in.Start(recorderFunc(func(ctx context.Context, entries []ledger.Entry) ([]ledger.Verdict, error) {
		once.Do(func() { close(reached); <-release })
		return in.Store.Record(ctx, entries)
	}), consumers.Config{})
	<-reached
	if waiting, unacked := in.Pending(); waiting+unacked != 7 {
		t.Errorf("before the commit the broker holds %d events, want 7", waiting+unacked)
	}
	close(release)
	testkit.Eventually(t, 20*time.Second, "all events to be acknowledged", in.Quiet)
	testkit.Eventually(t, 20*time.Second, "all events to be counted", func() bool { return in.Settled() == 7 })
	tally := in.Tally()
	if tally.Accepted != 4 || tally.Duplicates != 1 || tally.Rejected[ledger.Conflict] != 1 || tally.Rejected[ledger.BadType] != 1 {
		t.Errorf("tally %+v", tally)
	}
	if n := in.Count(`SELECT count(*) FROM operations`); n != 2 {
		t.Errorf("%d operations, want 2", n)
	}
	if n := in.Count(`SELECT declared_orders FROM declared_days WHERE accepted_orders = 2 AND accepted_fen = 25998 AND adds_up IS NOT TRUE`); n != 2 {
		t.Errorf("%d orders are declared, want those of the newest declaration, 2", n)
	}
}
