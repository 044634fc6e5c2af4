package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"pointsledger/internal/rehearsal"
	"pointsledger/internal/sabotage"
	"pointsledger/internal/testkit"
)

// sabotageBinary builds the worker that crashes where it is told to, once.
var sabotageBinary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(workerBinary), "worker-sabotage")
	out, err := exec.Command("go", "build", "-tags", "sabotage", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build worker with tag sabotage: %w\n%s", err, out)
	}
	return path, nil
})

// crashCase is one visit to a crash point.
type crashCase struct {
	point string
	// at: the worker dies when it reaches the point for the at-th time.
	at int
	// scene must hold in ledger and book after the death, so that a point that
	// was moved to another step is noticed.
	scene func(s scene) bool
}

// scene is what a crash left behind.
type scene struct {
	// recorded messages: accepted or rejected. acked: what the broker knows of.
	recorded, acked int
	// Rows of the outbox and postings.
	sending, resolved, doubtful, posted int
	// received and applied are keys in the vendors' book.
	received, applied int
}

// crashCases visits every point that a worker reaches without a verification:
// the first time, when everything is new, and a later time.
func crashCases() []crashCase {
	nothing := func(s scene) bool { return s.recorded == 0 && s.acked == 0 }
	some := func(s scene) bool { return s.recorded > 0 }
	unacked := func(s scene) bool { return s.recorded > 0 && s.acked == 0 }
	acked := func(s scene) bool { return s.recorded > 0 && s.acked > 0 }
	posted := func(s scene) bool { return s.posted > 0 }
	return []crashCase{
		{sabotage.AfterFetch, 1, nothing}, {sabotage.AfterFetch, 3, some},
		{sabotage.BeforeCommit, 1, nothing}, {sabotage.BeforeCommit, 3, some},
		{sabotage.AfterCommit, 1, unacked}, {sabotage.AfterCommit, 3, some},
		{sabotage.AmidAcks, 1, some}, {sabotage.AmidAcks, 25, acked},
		{sabotage.AfterAck, 1, some}, {sabotage.AfterAck, 3, acked},
		{sabotage.AfterClaim, 1, func(s scene) bool { return s.sending > 0 && s.received == 0 }},
		{sabotage.AfterClaim, 3, func(s scene) bool { return s.sending > 0 && s.received > 0 }},
		{sabotage.AfterResolve, 1, func(s scene) bool { return s.resolved > 0 }},
		{sabotage.AfterResolve, 3, func(s scene) bool { return s.resolved > 2 }},
		{sabotage.BeforeSend, 1, func(s scene) bool { return s.sending > 0 && s.received == 0 }},
		{sabotage.BeforeSend, 20, func(s scene) bool { return s.sending > 0 && s.received > 0 }},
		{sabotage.AfterSend, 1, func(s scene) bool { return s.applied > 0 && s.posted == 0 }},
		{sabotage.AfterSend, 20, func(s scene) bool { return s.applied > s.posted }},
		{sabotage.BeforeConfirm, 1, func(s scene) bool { return s.applied > 0 && s.posted == 0 }},
		{sabotage.BeforeConfirm, 3, func(s scene) bool { return s.applied > s.posted }},
		{sabotage.AmidSettle, 1, posted}, {sabotage.AmidSettle, 3, posted},
		{sabotage.AfterSettle, 1, posted}, {sabotage.AfterSettle, 3, posted},
	}
}

// verifyCases visits the points of a verification: some calls are applied
// without an answer, and some are not.
func verifyCases() []crashCase {
	return []crashCase{
		{sabotage.AfterScan, 1, func(s scene) bool { return s.sending > 0 && s.doubtful > 0 }},
		{sabotage.AfterScan, 3, func(s scene) bool { return s.sending > 0 && s.doubtful > 0 }},
		{sabotage.AfterVerify, 1, func(s scene) bool { return s.sending > 0 && s.posted > 0 }},
	}
}

const (
	simUnclear = `{"zhimai":{"faults":{"rates":{"apply_then_drop":0.2,"drop_before":0.2}}}}`
	simHonest  = `{"zhimai":{"faults":{"preset":"none","rates":{"apply_then_drop":0,"drop_before":0}}}}`
)

// pointsNotReachableYet lists the points of a step that the program does not
// have yet. It is empty as soon as the configuration takes in_doubt: verify;
// verifyCases visits them then.
func pointsNotReachableYet(t *testing.T) []string {
	if _, _, code := runWorker(t, []string{"WORKER_CONFIG=" + doubtConfig(t, "verify")}, "", "config"); code == 0 {
		return nil
	}
	return []string{sabotage.AfterScan, sabotage.AfterVerify}
}

// The worker is killed between every two steps of an event's way. After a
// restart each operation is applied exactly once, and posted.
func TestCrashPoints(t *testing.T) {
	t.Parallel()
	notYet := pointsNotReachableYet(t)
	visited := map[string]bool{}
	visit := func(c crashCase, policy, faults string) {
		visited[c.point] = true
		t.Run(fmt.Sprintf("%s:%d", c.point, c.at), func(t *testing.T) {
			t.Parallel()
			crash(t, c, doubtConfig(t, policy), faults)
		})
	}
	// Both policies for doubt must bear a crash at any point.
	for i, c := range crashCases() {
		if i%2 == 1 && len(notYet) == 0 {
			visit(c, "verify", simHonest)
		} else {
			visit(c, "resend", simHonest)
		}
	}
	if len(notYet) == 0 {
		for _, c := range verifyCases() {
			visit(c, "verify", simUnclear)
		}
	}
	for _, point := range sabotage.Points() {
		if !visited[point] && !slices.Contains(notYet, point) {
			t.Errorf("no case crashes at %s", point)
		}
	}
}

