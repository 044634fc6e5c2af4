package desk_test

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"pointsledger/desk"
	"pointsledger/internal/testkit"
)

// plan stores a plan of all that is parked.
func (f *fixture) plan(s *desk.Desk) desk.Plan {
	f.t.Helper()
	p, err := s.CreatePlan(f.t.Context(), desk.NewPlan{Kind: desk.PlanOfRun, Actor: "lin", FilterText: "all parked", Choose: &desk.OpenFilter{}})
	if err != nil {
		f.t.Fatal(err)
	}
	return p
}

// planNow reads a plan anew.
func (f *fixture) planNow(s *desk.Desk, p desk.Plan) desk.Plan {
	f.t.Helper()
	p, err := s.ReadPlan(f.t.Context(), p.Name)
	if err != nil {
		f.t.Fatal(err)
	}
	return p
}

func (f *fixture) begin(s *desk.Desk, p desk.Plan, actor string) *desk.PlanRun {
	f.t.Helper()
	run, err := s.BeginPlan(f.t.Context(), desk.PlanStart{Plan: p, Act: "replay", Actor: actor, Reason: "vendor is well"})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(run.Close)
	return run
}

// carryOut runs a plan to its end in batches of seven, without recording the
// end.
func (f *fixture) carryOut(s *desk.Desk, p desk.Plan) (done desk.Reopened) {
	f.t.Helper()
	run := f.begin(s, p, "lin")
	defer run.Close()
	for more := true; more; {
		var err error
		if more, err = run.PutBack(f.t.Context(), 7, hourAtZhimai(), &done); err != nil {
			f.t.Fatal(err)
		}
	}
	return done
}

