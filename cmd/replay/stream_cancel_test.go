package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"pointsledger/continuity"
	"pointsledger/continuity/survey"
	"pointsledger/desk"
	"pointsledger/internal/command"
	"pointsledger/internal/config"
	"pointsledger/vendorapi/sim"
)

// cancelPlan cancels a plan as bo.
func (c *console) cancelPlan(name string) {
	c.t.Helper()
	plan, err := c.desk.ReadPlan(c.t.Context(), name)
	if err != nil {
		c.t.Fatal(err)
	}
	if ok, err := c.desk.CancelPlan(c.t.Context(), plan, "bo", "a mistake"); !ok || err != nil {
		c.t.Fatal(ok, err)
	}
}

// A plan is cancelled while its addition waits for the lock: nothing of it is
// added, and nobody is told to run it again.
func TestStreamCancelledWhileItWaits(t *testing.T) {
	t.Parallel()
	r := newRebuildRig(t, sim.Config{})
	r.publish(orders(0, 3)...)
	r.delivered(3, true)
	report := r.plan("--from-seq", "1")
	release := r.holdLock()
	cancelled := sync.OnceFunc(func() {
		r.cancelPlan(report.Plan)
		release()
	})
	defer cancelled()
	root := newRoot(r.env)
	var said bytes.Buffer
	root.SetErr(heard(func(text string) {
		said.WriteString(text)
		if strings.Contains(text, "waiting: a worker is comparing this ledger with the stream") {
			cancelled()
		}
	}))
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	if code := command.Execute(ctx, root, []string{"stream", "--plan", report.Plan, "--yes", "--reason", "x"}); code != 1 {
		t.Errorf("exit code %d", code)
	}
	contains(t, said.String(), "was cancelled by bo", "0 events were added before that, and nothing after it", "replay stream --from-seq 1 --to-seq 3")
	if strings.Contains(said.String(), "run the same command again") {
		t.Errorf("a cancelled plan is to be run again: %s", said.String())
	}
	if n := r.count(`SELECT (SELECT count(*) FROM operations) + (SELECT count(*) FROM ledger_identity)`); n != 0 {
		t.Error("something was done for a cancelled plan")
	}
	if n := r.count(`SELECT count(*) FROM ops_actions WHERE action = 'stream_end' AND result LIKE '%stopped: plan % was cancelled by bo%'`); n != 1 {
		t.Error("the end is not recorded")
	}
}

// A plan that is cancelled between two batches stops there, and workers go on
// waiting for the rest.
func TestStreamCancelledBetweenBatches(t *testing.T) {
	t.Parallel()
	r := newRebuildRig(t, sim.Config{})
	// A batch of a re-read ends at 2 MiB, so that 40 events make three.
	padding := strings.Repeat("x", 120_000)
	for i := range 40 {
		r.publish(orderOf(i, `"amountFen":10000,"note":"`+padding+`"`))
	}
	r.delivered(40, true)
	report := r.plan("--from-seq", "1")
	cfg, err := config.Load(r.env, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	rebuilder, err := continuity.NewRebuilder(continuity.RebuildDeps{JetStream: r.js, Pool: r.pool, Store: r.store, Rules: cfg.Rules},
		continuity.RebuildConfig{Stream: "POINTS", Durable: "points-worker", Rest: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := r.desk.ReadPlan(t.Context(), report.Plan)
	if err != nil {
		t.Fatal(err)
	}
	run, err := r.desk.BeginPlan(t.Context(), desk.PlanStart{Plan: plan, Act: desk.ActStream, Actor: "lin", Reason: "database lost"})
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	batches := 0
	added, err := rebuilder.Add(t.Context(), survey.Addition{From: report.From, To: report.To, Created: report.Created, Plan: run, PlanMade: plan.MadeAt, Act: run.Act,
		Waiting: func() {},
		Progress: func(uint64, int64) {
			if batches++; batches == 1 {
				r.cancelPlan(report.Plan)
			}
		}})
	var cancelled *desk.PlanCancelledError
	if !errors.As(err, &cancelled) || batches != 1 || added.Events == 0 || added.Events == 40 || !added.Unfinished || added.Rebuilt {
		t.Errorf("%d batches, added %+v, %v", batches, added, err)
	}
	if n := r.count(`SELECT count(*) FROM operations JOIN action_operations ON operation_id = id`); int64(n) != added.Events {
		t.Errorf("%d operations of %d events", n, added.Events)
	}
	if n := r.count(`SELECT count(*) FROM ledger_identity WHERE stream = 'POINTS (being rebuilt)'`); n != 1 {
		t.Error("workers would take a part of the ledger for the whole")
	}
}

// A cancelled plan is shown without a command, and does not even register rules.
func TestStreamPreviewOfACancelledPlan(t *testing.T) {
	t.Parallel()
	r := newRebuildRig(t, sim.Config{})
	r.publish(orders(0, 3)...)
	r.delivered(3, true)
	plan := r.plan("--from-seq", "1").Plan
	preview := r.must(0, "cancel", plan)
	contains(t, preview, "Plan "+plan+" would be cancelled. This is a preview")
	contains(t, r.must(0, "cancel", plan, "--reason", "no", "--operator", "bo", "--yes"), "Plan "+plan+" is cancelled; what was done before")
	if n := r.count(`SELECT count(*) FROM ops_actions WHERE action = 'cancel' AND set_size = 4 AND result = 'cancelled'`); n != 1 {
		t.Error("the record of the cancellation is not true")
	}
	text := r.must(0, "stream", "--plan", plan)
	contains(t, text, "to be added 3 events", "Plan "+plan+" was cancelled by bo at", "replay stream --from-seq 1 --to-seq 3")
	if strings.Contains(text, "--yes") {
		t.Errorf("a command for a cancelled plan: %s", text)
	}
	var report streamReport
	r.json(&report, "stream", "--plan", plan)
	if report.Plan != plan || report.Command != "" {
		t.Errorf("report %+v", report)
	}
	text = r.must(1, "stream", "--plan", plan, "--yes", "--reason", "x")
	contains(t, text, "was cancelled by bo", "nothing was done here", "replay stream --from-seq 1 --to-seq 3")
	for line := range strings.Lines(r.must(0, "plans")) {
		if strings.Contains(line, plan) && strings.Contains(line, "cancelled  ") && !strings.Contains(line, " 4  ") {
			t.Errorf("a stream plan has no operations to count: %s", line)
		}
	}
	if n := r.count(`SELECT (SELECT count(*) FROM mappings) + (SELECT count(*) FROM operations)`); n != 0 {
		t.Error("something was done for a cancelled plan")
	}
}

// The number that a person expects counts also when nothing is found, and what
// is said first is not the opposite of what is done.
func TestStreamExpectsANumber(t *testing.T) {
	t.Parallel()
	r := newRebuildRig(t, sim.Config{})
	r.publish(orders(0, 3)...)
	r.delivered(3, true)
	text := r.must(0, "stream", "--from-seq", "1", "--expect", "4", "--yes", "--reason", "x")
	contains(t, text, "Read 3 events.", "Added 3 events: 4 operations")
	if strings.Contains(text, "Nothing has been added") {
		t.Errorf("says that nothing has been added, and adds: %s", text)
	}
	contains(t, r.must(1, "stream", "--from-seq", "1", "--expect", "4", "--yes", "--reason", "x"), "0 operations would be added, not the 4 expected: nothing was changed")
	contains(t, r.must(0, "stream", "--from-seq", "1", "--expect", "0", "--yes", "--reason", "x"), "Nothing has been added", "nothing to do")
}
