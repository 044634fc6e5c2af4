package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pointsledger/ledger"
)

// reject has events rejected, and returns a Remap that accepts them.
func (f *fixture) reject(orders ...string) ledger.Remap {
	f.t.Helper()
	again := map[uint64]ledger.Entry{}
	for _, order := range orders {
		e := f.event(order)
		again[e.Message.Seq] = e
		e.Event, e.Rejection = nil, ledger.Rejectf(ledger.MissingField, "orderId")
		f.record(e)
	}
	return func(m ledger.Message) (ledger.Entry, bool) {
		e := again[m.Seq]
		e.Message = m
		return e, false
	}
}

// beginRetry plans and begins a retry of all open rejects.
func (f *fixture) beginRetry(actor string) (*ledger.PlanRun, []ledger.RejectID) {
	f.t.Helper()
	ids, err := f.FindRejects(f.t.Context(), ledger.RejectFilter{State: ledger.RejectsOpen})
	if err != nil {
		f.t.Fatal(err)
	}
	plan, err := f.CreateRejectPlan(f.t.Context(), actor, "all", ledger.RejectPlan{Rules: "test", IDs: ids}, 0, 0)
	if err != nil {
		f.t.Fatal(err)
	}
	run, err := f.BeginPlan(f.t.Context(), ledger.PlanStart{Plan: plan, Action: "rejects_retry", Actor: actor, Reason: "mended"})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(run.Close)
	return run, ids
}

// A retry that is stopped between two batches has done whole batches, and says
// which; the next one does the rest.
func TestRetryRejectsStopped(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var orders []string
	for i := range 1200 {
		orders = append(orders, fmt.Sprintf("SO-%d", i))
	}
	remap := f.reject(orders...)
	run, ids := f.beginRetry("lin")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	tally, err := f.RetryRejects(ctx, ledger.RejectRetry{Run: run, IDs: ids, Remap: remap, RulesVersion: "test",
		Progress: func(done, found int) { cancel() }})
	if !errors.Is(err, context.Canceled) || tally.Accepted != 1000 || tally.Found != 1200 {
		t.Fatalf("%+v %v", tally, err)
	}
	want(t, "operations", one[int](f, `SELECT count(*) FROM operations`), 1000)
	tally, err = f.RetryRejects(t.Context(), ledger.RejectRetry{Run: run, IDs: ids, Remap: remap, RulesVersion: "test"})
	if err != nil || tally.Accepted != 200 || tally.Skipped != 1000 || tally.Points != 20_000 {
		t.Fatalf("%+v %v", tally, err)
	}
	want(t, "operations", one[int](f, `SELECT count(*) FROM operations o JOIN rejects r ON r.resolution = 'accepted: operations ' || o.id`), 1200)
}

// What the database refuses for its content stays open, alone.
func TestRetryRejectsSplitsRefusedBatch(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	remap := f.reject("SO-1", "SO-2", "SO-3", "SO-4")
	run, ids := f.beginRetry("lin")
	tally, err := f.RetryRejects(t.Context(), ledger.RejectRetry{Run: run, IDs: ids, RulesVersion: "test",
		Remap: func(m ledger.Message) (ledger.Entry, bool) {
			e, ignored := remap(m)
			if e.Event.Operations[0].BusinessKey == "SO-3" {
				e.Event.Operations[0].SourceType = 99
			}
			return e, ignored || e.Event.Operations[0].BusinessKey == "SO-4"
		}})
	if err != nil || tally.Accepted != 2 || tally.Failing != 1 || tally.Ignored != 1 || tally.Codes[0].Code != ledger.OutOfRange ||
		!strings.Contains(tally.Codes[0].Reason, "operations_source_type_range") {
		t.Fatalf("%+v %v", tally, err)
	}
	want(t, "open", one[int](f, `SELECT count(*) FROM rejects WHERE resolved_at IS NULL AND id = $1`, tally.Codes[0].Example), 1)
	want(t, "ignored", one[int](f, `SELECT count(*) FROM rejects WHERE resolution LIKE 'ignored: %'`), 1)
}

// A plan that is cancelled while it is carried out stops, and rules that were
// registered meanwhile stop it.
func TestRetryRejectsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	remap := f.reject("SO-1")
	run, ids := f.beginRetry("lin")
	retry := ledger.RejectRetry{Run: run, IDs: ids, Remap: remap, RulesVersion: "test", Registered: "test"}
	if err := f.RegisterMapping(t.Context(), "newer", "text"); err != nil {
		t.Fatal(err)
	}
	var changed *ledger.RulesChangedError
	if _, err := f.RetryRejects(t.Context(), retry); !errors.As(err, &changed) || changed.Now != "newer" {
		t.Errorf("got %v", err)
	}
	if ok, err := f.CancelPlan(t.Context(), run.Plan, "bo", "no"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	retry.Registered = "newer"
	var cancelled *ledger.PlanCancelledError
	if _, err := f.RetryRejects(t.Context(), retry); !errors.As(err, &cancelled) || cancelled.By != "bo" {
		t.Errorf("got %v", err)
	}
	want(t, "operations", one[int](f, `SELECT count(*) FROM operations`), 0)
}

// Two retries at once, each of the same rejects by a plan of its own, record
// each event once.
func TestRetryRejectsAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var orders []string
	for i := range 300 {
		orders = append(orders, fmt.Sprintf("SO-%d", i))
	}
	remap := f.reject(orders...)
	accepted := make(chan int64, 3)
	for range cap(accepted) {
		run, ids := f.beginRetry("lin")
		go func() {
			tally, err := f.RetryRejects(t.Context(), ledger.RejectRetry{Run: run, IDs: ids, Remap: remap, RulesVersion: "test"})
			if err != nil || tally.Accepted+tally.Skipped != 300 {
				t.Errorf("%+v %v", tally, err)
			}
			accepted <- tally.Accepted
		}()
	}
	want(t, "accepted", <-accepted+<-accepted+<-accepted, 300)
	want(t, "operations", one[int](f, `SELECT count(*) FROM operations`), 300)
}

// A batch holds no more bytes than it may, and no reject is left out for it.
func TestEachRejectBoundsBytes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const n, size = 14, 1 << 20
	for i := range n {
		e := f.event(fmt.Sprint(i))
		e.Event, e.Rejection = nil, ledger.Rejectf(ledger.TooLarge, "r")
		e.Message.Payload = make([]byte, size)
		f.record(e)
	}
	ids, err := f.FindRejects(t.Context(), ledger.RejectFilter{})
	if err != nil {
		t.Fatal(err)
	}
	asked := append(slices.Clone(ids), ids[n-1]+7, ids[n-1]+8)
	var got []ledger.RejectID
	err = f.EachReject(t.Context(), asked, func(batch []ledger.Reject) error {
		if len(batch) > 4 {
			t.Errorf("%d MiB in one batch", len(batch))
		}
		for _, r := range batch {
			got = append(got, r.ID)
		}
		return nil
	})
	if err != nil || !slices.Equal(got, ids) {
		t.Errorf("got %v of %v, %v", got, ids, err)
	}
}
