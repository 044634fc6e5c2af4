package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pointsledger/desk/carry"
	"pointsledger/desk/wording"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/vendorapi/sim"
)

// parked records orders and parks them, never sent.
func (c *console) parked(n int) (ops []ledger.Operation) {
	c.t.Helper()
	for i := range n {
		ops = append(ops, c.record(fmt.Sprintf("SO-%d", i+1)))
	}
	c.park("attempts_exhausted", 0, false)
	return ops
}

// makePlan previews all that is parked and returns the plan's name.
func (c *console) makePlan() string {
	c.t.Helper()
	var p previewReport
	c.json(&p, "run")
	if p.Plan == nil || !strings.HasPrefix(p.Command, "replay run --plan "+p.Name+" --yes") {
		c.t.Fatalf("preview %+v", p)
	}
	return p.Name
}

// carrying are the arguments that carry a plan out.
func carrying(plan string, more ...string) []string {
	return append([]string{"run", "--plan", plan, "--yes", "--operator", "lin", "--reason", "vendor is well"}, more...)
}

// program is replay as a program of its own.
type program struct {
	*exec.Cmd
	out bytes.Buffer
}

// startProgram starts replay as a program; it is killed with the test at the latest.
func (c *console) startProgram(args ...string) *program {
	c.t.Helper()
	binary := filepath.Join(c.t.TempDir(), "replay")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		c.t.Fatalf("build replay: %v\n%s", err, out)
	}
	p := &program{Cmd: exec.Command(binary, args...)}
	p.Env = append(os.Environ(), c.env...)
	p.Stdout, p.Stderr = &p.out, &p.out
	if err := p.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		_ = p.Process.Kill() // ended already, unless the test failed
		_ = p.Wait()
	})
	return p
}

const (
	putBackCount = `SELECT count(*) FROM replay_plan_operations WHERE outcome = 'done'`
	begunCount   = `SELECT count(*) FROM ops_actions WHERE action = 'replay'`
	endedCount   = `SELECT count(*) FROM ops_actions WHERE action = 'replay_end'`
)

// A replay that is killed with SIGKILL in the middle goes on with what is left:
// each operation is put back once, and the vendor applies it once.
func TestRunKilledAndResumed(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	const n = 60
	ops := c.parked(n)
	vendor := c.startVendor(sim.Config{})
	plan := c.makePlan()
	p := c.startProgram(carrying(plan, "--rate", "20")...)
	testkit.Eventually(t, patience, "a part of the plan", func() bool { return c.count(putBackCount) >= n/4 })
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.Wait()
	done := c.count(putBackCount)
	if done >= n {
		t.Fatal("the replay was not killed in the middle")
	}
	if parked := c.count(`SELECT count(*) FROM outbox WHERE state = 'parked'`); parked != n-done {
		t.Errorf("%d parked of %d, and %d known to be put back", parked, n, done)
	}
	if begun, ended := c.count(begunCount), c.count(endedCount); begun != 1 || ended != 0 {
		t.Errorf("%d begun, %d ended", begun, ended)
	}

	var out string
	testkit.Eventually(t, patience, "the resumed replay", func() bool { // once Postgres has noticed the death
		code, stdout, stderr := c.run(carrying(strings.ToLower(plan))...)
		out = stdout + stderr
		return code == 0
	})
	contains(t, out, fmt.Sprintf("Going on with plan %s: %d put back, 0 skipped, 0 refused before; %d operations left", plan, done, n-done),
		fmt.Sprintf("Put back %d of %d operations", n-done, n-done))
	if got := c.count(`SELECT count(*) FROM action_operations`); got != n {
		t.Errorf("%d put back in all, want %d", got, n)
	}
	if begun, ended := c.count(begunCount), c.count(endedCount); begun != 2 || ended != 1 {
		t.Errorf("%d begun, %d ended", begun, ended)
	}
	c.waitFor("the postings", `SELECT count(*) FROM postings WHERE kind = 'posted'`, n)
	for _, op := range ops {
		if entry, found := vendor.Lookup(sim.Zhimai, string(op.BizID)); !found || entry.Applied != 1 || entry.Mismatched != 0 {
			t.Errorf("%s: %+v", op.BusinessKey, entry)
		}
	}
	contains(t, c.must(0, carrying(plan)...), "Nothing is left of plan "+plan, "nothing recorded")
}