func TestPlanIsStoredAndRead(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	f.park("SO-1", 0, false)
	f.park("SO-2", time.Minute, true)
	f.record(f.event("SO-3")) // waits: no plan takes it
	made, err := s.CreatePlan(t.Context(), desk.NewPlan{Kind: desk.PlanOfRun, Actor: "lin", FilterText: "--in-doubt",
		Choose: &desk.OpenFilter{InDoubt: true}, Details: json.RawMessage(`{"rate":5}`)})
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^P-[0-9A-HJKMNP-TV-Z]{4}$`).MatchString(made.Name) {
		t.Errorf("name %s", made.Name)
	}
	for _, typed := range []string{made.Name, strings.ToLower(made.Name), " " + made.Name + "\n", strings.ReplaceAll(made.Name, "-", ""),
		strings.ReplaceAll(made.Name, "1", "l"), strings.ReplaceAll(strings.ToLower(made.Name), "0", "o")} {
		read, err := s.ReadPlan(t.Context(), typed)
		if err != nil {
			t.Fatalf("%q: %v", typed, err)
		}
		want(t, typed, read.ID, made.ID)
	}
	p := f.planNow(s, made)
	want(t, "plan", p.Filter+" "+p.MadeBy+" "+string(p.Details), `--in-doubt lin {"rate":5}`)
	want(t, "counts", p.PlanCounts, desk.PlanCounts{Left: 1})
	want(t, "size", p.Size, 1)
	want(t, "operation", one[string](f, `SELECT business_key FROM replay_plan_operations JOIN operations ON id = operation_id`), "SO-2")
	want(t, "all parked", f.plan(s).Size, 2)
	for _, typed := range []string{"", "P-", "P-123", "P-12345678901", "7K2M", "P-ÜÜÜÜ", "P-UUUU", "P-ZZZZZ"} {
		if _, err := s.ReadPlan(t.Context(), typed); !errors.Is(err, desk.ErrNoPlan) {
			t.Errorf("%q: %v", typed, err)
		}
	}
	plans, err := s.RecentPlans(t.Context(), 1)
	if err != nil || len(plans) != 1 || plans[0].Size != 2 {
		t.Errorf("recent plans: %+v, %v", plans, err)
	}
}

func TestPlanOfNothing(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	f.record(f.event("SO-1"))
	if p := f.plan(s); p.Size != 0 || p.Name != "" || p.ID != 0 {
		t.Errorf("plan %+v", p)
	}
	want(t, "stored", one[int](f, `SELECT count(*) FROM replay_plans`), 0)
	for _, n := range []desk.NewPlan{
		{Kind: desk.PlanOfRun, Choose: &desk.OpenFilter{}},
		{Kind: desk.PlanOfRun, Actor: "lin"},
		{Kind: desk.PlanOfStream, Actor: "lin", Choose: &desk.OpenFilter{}},
		{Kind: desk.PlanOfStream, Actor: "lin", Details: json.RawMessage(`{`)},
		{Kind: "other", Actor: "lin"},
	} {
		if p, err := s.CreatePlan(t.Context(), n); err == nil {
			t.Errorf("%+v became %+v", n, p)
		}
	}
	p, err := s.CreatePlan(t.Context(), desk.NewPlan{Kind: desk.PlanOfStream, Actor: "lin", Size: 7, Details: json.RawMessage(`{"from":1}`)})
	if err != nil {
		t.Fatal(err)
	}
	want(t, "stream plan", f.planNow(s, p).Size, 7)
}

// A name that is taken is followed by a longer one.
func TestPlanNameIsTaken(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	f.park("SO-1", 0, false)
	same := func(chars int) string { return "P-" + strings.Repeat("7", chars) }
	n := desk.NewPlan{Kind: desk.PlanOfRun, Actor: "lin", Choose: &desk.OpenFilter{}}
	for _, name := range []string{"P-7777", "P-77777", "P-777777"} {
		p, err := s.CreatePlanNamed(t.Context(), n, same)
		if err != nil {
			t.Fatal(err)
		}
		want(t, "name", p.Name, name)
		want(t, "operations", one[int](f, `SELECT count(*) FROM replay_plan_operations WHERE plan_id = $1`, p.ID), 1)
	}
	short := func(int) string { return "P-7777" }
	if _, err := s.CreatePlanNamed(t.Context(), n, short); err == nil {
		t.Error("a plan without a name of its own")
	}
}

func TestPlanCancel(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	f.parkMany(20)
	p := f.plan(s)
	run := f.begin(s, p, "lin")
	var done desk.Reopened
	if more, err := run.PutBack(t.Context(), 7, nil, &done); err != nil || !more {
		t.Fatal(more, err)
	}
	if _, err := s.CancelPlan(t.Context(), p, "wang", " "); err == nil {
		t.Error("cancelled without a reason")
	}
	if ok, err := s.CancelPlan(t.Context(), f.planNow(s, p), "wang", "wrong filter"); err != nil || !ok {
		t.Fatal(ok, err)
	}
	var cancelled *desk.PlanCancelledError
	if _, err := run.PutBack(t.Context(), 7, nil, &done); !errors.As(err, &cancelled) || cancelled.By != "wang" {
		t.Errorf("a cancelled plan went on: %v", err)
	}
	run.Close()
	if _, err := s.BeginPlan(t.Context(), desk.PlanStart{Plan: p, Act: "replay", Actor: "lin", Reason: "x"}); !errors.As(err, &cancelled) {
		t.Errorf("a cancelled plan began: %v", err)
	}
	if ok, err := s.CancelPlan(t.Context(), p, "wang", "again"); err != nil || ok {
		t.Error("cancelled twice", err)
	}
	want(t, "put back", one[int](f, `SELECT count(*) FROM outbox WHERE state = 'pending'`), 7)
	want(t, "counts", f.planNow(s, p).PlanCounts, desk.PlanCounts{Left: 13, Done: 7})
	want(t, "action", one[string](f, `SELECT concat_ws('|', actor, action, reason, set_size, result) FROM ops_actions WHERE action = 'cancel'`),
		"wang|cancel|wrong filter|13|cancelled with 13 of 20 left")
}

// A second operator is told who runs the plan, has done nothing, and can go on
// when the first is done or dead.
func TestPlanSecondOperatorIsTold(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	f.parkMany(20)
	p := f.plan(s)
	run := f.begin(s, p, "lin")
	second := desk.PlanStart{Plan: p, Act: "replay", Actor: "wang", Reason: "too"}
	var busy *desk.PlanBusyError
	if _, err := f.BeginPlan(t.Context(), second); !errors.As(err, &busy) || busy.Actor != "lin" || time.Since(busy.Since).Abs() > time.Hour {
		t.Fatalf("got %v", err)
	}
	want(t, "actions", one[int](f, `SELECT count(*) FROM ops_actions`), 1)
	other := f.plan(s) // another plan of the same rows is not kept out
	f.begin(f.Desk, other, "wang").Close()

	// The first one's machine dies: its session ends, and with it the lock.
	if !one[bool](f, `SELECT pg_terminate_backend($1)`, busy.Session) {
		t.Fatal("the session is not there")
	}
	var next *desk.PlanRun
	testkit.Eventually(t, 10*time.Second, "the lock of a dead session", func() (ok bool) {
		var err error
		next, err = f.BeginPlan(t.Context(), second)
		return err == nil
	})
	next.Close()
	var done desk.Reopened
	if _, err := run.PutBack(t.Context(), 7, nil, &done); err == nil {
		t.Error("a run without its session went on")
	}
	want(t, "put back", done, desk.Reopened{})
}

// Nothing is done twice, though two runners have the same plan in hand and no
// lock keeps them apart.
func TestPlanTwoRunnersWithoutTheLock(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	const n = 3000
	f.parkMany(n)
	p := f.plan(s)
	var group sync.WaitGroup
	results := make([]desk.Reopened, 3)
	for i, store := range []*desk.Desk{s, desk.New(f.pool, f.Store), f.Desk} {
		group.Go(func() {
			run, err := store.BeginPlanUnlocked(t.Context(), desk.PlanStart{Plan: p, Act: "replay", Actor: "lin", Reason: "x"})
			if err != nil {
				t.Error(err)
				return
			}
			defer run.Close()
			for more := true; more; {
				if more, err = run.PutBack(t.Context(), 11, nil, &results[i]); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	var all desk.Reopened
	for _, r := range results {
		all.Add(r)
		if r.Reopened == 0 {
			t.Error("a runner had nothing to do: this proves less than it says")
		}
	}
	want(t, "together", all, desk.Reopened{Reopened: n, Points: n})
	want(t, "put back once", one[int](f, `SELECT count(*) FROM action_operations`), n)
	want(t, "counts", f.planNow(s, p).PlanCounts, desk.PlanCounts{Done: n})
}

// Two plans that share operations: each is put back by one of them.
func TestPlansOfTheSameOperations(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	f.parkMany(20)
	first, second := f.plan(s), f.plan(s)
	f.park("SO-late", 0, false)
	want(t, "first", f.carryOut(s, first), desk.Reopened{Reopened: 20, Points: 20})
	want(t, "second", f.carryOut(s, second), desk.Reopened{Skipped: 20})
	want(t, "none is added", one[int](f, `SELECT count(*) FROM outbox WHERE state = 'parked'`), 1)
}

// A batch that ends in an error leaves no trace of itself.
func TestPlanBatchIsWhole(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	f.parkMany(20)
	p := f.plan(s)
	f.exec(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
	        CREATE TRIGGER refuse BEFORE INSERT ON action_operations FOR EACH ROW EXECUTE FUNCTION refuse()`)
	run := f.begin(s, p, "lin")
	var done desk.Reopened
	if _, err := run.PutBack(t.Context(), 7, nil, &done); err == nil {
		t.Fatal("the error is lost")
	}
	want(t, "counted", done, desk.Reopened{})
	want(t, "parked", one[int](f, `SELECT count(*) FROM outbox WHERE state = 'parked'`), 20)
	want(t, "counts", f.planNow(s, p).PlanCounts, desk.PlanCounts{Left: 20})
	f.exec(`DROP TRIGGER refuse ON action_operations`)
	run.Close()
	want(t, "then", f.carryOut(s, p), desk.Reopened{Reopened: 20, Points: 20})
}

