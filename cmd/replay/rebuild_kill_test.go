package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"pointsledger/internal/command"
	"pointsledger/internal/testkit"
	"pointsledger/vendorapi/sim"
)

// replayArgs is the variable that makes TestReplayProcess the program itself.
const replayArgs = "REPLAY_TEST_ARGS"

// TestReplayProcess is replay in a process of its own, which another test
// starts and kills. By itself it does nothing.
func TestReplayProcess(t *testing.T) {
	args, found := os.LookupEnv(replayArgs)
	if !found {
		return
	}
	if code := command.Execute(t.Context(), newRoot(os.Environ()), strings.Split(args, "\n")); code != 0 {
		t.Fatalf("exit code %d", code)
	}
}

// start runs replay in another process.
func (c *console) start(args ...string) *exec.Cmd {
	c.t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestReplayProcess$")
	cmd.Env = append(append(os.Environ(), c.env...), replayArgs+"="+strings.Join(args, "\n"))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
		if c.t.Failed() {
			c.t.Logf("replay %s: %s", strings.Join(args, " "), out.String())
		}
	})
	return cmd
}

// A rebuild is killed when its first batch is recorded and not noted. Workers
// go on refusing the ledger, a second operator is told while the first is at
// it, and the same command run again adds the rest.
func TestRebuildIsKilled(t *testing.T) {
	t.Parallel()
	r := newRebuildRig(t, sim.Config{Zhimai: sim.ZhimaiConfig{Dedup: sim.Dedup{Mode: sim.DedupOff}, Records: sim.RecordsConfig{EchoReason: true}}})
	worker := r.work()
	// A batch of a re-read ends at 2 MiB, so that 40 events make three.
	padding := strings.Repeat("x", 120_000)
	for i := range 40 {
		r.publish(orderOf(i, `"amountFen":10000,"note":"`+padding+`"`))
	}
	r.drained()
	r.loseDatabase()
	report := r.plan("--from-seq", "1")
	if report.Counts.Added != 40 {
		t.Fatalf("report %+v", report)
	}
	adding := []string{"stream", "--plan", report.Plan, "--yes", "--reason", "database lost", "--operator", "lin"}

	// The process stops between a batch and its note for as long as this lock is held.
	blocker, err := pgx.Connect(t.Context(), r.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer blocker.Close(t.Context())
	if _, err := blocker.Exec(t.Context(), `BEGIN; LOCK TABLE action_operations IN SHARE MODE`); err != nil {
		t.Fatal(err)
	}
	first := r.start(adding...)
	testkit.Eventually(t, patience, "the first batch", func() bool { return r.count(`SELECT count(*) FROM operations`) > 0 })
	contains(t, r.must(1, adding...), "is being run by lin", "nothing was done here")
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.Wait()
	if _, err := blocker.Exec(t.Context(), `ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	some := r.count(`SELECT count(*) FROM operations`)
	if some == 0 || some == 40 {
		t.Fatalf("%d of 40 operations were added before the kill: this test shows nothing", some)
	}
	r.publish(orderOf(39, `"amountFen":10000,"note":"published again"`)) // not added yet, and not new
	testkit.Eventually(t, patience, "the worker to refuse a part of the ledger", func() bool {
		return strings.Contains(worker.Problem(), "is being rebuilt from stream POINTS")
	})
	if n := r.count(`SELECT count(*) FROM operations`); n != some {
		t.Errorf("%d operations: somebody went on", n)
	}

	testkit.Eventually(t, patience, "the lock of the dead process to end", func() bool {
		code, _, errOut := r.run(adding...)
		if code != 0 && !strings.Contains(errOut, "is being run") {
			t.Fatal(errOut)
		}
		return code == 0
	})
	testkit.Eventually(t, patience, "the worker to go on", func() bool { return worker.Problem() == "" })
	r.drained()
	if n := r.count(`SELECT count(*) FROM operations JOIN outbox ON id = operation_id WHERE state = 'parked' AND in_doubt AND cause = 'rebuilt'`); n != 40 {
		t.Errorf("%d operations are parked in doubt, want 40", n)
	}
	if n := r.count(`SELECT count(DISTINCT operation_id) FROM action_operations JOIN ops_actions a ON a.id = action_id WHERE a.action = 'stream'`); n != 40 {
		t.Errorf("%d of 40 operations are noted with their action", n)
	}
	r.release(0)
	r.booksAgree(0)
}
