package desk_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pointsledger/continuity"
	"pointsledger/desk"
	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/ledger/rulefiles"
)

// reject has events rejected, and returns a Remap that accepts them.
func (f *fixture) reject(orders ...string) desk.Remap {
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
func (f *fixture) beginRetry(actor string) (*desk.PlanRun, []ledger.RejectID) {
	f.t.Helper()
	ids, err := f.FindRejects(f.t.Context(), desk.RejectFilter{State: desk.RejectsOpen})
	if err != nil {
		f.t.Fatal(err)
	}
	plan, err := f.CreateRejectPlan(f.t.Context(), actor, "all", desk.RejectPlan{Rules: "test", IDs: ids}, 0, 0)
	if err != nil {
		f.t.Fatal(err)
	}
	run, err := f.BeginPlan(f.t.Context(), desk.PlanStart{Plan: plan, Act: desk.ActRejectsRetry, Actor: actor, Reason: "mended"})
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
	tally, err := f.RetryRejects(ctx, desk.RejectRetry{Run: run, IDs: ids, Remap: remap, RulesVersion: "test",
		Progress: func(done, found int) { cancel() }})
	if !errors.Is(err, context.Canceled) || tally.Accepted != 1000 || tally.Found != 1200 {
		t.Fatalf("%+v %v", tally, err)
	}
	want(t, "operations", one[int](f, `SELECT count(*) FROM operations`), 1000)
	tally, err = f.RetryRejects(t.Context(), desk.RejectRetry{Run: run, IDs: ids, Remap: remap, RulesVersion: "test"})
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
	tally, err := f.RetryRejects(t.Context(), desk.RejectRetry{Run: run, IDs: ids, RulesVersion: "test",
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
	retry := desk.RejectRetry{Run: run, IDs: ids, Remap: remap, RulesVersion: "test", Registered: "test"}
	if err := rulefiles.New(f.pool).RegisterMapping(t.Context(), "newer", "text"); err != nil {
		t.Fatal(err)
	}
	var changed *desk.RulesChangedError
	if _, err := f.RetryRejects(t.Context(), retry); !errors.As(err, &changed) || changed.Now != "newer" {
		t.Errorf("got %v", err)
	}
	retry.Registered = "newer"
	session, err := continuity.OpenSession(t.Context(), f.pool)
	if err != nil {
		t.Fatal(err)
	}
	if err := session.MarkRebuilding(t.Context(), continuity.Identity{Stream: "POINTS", StreamCreated: time.Now()}); err != nil {
		t.Fatal(err)
	}
	session.Close()
	if _, err := f.RetryRejects(t.Context(), retry); !errors.Is(err, desk.ErrRebuilding) {
		t.Errorf("half a ledger: got %v", err)
	}
	if ok, err := f.CancelPlan(t.Context(), run.Plan, "bo", "no"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	var cancelled *desk.PlanCancelledError
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
	var retries []desk.RejectRetry
	for range cap(accepted) { // all find the rejects open
		run, ids := f.beginRetry("lin")
		retries = append(retries, desk.RejectRetry{Run: run, IDs: ids, Remap: remap, RulesVersion: "test"})
	}
	for _, retry := range retries {
		go func() {
			tally, err := f.RetryRejects(t.Context(), retry)
			if err != nil || tally.Accepted+tally.Skipped != 300 {
				t.Errorf("%+v %v", tally, err)
			}
			accepted <- tally.Accepted
		}()
	}
	want(t, "accepted", <-accepted+<-accepted+<-accepted, 300)
	want(t, "operations", one[int](f, `SELECT count(*) FROM operations`), 300)
}

// In a ledger that was rebuilt, what is from before that is parked in doubt: it
// may have been retried and granted in the ledger that is lost. In one that never
// was it goes as ever (TestRetryRejectsStopped).
func TestRetryRejectsAfterARebuild(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	accept := f.reject("SO-before", "SO-nothing", "SO-at", "SO-after")
	remap := func(m ledger.Message) (ledger.Entry, bool) {
		e, ignored := accept(m)
		if e.Event.Operations[0].BusinessKey == "SO-nothing" {
			e.Event.Operations[0].Points = 0
		}
		return e, ignored
	}
	for _, at := range []time.Duration{time.Millisecond, 3 * time.Millisecond} { // the newest counts
		f.exec(`INSERT INTO ops_actions (at, actor, action, filter, reason, set_size, result) VALUES ($1, 'lin', $2, '', 'lost', 1, '')`,
			orders.Epoch.Add(at), desk.ActStream)
	}
	run, ids := f.beginRetry("lin")
	preview, err := f.PreviewRetry(t.Context(), ids, remap, nil, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	tally, err := f.RetryRejects(t.Context(), desk.RejectRetry{Run: run, IDs: ids, Remap: remap, RulesVersion: "test"})
	if err != nil {
		t.Fatal(err)
	}
	for what, got := range map[string]desk.RetryTally{"preview": preview.With, "done": tally} {
		want(t, what, fmt.Sprint(got.Accepted, got.Operations, got.NothingToSend, got.Points, got.InDoubt), "4 4 1 300 1")
	}
	const rows = `SELECT string_agg(concat_ws(' ', business_key, state, cause, CASE WHEN in_doubt THEN 'in doubt' END,
	                                CASE WHEN first_sent_at = broker_time THEN 'since its event' WHEN first_sent_at IS NOT NULL THEN 'sent' END), ', ' ORDER BY stream_seq)
	                FROM outbox JOIN operations ON id = operation_id`
	want(t, "rows", one[string](f, rows), "SO-before parked rebuilt in doubt since its event, SO-at pending, SO-after pending")
	want(t, "resolved", one[int](f, `SELECT count(*) FROM rejects WHERE resolution LIKE 'accepted: operations %'`), 4)
	want(t, "noted", one[int](f, `SELECT count(*) FROM action_operations WHERE action_id = $1`, run.Act), 4)
	if _, err := run.EndRetry(t.Context(), tally, ""); err != nil {
		t.Fatal(err)
	}
	result := one[string](f, `SELECT result FROM ops_actions WHERE action = 'rejects_retry_end'`)
	if !strings.Contains(result, "1 operations parked in doubt: the ledger was rebuilt") {
		t.Errorf("result %s", result)
	}
}

// Two rejects of one key, on both sides of a rebuild: the older one in the
// stream counts, in the preview, too.
func TestRetryRejectsOfOneKeyAcrossARebuild(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	remap := f.reject("SO-1", "SO-1")
	// The later one was rejected first.
	f.exec(`ALTER TABLE rejects DISABLE TRIGGER USER`)
	f.exec(`UPDATE rejects SET broker_time = broker_time + CASE id WHEN (SELECT min(id) FROM rejects) THEN interval '2 hours' ELSE interval '0' END`)
	f.exec(`INSERT INTO ops_actions (at, actor, action, filter, reason, set_size, result) VALUES ($1, 'lin', $2, '', 'lost', 1, '')`,
		orders.Epoch.Add(time.Hour), desk.ActStream)
	run, ids := f.beginRetry("lin")
	preview, err := f.PreviewRetry(t.Context(), ids, remap, nil, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	tally, err := f.RetryRejects(t.Context(), desk.RejectRetry{Run: run, IDs: ids, Remap: remap, RulesVersion: "test"})
	if err != nil {
		t.Fatal(err)
	}
	for what, got := range map[string]desk.RetryTally{"preview": preview.With, "done": tally} {
		want(t, what, fmt.Sprint(got.Accepted, got.Duplicates, got.InDoubt), "1 1 1")
	}
	want(t, "rows", one[int](f, `SELECT count(*) FROM outbox WHERE state = 'parked' AND in_doubt`), 1)
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
	ids, err := f.FindRejects(t.Context(), desk.RejectFilter{})
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

// What was refused by a person's rules and is retried is one fact, too.
func TestRetryOneFactAtTwoAccounts(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.event("SO-0"), f.event("SO-1"))
	rejected := f.event("SO-1")
	rejected.Event, rejected.Rejection = nil, ledger.Rejectf(ledger.UnknownType, "no rule")
	f.record(rejected)
	run, ids := f.beginRetry("lin")
	remap := func(m ledger.Message) (ledger.Entry, bool) {
		e := f.event("SO-1")
		e.Event.Operations = []ledger.Operation{orders.Operation("north", "SO-1", 100)}
		e.Message = m
		return e, false
	}
	preview, err := f.PreviewRetry(t.Context(), ids, remap, nil, false, nil)
	if err != nil || preview.With.Duplicates != 1 {
		t.Errorf("preview: %+v %v, want one duplicate", preview.With, err)
	}
	tally, err := f.RetryRejects(t.Context(), desk.RejectRetry{Run: run, IDs: ids, Remap: remap, RulesVersion: "test"})
	if err != nil || tally.Duplicates != 1 {
		t.Errorf("retry: %+v %v, want one duplicate", tally, err)
	}
	want(t, "operations", one[int](f, `SELECT count(*) FROM operations`), 2)
}
