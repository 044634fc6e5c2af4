package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"pointsledger/internal/testkit"
	"pointsledger/migrations"
)

// The worker is killed again and again in the middle of its work, the vendor
// drops connections after applying: at the end the books agree.
func TestRunIsKilled(t *testing.T) {
	t.Parallel()
	const events = 3000
	r := newRig(t, "--faults", "light", "--latency", "5ms", "--seed", "3")
	r.env = append(r.env, "WORKER_CONFIG="+honouringConfig(t))
	if out, errs, code := r.run(orders(events), "publish", "--create-stream", "-"); code != 0 || !strings.Contains(out, "published 3,000 messages, 0 of them known to the broker") {
		t.Fatalf("publish: exit %d\n%s%s", code, out, errs)
	}
	for _, at := range []int{300, 1000, 1900} {
		worker := r.start("run")
		testkit.Eventually(t, time.Minute, fmt.Sprintf("%d postings", at), func() bool {
			return r.count(`SELECT count(*) FROM postings`) >= at
		})
		worker.kill()
	}
	if open := r.count(`SELECT count(*) FROM outbox WHERE state = 'sending'`); open == 0 {
		t.Error("no row was under way at the last kill: the kills show nothing")
	}
	worker := r.start("run")
	testkit.Eventually(t, 2*time.Minute, "all operations to be posted", func() bool {
		return r.count(`SELECT count(*) FROM postings`) == events
	})
	if code := worker.stop(); code != 0 {
		t.Errorf("a stopped worker ended with exit code %d", code)
	}
	r.booksAgree(events)
	if out, _, _ := r.run(orders(events), "publish", "--no-msg-id", "-"); !strings.Contains(out, "published 3,000") {
		t.Errorf("publish again: %s", out)
	}
	worker = r.start("run")
	address := regexp.MustCompile(`"http":"([^"]+)"`).FindStringSubmatch(worker.waitFor("worker started"))[1]
	testkit.Eventually(t, time.Minute, "the repeats to be recognised", func() bool {
		return strings.Contains(get(t, "http://"+address+"/metrics"), `points_ledger_events_total{result="duplicate"} 3000`)
	})
	if n := r.count(`SELECT count(*) FROM operations`); n != events {
		t.Errorf("%d operations after all events were published twice, want %d", n, events)
	}
}

// A wrong key parks at most ten rows; readiness says what is the matter; a
// restart with the right key drains the rest without a replay.
func TestRunWithWrongKey(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	right := r.env
	r.env = append(append([]string{}, right...), "ZHIMAI_OPEN_KEY=wrong-key")
	if _, errs, code := r.run(orders(1000), "publish", "--create-stream", "-"); code != 0 {
		t.Fatal(errs)
	}
	worker := r.start("run")
	address := regexp.MustCompile(`"http":"([^"]+)"`).FindStringSubmatch(worker.waitFor("worker started"))[1]
	testkit.Eventually(t, time.Minute, "readiness to say that the gate is closed", func() bool {
		ready := get(t, "http://"+address+"/readyz")
		return strings.HasPrefix(ready, "200 ") && strings.Contains(ready, `"degraded"`) && strings.Contains(ready, "suspicious_refusals")
	})
	testkit.Eventually(t, time.Minute, "all events to be recorded", func() bool { return r.count(`SELECT count(*) FROM operations`) == 1000 })
	if health := get(t, "http://"+address+"/healthz"); health != "200 ok\n" {
		t.Errorf("healthz: %s", health)
	}
	if code := worker.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	parked := r.count(`SELECT count(*) FROM outbox WHERE state = 'parked'`)
	if parked == 0 || parked > 10 {
		t.Errorf("%d rows are parked, want 1 to 10", parked)
	}
	// Switched off, the account's rows are not forgotten in silence.
	r.env = append(append([]string{}, right...), "ZHIMAI_OPEN_KEY=")
	worker = r.start("run")
	address = regexp.MustCompile(`"http":"([^"]+)"`).FindStringSubmatch(worker.waitFor("worker started"))[1]
	testkit.Eventually(t, time.Minute, "readiness to name the account that nobody serves", func() bool {
		ready := get(t, "http://"+address+"/readyz")
		return strings.HasPrefix(ready, "200 ") && strings.Contains(ready, `"degraded"`) && strings.Contains(ready, "account zhimai: ") &&
			strings.Contains(ready, "no such account is on here")
	})
	pages := get(t, "http://"+address+"/metrics")
	for _, metric := range []string{fmt.Sprintf(`points_ledger_outbox_rows{account="zhimai",state="pending"} %d`, 1000-parked), "points_ledger_backlog_up 1", `points_ledger_gate_closed{account="kylin"} 0`} {
		if !strings.Contains(pages, metric+"\n") {
			t.Errorf("no %q in the metrics", metric)
		}
	}
	worker.stop()
	r.env = right
	r.start("run")
	testkit.Eventually(t, time.Minute, "the rest to be posted", func() bool {
		return r.count(`SELECT count(*) FROM postings`) == 1000-parked
	})
	r.booksAgree(1000 - parked)
}

// What a worker cannot serve ends it before it begins, with what to do.
func TestRunRefusesWhatItCannotServe(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	empty := testkit.EmptyDatabase(t)
	r.env = append(r.env, "DATABASE_URL="+empty)
	if _, errs, code := r.run("", "run"); code != 1 || !strings.Contains(errs, "worker migrate up") {
		t.Errorf("unmigrated database: exit %d, %s", code, errs)
	}
	if out, errs, code := r.run("", "migrate"); code != 0 || !strings.Contains(out, "00001_operations.sql") {
		t.Errorf("migrate: exit %d, %s%s", code, out, errs)
	}
	if err := migrations.Check(t.Context(), empty); err != nil {
		t.Error(err)
	}
	if _, errs, code := r.run("", "migrate", "down"); code != 2 || !strings.Contains(errs, "--yes") {
		t.Errorf("migrate down: exit %d, %s", code, errs)
	}
	r.env = append(r.env, "ZHIMAI_OPEN_KEY=", "KYLIN_URL=")
	if _, errs, code := r.run("", "run"); code != 2 || !strings.Contains(errs, "worker simulate") || !strings.Contains(errs, "ZHIMAI_OPEN_KEY") {
		t.Errorf("no account on: exit %d, %s", code, errs)
	}
	r.env = append(r.env, "NATS_URL=http://x", "WORKER_BATCH=0", "ZHIMAI_URL=ftp://y", "KYLIN_URL=http://u:secret@h")
	_, errs, code := r.run("", "run")
	for _, part := range []string{"NATS_URL", "WORKER_BATCH", "ZHIMAI_URL", "KYLIN_URL"} {
		if code != 2 || !strings.Contains(errs, part+":") {
			t.Errorf("bad configuration: exit %d, no word of %s in: %s", code, part, errs)
		}
	}
	if strings.Contains(errs, "secret") {
		t.Errorf("the error shows a password: %s", errs)
	}
}

// Rules that were in use cannot be edited under the ledger's feet.
func TestRunRefusesEditedRules(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	worker := r.start("run")
	worker.waitFor("worker started")
	if code := worker.stop(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	path := impatientConfig(t)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.Replace(text, []byte("source_type: 5"), []byte("source_type: 6"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	r.env = append(r.env, "WORKER_CONFIG="+path)
	if _, errs, code := r.run("", "run"); code != 2 || !strings.Contains(errs, "has been edited") {
		t.Errorf("edited rules: exit %d, %s", code, errs)
	}
}
