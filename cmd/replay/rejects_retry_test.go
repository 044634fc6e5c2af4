package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/vendorapi/sim"
)

// Terminals were upgraded and a field has another name: 300 rejects. The rules
// are mended, and what is owed is granted once, also where the publisher has
// sent an event again meanwhile.
func TestRejectsRetryAfterChangedField(t *testing.T) {
	t.Parallel()
	c := newRejectsConsole(t)
	vendor := c.startVendor(sim.Config{})
	c.deliver(lottery("ticketId", "T-before", "30"))
	c.upgrade(297)
	c.deliver(lottery("ticketNo", "T-bad-1", `"30"`), lottery("ticketNo", "T-bad-2", `"30"`), lottery("ticketNo", "T-bad-3", "0"))

	contains(t, c.must(0, "rejects", "retry"), "300 open rejects", "registered last by the workers", "still fail, stay open 300", "no command to run")

	mended := c.mendedRules("{field: prizePoints}")
	preview := c.must(0, "rejects", "retry", "--config", c.file(mended))
	contains(t, preview, "version "+versionOf(mended), "accepted 297 0", "still fail, stay open 3 300", "zhimai points_add 297 8,910 0 0 +8,910",
		"a worker that starts without them refuses to", "--config ")
	if n := c.count(`SELECT count(*) FROM operations`); n != 1 {
		t.Fatalf("a preview recorded something: %d operations", n)
	}

	c.work(mended)
	for i := range 5 { // re-sent, and accepted by the new rules
		if v := c.deliver(lottery("ticketNo", fmt.Sprintf("T-%06d", i), "30")); v[0].Kind != ledger.Accepted {
			t.Fatalf("re-sent: %+v", v)
		}
	}
	preview = c.must(0, "rejects", "retry", "--type", "lottery.won", "--operator", "lin")
	contains(t, preview, "accepted 292", "duplicates) 5", "still fail, stay open 3", "zhimai points_add 292 8,760",
		"bad_type: 2 events. Reject 298, for example: data.prizePoints: want an integer", "out_of_range: 1 event")
	args := planned(t, preview)
	contains(t, c.must(3, args...), "Accepted 292 of 300 rejects: 292 operations, 8,760 points", "duplicates 5", "bad_type: 2 events",
		"in ops_actions: lin", "3 of 300 rejects still fail and stay open")

	for sql, want := range map[string]int{
		`SELECT count(*) FROM operations WHERE event_type = 'lottery.won'`:                    298,
		`SELECT count(*) FROM operations WHERE mapping_version = '` + versionOf(mended) + `'`: 297,
		`SELECT count(*) FROM rejects WHERE resolved_at IS NULL`:                              3,
		`SELECT count(*) FROM rejects WHERE resolution = 'duplicate' AND resolved_by = 'lin'`: 5,
		`SELECT count(*) FROM rejects r JOIN operations o ON r.resolution = 'accepted: operations ' || o.id
		  WHERE o.stream_seq = r.stream_seq AND o.broker_time = r.broker_time AND o.event_subject = r.subject`: 292,
		`SELECT count(*) FROM action_operations a JOIN ops_actions o ON o.id = a.action_id WHERE o.action = 'rejects_retry'`: 292,
		`SELECT count(*) FROM ops_actions WHERE action = 'rejects_retry_end' AND set_size = 300 AND reason = 'rules mended'
		    AND result LIKE '%accepted 292 %duplicate 5%still failing 3; bad_type 2 (reject 298: %'`: 1,
	} {
		if got := c.count(sql); got != want {
			t.Errorf("%s: got %d, want %d", sql, got, want)
		}
	}
	c.waitFor("the postings", `SELECT count(*) FROM postings WHERE kind = 'posted'`, 298)
	if n := c.count(`SELECT count(*) FROM outbox`); n != 0 {
		t.Errorf("%d rows are left", n)
	}
	c.eachBizID(func(id string) {
		if entry, found := vendor.Lookup(sim.Zhimai, id); !found || entry.Applied != 1 || entry.AppliedPoints != 30 {
			t.Errorf("the vendor's book: %+v", entry)
		}
	})
	contains(t, c.must(3, args...), "Accepted 0 of 300 rejects", "skipped 297: decided about already")
	contains(t, c.must(0, "rejects", "show", "298"), "missing_field", "still fails: bad_type: ", "prizePoints", "replay rejects export 298")
}

func (c *rejectsConsole) eachBizID(each func(string)) {
	c.t.Helper()
	rows, err := c.pool.Query(c.t.Context(), `SELECT biz_id FROM operations`)
	if err != nil {
		c.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			c.t.Fatal(err)
		}
		each(id)
	}
}