// A second operator is told who runs the plan, and does nothing. Ctrl-C ends a
// run between two batches, and is recorded.
func TestRunSecondOperatorAndInterrupt(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	const n = 40
	c.parked(n)
	plan := c.makePlan()
	p := c.startProgram(carrying(plan, "--rate", "4")...)
	testkit.Eventually(t, patience, "the first batch", func() bool { return c.count(putBackCount) > 0 })
	before := c.count(`SELECT count(*) FROM action_operations WHERE action_id <> 1`)
	contains(t, c.must(1, "run", "--plan", plan, "--yes", "--operator", "wang", "--reason", "too"),
		"plan "+plan+" is being run by lin since", "nothing was done here")
	if begun, others := c.count(begunCount), c.count(`SELECT count(*) FROM action_operations WHERE action_id <> 1`); begun != 1 || others != before {
		t.Errorf("the second operator has done something: %d begun, %d put back", begun, others)
	}

	if err := p.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = p.Wait()
	done := c.count(putBackCount)
	if code := p.ProcessState.ExitCode(); code != 1 || done >= n {
		t.Errorf("exit code %d, %d put back", code, done)
	}
	contains(t, p.out.String(), fmt.Sprintf("interrupted: %s left of plan %s", wording.Plural(n-done, "operation"), plan), "replay run --plan "+plan+" --yes --operator lin --rate 4")
	if got := c.count(`SELECT count(*) FROM ops_actions WHERE action = 'replay_end' AND actor = 'lin' AND result LIKE $1`,
		fmt.Sprintf("of action 1: interrupted: put back %d (%%; left %d", done, n-done)); got != 1 {
		t.Error("the interruption is not recorded as it was")
	}
	contains(t, c.must(0, carrying(plan)...), fmt.Sprintf("Put back %d of %d", n-done, n-done))
	if got := c.count(`SELECT count(*) FROM action_operations`); got != n {
		t.Errorf("%d put back in all, want %d", got, n)
	}
}

// A plan is exactly the set that was looked at.
func TestRunPlanIsExact(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.parked(4)
	plan := c.makePlan()
	c.record("SO-later")
	c.park("refused", 0, false)
	c.exec(`UPDATE outbox SET state = 'pending' WHERE operation_id = (SELECT min(operation_id) FROM outbox)`)
	contains(t, c.must(0, "run", "--plan", plan), "Plan "+plan+": 4 parked operations", "zhimai attempts_exhausted points_add 3 1 300",
		"no longer parked 1 of the plan: skipped", "replay run --plan "+plan)
	code, out, errOut := c.run(carrying(plan)...)
	if code != 3 {
		t.Errorf("exit code %d", code)
	}
	contains(t, out+errOut, "Put back 3 of 4 operations: 300 points", "skipped 1: no longer parked", "1 of 4 operations was not put back")
	if got := c.count(`SELECT count(*) FROM outbox JOIN operations ON id = operation_id WHERE state = 'parked' AND business_key = 'SO-later'`); got != 1 {
		t.Error("an operation was added to the plan")
	}
	contains(t, c.must(0, "run", "--plan", plan), "done before 3 put back, 1 skipped, 0 refused; 0 operations left", "Nothing of it is left")
	var report carry.PutBackResult
	c.json(&report, carrying(plan)...)
	if report.Act != 0 || report.Plan != plan {
		t.Errorf("report %+v", report)
	}
}

func TestRunPaced(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.parked(12)
	began := time.Now()
	var report carry.PutBackResult
	c.json(&report, carrying(c.makePlan(), "--rate", "10")...)
	// Batches of two, the first at once, each of the others 200 ms later.
	if took := time.Since(began); took < time.Second {
		t.Errorf("12 operations at 10 a second took %v", took)
	}
	if report.Reopened.Reopened != 12 || report.Found != 12 || report.Left != 0 || report.EndAct == 0 {
		t.Errorf("report %+v", report)
	}
}

func TestPlansAndCancel(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	contains(t, c.must(0, "plans"), "no plan yet")
	c.record("SO-1", func(o *ledger.Operation) { o.MemberID = "13800001111" })
	c.park("refused", 0, false)
	c.must(0, "run", "--member", "13800001111")
	plan := c.makePlan()
	for _, format := range []string{"", "--json"} {
		_, out, _ := c.run(strings.Fields("plans " + format)...)
		contains(t, out, plan, "138****1111", "all parked", "new")
		if strings.Contains(out, "13800001111") {
			t.Errorf("a mobile number: %s", out)
		}
	}
	contains(t, c.must(0, "cancel", plan), "would be cancelled: 1 left of 1 operation", "nothing has been changed", "replay cancel "+plan+" --reason '…' --yes")
	c.must(2, "cancel", plan, "--yes")
	c.must(2, "cancel", "P-0000000", "--yes", "--reason", "x")
	c.must(2, "cancel")
	c.must(2, "plans", "--limit", "0")
	contains(t, c.must(0, "cancel", strings.ToLower(plan), "--yes", "--reason", "wrong filter", "--operator", "wang"), plan+" is cancelled with 1 left of 1 operation")
	contains(t, c.must(0, "cancel", plan, "--yes", "--reason", "again"), "was cancelled at", "by wang")
	contains(t, c.must(1, carrying(plan)...), "wang cancelled plan "+plan, "no more of it is put back")
	contains(t, c.must(0, "run", "--plan", plan), "wang cancelled it")
	contains(t, c.must(0, "plans"), "cancelled")
	if n := c.count(`SELECT count(*) FROM outbox WHERE state = 'parked'`) + c.count(`SELECT count(*) FROM ops_actions`); n != 2 {
		t.Errorf("parked and actions: %d", n)
	}
}