// doubtConfig is impatientConfig with a policy for what is in doubt at Zhimai,
// the first account of the file. To send again without a look rests on the
// vendor's word about keys; to verify does not, and must do without.
func doubtConfig(t *testing.T, policy string) string {
	t.Helper()
	path := impatientConfig(t)
	if policy == "resend" {
		path = honouringConfig(t)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := regexp.MustCompile(`(?m)^ *in_doubt: (\w+)$`).FindSubmatchIndex(text)
	if at == nil {
		t.Fatal("the default configuration has no in_doubt")
	}
	text = slices.Concat(text[:at[2]], []byte(policy), text[at[3]:])
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// crash runs one case: publish, crash, restart, compare.
func crash(t *testing.T, c crashCase, config, faults string) {
	binary, err := sabotageBinary()
	if err != nil {
		t.Fatal(err)
	}
	r := newWatchedRig(t, "--frozen-suffix", "000")
	r.env = append(r.env, "WORKER_CONFIG="+config, "WORKER_BATCH=10", "WORKER_BATCH_TIME=1s", "WORKER_ACK_WAIT=2s")
	r.change(faults)
	plan := trafficWithEverything(t)
	r.giveHistory(plan)
	r.publishPlan(plan)

	r.binary = binary
	r.env = append(r.env, fmt.Sprintf("SABOTAGE_CRASH=%s:%d", c.point, c.at))
	worker := r.start("run")
	select {
	case <-worker.ended:
	case <-time.After(30 * time.Second):
		t.Fatalf("the worker has not come to %s %d times:\n%s", c.point, c.at, worker.tail())
	}
	status, ok := worker.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the worker ended with %v, want SIGKILL:\n%s", worker.cmd.ProcessState, worker.tail())
	}
	// Postgres carries out what it had heard of the dead worker.
	testkit.Eventually(t, 20*time.Second, "the dead worker's sessions to end", func() bool { return r.number(sqlSessions) == 0 })
	var left scene
	testkit.Eventually(t, 5*time.Second, "the scene of a crash at "+c.point, func() bool {
		left = r.scene()
		return c.scene(left)
	})
	r.leasesEnd()
	r.change(simHonest)

	r.binary = ""
	r.env = r.env[:len(r.env)-1]
	worker = r.start("run")
	// The till goes on: a worker that died at its first postings has told nobody
	// which of them to sample, and the control needs one.
	r.publishPlan(&rehearsal.Plan{Messages: addLater(plan)})
	testkit.Eventually(t, time.Minute, "quiet after the restart", r.quiet)
	if code := worker.stop(); code != 0 {
		t.Errorf("a stopped worker ended with exit code %d:\n%s", code, worker.tail())
	}
	r.agrees(plan)
	if n := r.number(`SELECT count(*) FROM attempts WHERE outcome = 'lease_expired'`); n != left.sending {
		t.Errorf("%d leases expired, the crash left %d rows that were being sent", n, left.sending)
	}
	if t.Failed() {
		t.Logf("left by the crash: %+v", left)
	}
}

// trafficWithEverything is a few dozen messages in which everything is that a
// worker can meet: scanned codes, freezes, duplicates, rejects, frozen members.
func trafficWithEverything(t *testing.T) *rehearsal.Plan {
	t.Helper()
	for seed := uint64(1); seed < 100; seed++ {
		plan := rehearsal.Generate(rehearsal.Options{Events: 60, Seed: seed, Kylin: true})
		codes, freezes := 0, 0
		for _, e := range plan.Truth {
			if e.Code != "" && e.Points > 0 {
				codes++
			}
			if e.Account == "kylin" {
				freezes++
			}
		}
		if codes > 3 && freezes > 3 && plan.Counts.Duplicates > 3 && plan.Counts.Rejected > 3 {
			addFrozen(plan)
			return plan
		}
	}
	t.Fatal("no plan has everything")
	return nil
}

// addLater adds orders to what a plan expects, and returns their messages.
func addLater(plan *rehearsal.Plan) []rehearsal.Message {
	from := len(plan.Messages)
	for i := range 3 {
		e := rehearsal.Expected{Account: "zhimai", Kind: "points_add", Type: "order.paid", Source: "shop-sh", BusinessKey: fmt.Sprintf("LATER-%d", i),
			Points: 129, Member: fmt.Sprintf("38393309145595%d111", i), Message: len(plan.Messages)}
		plan.Messages = append(plan.Messages, orderOf("l", i, e))
		plan.Truth = append(plan.Truth, e)
		plan.Counts.Accepted++
	}
	return plan.Messages[from:]
}

// orderOf is an order of 129.99 yuan that leads to an expectation.
func orderOf(id string, n int, e rehearsal.Expected) rehearsal.Message {
	return rehearsal.Message{Subject: "points.events.order.paid", Payload: fmt.Appendf(nil,
		`{"specversion":"1.0","id":"%s%d","source":%q,"type":"order.paid","data":{"orderId":%q,"member":{"customerId":%q},"channel":"pos","amountFen":12999}}`,
		id, n, e.Source, e.BusinessKey, e.Member)}
}

// addFrozen adds orders that the vendor refuses; last, so that the account has
// confirmed a call before.
func addFrozen(plan *rehearsal.Plan) {
	for i := range 3 {
		e := rehearsal.Expected{Account: "zhimai", Kind: "points_add", Type: "order.paid", Source: "shop-sh", BusinessKey: fmt.Sprintf("FROZEN-%d", i),
			Points: 129, Member: fmt.Sprintf("38393309145595%d000", i), Frozen: true, Message: len(plan.Messages)}
		plan.Messages = append(plan.Messages, orderOf("f", i, e))
		plan.Truth = append(plan.Truth, e)
		plan.Counts.Accepted++
	}
}