// The rules of a file are kept with what they accepted, and can be carried out
// with that file only.
func TestRejectsRetryByFile(t *testing.T) {
	t.Parallel()
	c := newRejectsConsole(t)
	c.deliver(lottery("ticketId", "T-before", "30"))
	c.upgrade(2)
	mended := c.mendedRules("{field: prizePoints}")
	args := planned(t, c.must(0, "rejects", "retry", "--config", c.file(mended)))
	other := c.file(c.mendedRules("7"))
	without := append([]string{}, args[:4]...)
	contains(t, c.must(2, append(without, "--reason", "x", "--yes")...), "add the same --config FILE")
	contains(t, c.must(1, append(without, "--config", other, "--reason", "x", "--yes")...), "nothing was changed", "replay rejects retry")
	contains(t, c.must(0, args...), "Accepted 2 of 2 rejects")
	if n := c.count(`SELECT count(*) FROM operations o JOIN mappings m ON m.version = o.mapping_version WHERE m.text = $1`, string(mended)); n != 2 {
		t.Errorf("%d operations name the file", n)
	}
	// Now these are the rules in use, and a file without their set is refused.
	contains(t, c.must(2, "rejects", "retry", "--config", c.file(lotteryRules(""))), "was in use and is gone")
	contains(t, c.must(2, "rejects", "retry", "--config", c.file([]byte(strings.Replace(string(mended), "programme: points", "programme: other", 1)))), "programme")
}

// When workers register other rules after the preview, it no longer holds.
func TestRejectsRetryRulesChanged(t *testing.T) {
	t.Parallel()
	c := newRejectsConsole(t)
	c.deliver(lottery("ticketId", "T-before", "30"))
	c.upgrade(2)
	c.work(c.mendedRules("{field: prizePoints}"))
	args := planned(t, c.must(0, "rejects", "retry", "--code", "missing_field"))
	changed := append(c.mendedRules("{field: prizePoints}"), "\n# another version\n"...)
	c.work(changed)
	contains(t, c.must(1, args...), "registered other rules since plan "+args[3], versionOf(changed), "replay rejects retry --code missing_field")
	if n := c.count(`SELECT count(*) FROM rejects WHERE resolved_at IS NULL`); n != 2 {
		t.Errorf("%d are open", n)
	}
	// The points by a file and by the registered rules.
	more := c.file([]byte(strings.Replace(string(changed), "limits:\n", "limits:\n  # a comment\n", 1)))
	contains(t, c.must(0, "rejects", "retry", "--config", more), "zhimai points_add 2 60 2 60 0")
}

// A conflict stays one, whatever the rules say; a repeat within the rejects is a
// duplicate, and one with other content a conflict.
func TestRejectsRetryConflicts(t *testing.T) {
	t.Parallel()
	c := newRejectsConsole(t)
	c.deliver(lottery("ticketId", "T-1", "30"))
	if v := c.deliver(lottery("ticketId", "T-1", "31")); v[0].Rejection.Code != ledger.Conflict {
		t.Fatalf("no conflict: %+v", v)
	}
	c.deliver(lottery("ticketNo", "T-2", "30"), lottery("ticketNo", "T-2", "30"), lottery("ticketNo", "T-2", "31"), lottery("ticketNo", "T-1", "30"))
	c.work(c.mendedRules("{field: prizePoints}"))
	// T-1 was recorded under another field name: what both declare is equal.
	want := []string{"accepted 1", "duplicates) 2", "still fail, stay open 2", "conflict: 2 events. Reject 1, for example: ", "was recorded before with other content"}
	contains(t, c.must(0, "rejects", "retry"), want...)
	contains(t, c.must(3, "rejects", "retry", "--reason", "x", "--yes"), "Accepted 1 of 5 rejects", "duplicates 2", "conflict: 2 events")
	contains(t, c.must(0, "rejects", "show", "1"), "still fails: conflict", "Find out which of the two is right")
	if n := c.count(`SELECT count(*) FROM operations`); n != 2 {
		t.Errorf("%d operations", n)
	}
}

// A message that a worker gets again after its reject was retried, or before,
// counts once, and the reject stays as it was decided.
func TestRejectsRetryAndRedelivery(t *testing.T) {
	t.Parallel()
	c := newRejectsConsole(t)
	c.deliver(lottery("ticketId", "T-before", "30"))
	c.upgrade(2)
	redeliver := func(seq uint64, want ledger.VerdictKind) {
		t.Helper()
		m := ledger.Message{Stream: "POINTS", StreamCreated: c.created, Seq: seq, Subject: "points.events.lottery.won",
			BrokerTime: c.epoch.Add(time.Duration(seq) * time.Millisecond), Payload: lottery("ticketNo", fmt.Sprintf("T-%06d", seq-2), "30")}
		v, err := c.store.Record(t.Context(), []ledger.Entry{c.decoded(m)})
		if err != nil || v[0].Kind != want {
			t.Errorf("sequence %d: %+v %v", seq, v, err)
		}
	}
	old := c.rules
	c.work(c.mendedRules("{field: prizePoints}"))
	redeliver(2, ledger.Accepted) // the ack of its reject was lost, and the rules are new
	contains(t, c.must(0, "rejects", "retry", "--reason", "x", "--yes"), "Accepted 1 of 2 rejects", "duplicates 1")
	redeliver(3, ledger.Duplicate)
	c.rules = old // a worker that has not been restarted
	redeliver(3, ledger.Rejected)
	for sql, want := range map[string]int{`SELECT count(*) FROM operations`: 3, `SELECT count(*) FROM rejects`: 2,
		`SELECT count(*) FROM rejects WHERE resolved_at IS NULL`: 0} {
		if got := c.count(sql); got != want {
			t.Errorf("%s: got %d, want %d", sql, got, want)
		}
	}
}

