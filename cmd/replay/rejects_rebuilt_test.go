package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pointsledger/desk"
	"pointsledger/internal/config"
	"pointsledger/ledger"
	"pointsledger/vendorapi/sim"
)

// A reject is retried and granted, the database is lost, and in the rebuilt one
// it is open again. Retried once more it is in doubt: it is looked up, and not
// granted twice by a vendor that forgets its keys. What came after the rebuild
// goes as ever.
func TestRejectsRetryInARebuiltLedger(t *testing.T) {
	t.Parallel()
	r := newRebuildRig(t, sim.Config{Zhimai: sim.ZhimaiConfig{Dedup: sim.Dedup{Mode: sim.DedupOff}, Records: sim.RecordsConfig{EchoReason: true}}})
	// The mended rules are not the workers', so that a rebuild rejects it again.
	mended := filepath.Join(t.TempDir(), "mended.yaml")
	set := "\n  - from: " + time.Now().Add(-time.Hour).UTC().Format(time.RFC3339) + "\n    events:" + fmt.Sprintf(lotteryEntry, "ticketNo", "{field: prizePoints}")
	text := strings.Replace(quickAccounts.Replace(string(config.DefaultFile())), "\n# The vendor accounts.", set+"\n# The vendor accounts.", 1)
	if err := os.WriteFile(mended, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	retry := []string{"rejects", "retry", "--config", mended}
	act := append(append([]string{}, retry...), "--reason", "rules mended", "--yes")

	worker := r.work()
	r.publish(order(1), string(lottery("ticketNo", "T-1", "30")))
	r.drained()
	contains(t, r.must(0, retry...), "accepted 1", "zhimai points_add 1 30")
	text = r.must(0, act...)
	contains(t, text, "Accepted 1 of 1 reject: 1 operation, 30 points", "The running workers send them now")
	if strings.Contains(text, "doubt") {
		t.Errorf("in doubt, though the ledger was never rebuilt: %s", text)
	}
	r.drained()
	r.booksAgree(0)
	worker.stop()

	r.loseDatabase()
	r.rebuild()
	worker = r.work()
	r.publish(string(lottery("ticketNo", "T-2", "40")))
	r.drained()
	if n := r.count(`SELECT count(*) FROM rejects WHERE resolved_at IS NULL`); n != 2 {
		t.Fatalf("%d rejects are open: this test shows nothing", n)
	}
	contains(t, r.must(0, retry...), "accepted 2", "in doubt 1 of the operations: parked in doubt: the ledger was rebuilt or mended since, they may have been granted before")
	contains(t, r.must(0, act...), "Accepted 2 of 2 rejects", "in doubt 1 of the operations: parked in doubt", "The running workers send the other 1 now",
		"replay run --cause rebuilt")
	if n := r.count(`SELECT count(*) FROM ops_actions WHERE action = 'rejects_retry_end' AND result LIKE '%1 operations parked in doubt: the ledger was rebuilt%'`); n != 1 {
		t.Error("the record does not say that it is in doubt")
	}
	if n := r.count(`SELECT count(*) FROM outbox JOIN operations ON id = operation_id
	                  WHERE state = 'parked' AND in_doubt AND cause = 'rebuilt' AND first_sent_at = broker_time AND operations.points = 30`); n != 1 {
		t.Error("what may have been granted before is not parked in doubt")
	}
	r.drained()
	r.booksAgree(2) // and the order
	r.release(0)
	r.booksAgree(0)
	if n := r.count(`SELECT count(*) FROM postings WHERE evidence = 'verified'`); n != 2 {
		t.Errorf("%d postings rest on the vendor's records, want 2", n)
	}
	worker.stop()
}

// The number that a person expects counts also when nothing is found; a plan of
// another kind is named with its own command.
func TestRejectsRetryExpectsANumber(t *testing.T) {
	t.Parallel()
	c := newRejectsConsole(t)
	contains(t, c.must(1, "rejects", "retry", "--expect", "5", "--reason", "x", "--yes"), "0 open rejects found, not the 5 expected: nothing was changed")
	contains(t, c.must(0, "rejects", "retry", "--reason", "x", "--yes"), "nothing was retried, nothing recorded")
	stream, err := c.desk.CreatePlan(t.Context(), desk.NewPlan{Kind: desk.PlanOfStream, Actor: "lin"})
	if err != nil {
		t.Fatal(err)
	}
	contains(t, c.must(2, "rejects", "retry", "--plan", stream.Name), "not for rejects: `replay stream --plan "+stream.Name+"` shows it")
	rejects, err := c.desk.CreateRejectPlan(t.Context(), "lin", "all open rejects", desk.RejectPlan{Rules: "x", IDs: []ledger.RejectID{1}}, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	contains(t, c.must(2, "void", "--plan", rejects.Name), "is not for void, but for rejects: `replay rejects retry --plan "+rejects.Name+"` shows it")
}

// What the database did not answer may be done: the record of acts tells.
func TestRejectsDismissLostAnswer(t *testing.T) {
	t.Parallel()
	c := newRejectsConsole(t)
	c.deliver(lottery("ticketId", "T-before", "30"))
	c.upgrade(3)
	c.losesAnswers("INSERT INTO ops_actions")
	text := c.must(1, "rejects", "dismiss", "--expect", "3", "--reason", "test events", "--yes")
	contains(t, text, "All of it is done or nothing: `replay log --action rejects_dismiss` shows whether it is")
	if strings.Contains(text, "Nothing was changed") || c.count(`SELECT count(*) FROM rejects WHERE resolved_at IS NULL`) != 0 {
		t.Errorf("said: %s", text)
	}
	contains(t, c.must(0, "log", "--action", desk.ActRejectsDismiss), "dismissed 3 of 3 rejects")
	contains(t, dismissFailed(errors.New("refused")).Error(), "refused", "replay log --action rejects_dismiss")
}