// A batch that has begun is finished; the next one is not begun.
func TestPlanStopsBetweenBatches(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	f.parkMany(20)
	p := f.plan(s)
	run := f.begin(s, p, "lin")
	ctx, cancel := context.WithCancel(t.Context())
	var done desk.Reopened
	if _, err := run.PutBack(ctx, 7, nil, &done); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := run.PutBack(ctx, 7, nil, &done); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	c, points, err := run.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want(t, "counts", c, desk.PlanCounts{Left: 13, Done: 7})
	want(t, "points", points, 7)
	if _, err := run.End(t.Context(), 20, "interrupted"); err != nil {
		t.Fatal(err)
	}
	want(t, "end", one[string](f, `SELECT result FROM ops_actions WHERE action = 'replay_end'`), "of action 1: interrupted")
}

// What was put back is looked at by how far each operation has come.
func TestPutBackProgress(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	const n = 10
	f.parkMany(n)
	run := f.begin(s, f.plan(s), "lin")
	var done desk.Reopened
	if _, err := run.PutBack(t.Context(), n-1, nil, &done); err != nil {
		t.Fatal(err)
	}
	state := func(order, set string) {
		f.exec(`UPDATE outbox SET ` + set + ` FROM operations o WHERE o.id = operation_id AND o.business_key = '` + order + `'`)
	}
	end := func(order, kind string) {
		f.exec(`WITH gone AS (DELETE FROM outbox USING operations o WHERE o.id = operation_id AND o.business_key = $1 RETURNING operation_id)
		        INSERT INTO postings (operation_id, kind, evidence, member_id, attempts) SELECT operation_id, $2, 'manual', '42', 1 FROM gone`, order, kind)
	}
	end("SO-1", "posted")
	end("SO-2", "voided")
	state("SO-3", `state = 'parked', cause = 'refused', attempts = 1`)
	state("SO-4", `attempts = 1, cause = 'unknown'`)
	state("SO-5", `cause = 'throttled'`) // used no attempt, but was tried
	state("SO-6", `cause = 'returned'`)
	state("SO-7", `state = 'sending', lease_token = 1, lease_until = now(), first_sent_at = now()`)
	got, err := run.Progress(t.Context(), "returned")
	if err != nil {
		t.Fatal(err)
	}
	want(t, "progress", got, desk.PutBackProgress{Total: n - 1, Posted: 1, Voided: 1, Parked: 1, Failing: 2, Sending: 1, Waiting: 3})
	if got, err = run.Progress(t.Context()); err != nil || got.Failing != 3 || got.Waiting != 2 {
		t.Errorf("without the cause: %+v, %v", got, err)
	}
}