// An account that is off here and was never used rejects; one that the ledger
// knows needs no credentials here.
func TestRejectsRetryAccounts(t *testing.T) {
	t.Parallel()
	c := newRejectsConsole(t)
	c.upgrade(1)
	c.work(c.mendedRules("{field: prizePoints}"))
	contains(t, c.must(0, "rejects", "retry"), "on: none", "vendor_not_configured: 1 event", "is off here", "no command to run")
	c.record("SO-1")
	contains(t, c.must(0, "rejects", "retry"), "on: zhimai", "accepted 1")
}

func TestRejectsRetryWrongUse(t *testing.T) {
	t.Parallel()
	c := newRejectsConsole(t)
	c.deliver(lottery("ticketId", "T-before", "30"))
	contains(t, c.must(0, "rejects", "retry"), "nothing to retry")
	contains(t, c.must(0, "rejects", "retry", "--reason", "x", "--yes"), "nothing was retried, nothing recorded")
	c.upgrade(101)
	c.work(c.mendedRules("{field: prizePoints}"))
	for words, args := range map[string][]string{
		"needs --reason":                        {"--yes"},
		"101 open rejects found, more than 100": {"--yes", "--reason", "x"},
		"there is no reject code":               {"--code", "nonsense"},
		"--plan says which":                     {"--plan", "P-ABCD", "--code", "clock"},
		"--expect: want":                        {"--expect", "0"},
		"want the number of a reject":           {"T-1"},
		"--config is empty":                     {"--config", ""},
		"--seq: want":                           {"--seq", "0"},
	} {
		contains(t, c.must(2, append([]string{"rejects", "retry"}, args...)...), words)
	}
	contains(t, c.must(1, "rejects", "retry", "--yes", "--reason", "x", "--expect", "100"), "101 open rejects found, not the 100 expected: nothing was changed")
	contains(t, c.must(1, "rejects", "retry", "--plan", "P-ZZZZ"), "there is no plan P-ZZZZ")
	if n := c.count(`SELECT count(*) FROM ops_actions`); n != 0 {
		t.Errorf("%d actions", n)
	}
	contains(t, c.must(0, "rejects", "retry", "--yes", "--reason", "x", "--expect", "101"), "Accepted 101 of 101 rejects")
	empty := newConsole(t)
	contains(t, empty.must(2, "rejects", "retry"), "no worker has registered rules")
}

// A second operator with the same plan is told; one with a plan of their own
// does nothing twice.
func TestRejectsRetryTwoOperators(t *testing.T) {
	t.Parallel()
	c := newRejectsConsole(t)
	c.deliver(lottery("ticketId", "T-before", "30"))
	c.upgrade(50)
	c.work(c.mendedRules("{field: prizePoints}"))
	args := planned(t, c.must(0, "rejects", "retry", "--operator", "lin"))
	own := planned(t, c.must(0, "rejects", "retry", "--operator", "bo"))

	tx, err := c.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `SELECT FROM rejects WHERE id = 20 FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	type result struct {
		code int
		text string
	}
	results := make(chan result, 2)
	start := func(args []string) {
		code, out, errOut := c.run(args...)
		results <- result{code, out + errOut}
	}
	waiting := func(n int) {
		testkit.Eventually(t, patience, "an operator to wait for the row", func() bool {
			return c.count(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == n
		})
	}
	go start(args)
	waiting(1)
	contains(t, c.must(1, args...), "is being run by lin since", "nothing was done here")
	go start(own)
	waiting(2)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	both := ""
	for range 2 {
		r := <-results
		if both += r.text; r.code != 0 {
			t.Errorf("exit code %d: %s", r.code, r.text)
		}
	}
	contains(t, both, "Accepted 50 of 50 rejects", "Accepted 0 of 50 rejects", "skipped 50: decided about already")
	if n := c.count(`SELECT count(*) FROM operations`); n != 51 {
		t.Errorf("%d operations", n)
	}
}
