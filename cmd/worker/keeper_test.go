package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"pointsledger/internal/testkit"
)

// address is where a started worker shows its pages.
func (p *process) address() string {
	p.t.Helper()
	return "http://" + regexp.MustCompile(`"http":"([^"]+)"`).FindStringSubmatch(p.waitFor("worker started"))[1]
}

// With an emptied database the worker runs, says what to do, and touches
// nothing; with the right one it goes on, also after the timeline has changed.
func TestRunWithAnotherDatabase(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	right, env := r.database, r.env
	if _, errs, code := r.run(orders(50), "publish", "--create-stream", "-"); code != 0 {
		t.Fatal(errs)
	}
	worker := r.start("run")
	testkit.Eventually(t, time.Minute, "all operations to be posted", func() bool { return r.count(`SELECT count(*) FROM postings`) == 50 })
	if code := worker.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if n := r.count(`SELECT acked_seq FROM ledger_identity`); n != 50 {
		t.Errorf("a stopped worker noted %d acknowledged events, want 50", n)
	}

	r.database = testkit.Postgres(t)
	r.env = append(append([]string{}, env...), "DATABASE_URL="+r.database)
	worker = r.start("run")
	address := worker.address()
	testkit.Eventually(t, time.Minute, "readiness to name the way out", func() bool {
		ready := get(t, address+"/readyz")
		return strings.HasPrefix(ready, "503 ") && strings.Contains(ready, "the ledger is empty") && strings.Contains(ready, "restore a backup") && strings.Contains(ready, "begins at sequence 51")
	})
	if health := get(t, address+"/healthz"); health != "200 ok\n" {
		t.Errorf("healthz: %s", health)
	}
	if n := r.count(`SELECT count(*) FROM operations`); n != 0 {
		t.Errorf("%d operations in the emptied database", n)
	}
	if code := worker.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}

	r.database, r.env = right, env
	r.exec(`UPDATE ledger_identity SET timeline = timeline + 1`)
	r.start("run").waitFor("its timeline was 2 and is 1")
	testkit.Eventually(t, time.Minute, "the timeline to be remembered", func() bool {
		return r.count(`SELECT timeline FROM ledger_identity`) == 1
	})
	if out, errs, code := r.run(strings.ReplaceAll(orders(50), "SO-", "SP-"), "publish", "--no-msg-id", "-"); code != 0 {
		t.Fatal(out, errs)
	}
	testkit.Eventually(t, time.Minute, "the next operations to be posted", func() bool { return r.count(`SELECT count(*) FROM postings`) == 100 })
	r.booksAgree(100)
}

// An unused ledger on a stream with a history says which --first-start begins,
// and begins with it; doctor names a paused durable and the witness.
func TestRunFirstStart(t *testing.T) {
	t.Parallel()
	w := newWatchedRig(t)
	w.env = w.env[:len(w.env)-1] // without the rig's own WORKER_FIRST_START
	if _, errs, code := w.run(orders(5), "publish", "-"); code != 0 {
		t.Fatal(errs)
	}
	worker := w.start("run")
	address := worker.address()
	var value string
	testkit.Eventually(t, time.Minute, "readiness to name the flag", func() bool {
		found := regexp.MustCompile(`--first-start (\S+)`).FindStringSubmatch(get(t, address+"/readyz"))
		if found != nil {
			value = found[1]
		}
		return found != nil
	})
	if n := w.count(`SELECT count(*) FROM operations`); n != 0 {
		t.Errorf("%d operations before the first start", n)
	}
	worker.stop()
	if _, errs, code := w.run("", "run", "--first-start", "yes"); code != 2 || !strings.Contains(errs, "WORKER_FIRST_START: want a time such as") {
		t.Errorf("exit code %d: %s", code, errs)
	}
	w.start("run", "--first-start", value).waitFor("first start: all events of the stream are taken as new")
	testkit.Eventually(t, time.Minute, "all operations to be posted", func() bool { return w.count(`SELECT count(*) FROM postings`) == 5 })
	w.booksAgree(5)

	stream, err := w.js.Stream(t.Context(), "POINTS")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.PauseConsumer(t.Context(), "points-worker", time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	out, _, code := w.run("", "doctor")
	for _, want := range []string{"points-worker is paused until", "nats consumer resume POINTS points-worker", "bucket POINTS_witness has seen the ledger's counter at"} {
		if !strings.Contains(out, want) {
			t.Errorf("doctor does not say %q:\n%s", want, out)
		}
	}
	if code != 3 {
		t.Errorf("doctor's exit code is %d, want 3", code)
	}
}
