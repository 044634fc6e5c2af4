package desk_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/desk"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
)

// beginStream begins a plan that has no operations.
func (f *fixture) beginStream(size int64) *desk.PlanRun {
	f.t.Helper()
	plan, err := f.CreatePlan(f.t.Context(), desk.NewPlan{Kind: desk.PlanOfStream, Actor: "lin", FilterText: "--from-seq 1", Size: size})
	if err != nil {
		f.t.Fatal(err)
	}
	run, err := f.BeginPlan(f.t.Context(), desk.PlanStart{Plan: plan, Act: desk.ActStream, Actor: "lin", Reason: "database lost"})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(run.Close)
	return run
}

// waiting waits until n sessions wait for locks.
func (f *fixture) waiting(n int) {
	f.t.Helper()
	testkit.Eventually(f.t, time.Minute, "sessions to wait", func() bool {
		return one[int](f, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == n
	})
}

// Whoever cancels a plan waits for the batch in hand, and after that no batch is
// written, nor anything else done.
func TestCancelWaitsForARebuiltBatch(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	run := f.beginStream(2)
	rebuilt := func(order string) error {
		e := f.event(order)
		_, err := f.RecordRebuilt(t.Context(), []ledger.Entry{e}, ledger.Rebuilt{Parked: true, While: run})
		return err
	}
	blocker, err := pgx.Connect(t.Context(), f.pool.Config().ConnString())
	if err != nil {
		t.Fatal(err)
	}
	defer blocker.Close(context.Background())
	if _, err := blocker.Exec(t.Context(), `BEGIN; LOCK TABLE operations IN SHARE MODE`); err != nil {
		t.Fatal(err)
	}
	batch, cancel := make(chan error, 1), make(chan error, 1)
	go func() { batch <- rebuilt("SO-1") }()
	f.waiting(1)
	go func() {
		ok, err := f.CancelPlan(t.Context(), run.Plan, "bo", "no")
		if err == nil && !ok {
			err = errors.New("it was cancelled before")
		}
		cancel <- err
	}()
	f.waiting(2)
	if _, err := blocker.Exec(t.Context(), `ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{"batch": <-batch, "cancel": <-cancel} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	var cancelled *desk.PlanCancelledError
	if err := rebuilt("SO-2"); !errors.As(err, &cancelled) || cancelled.By != "bo" {
		t.Errorf("a batch of a cancelled plan: %v", err)
	}
	if err := run.Stands(t.Context()); !errors.As(err, &cancelled) {
		t.Errorf("stands: %v", err)
	}
	if err := run.Hold(t.Context(), func() error { t.Error("done for a cancelled plan"); return nil }); !errors.As(err, &cancelled) {
		t.Errorf("hold: %v", err)
	}
	want(t, "operations", one[int](f, `SELECT count(*) FROM operations`), 1)
	want(t, "action", one[string](f, `SELECT concat_ws('|', actor, set_size, result) FROM ops_actions WHERE action = 'cancel'`), "bo|2|cancelled")
}

// While something is done under a plan, nobody cancels it; an error of what is
// done comes back as it is, and the plan is free again.
func TestHoldKeepsThePlan(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	run := f.beginStream(1)
	held, trouble := make(chan struct{}), errors.New("trouble")
	proceed, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- run.Hold(t.Context(), func() error { close(held); <-proceed; return trouble })
	}()
	<-held
	cancel := make(chan error, 1)
	go func() {
		_, err := f.CancelPlan(t.Context(), run.Plan, "bo", "no")
		cancel <- err
	}()
	f.waiting(1)
	close(proceed)
	if err := <-ended; err != trouble {
		t.Errorf("got %v", err)
	}
	if err := <-cancel; err != nil {
		t.Error(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := run.Hold(ctx, func() error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("after Ctrl-C: %v", err)
	}
}

// What is left of a cancelled plan is counted when the batch in hand has ended,
// not when the plan was read.
func TestCancelCountsWhatIsLeft(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	f.parkMany(20)
	p := f.plan(s)
	run := f.begin(s, p, "lin")
	var done desk.Reopened
	if _, err := run.PutBack(t.Context(), 7, nil, &done); err != nil {
		t.Fatal(err)
	}
	want(t, "left when the plan was read", p.Left, 20)
	if ok, err := s.CancelPlan(t.Context(), p, "bo", "no"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	want(t, "action", one[string](f, `SELECT concat_ws('|', set_size, result) FROM ops_actions WHERE action = 'cancel'`), "13|cancelled with 13 of 20 left")
}
