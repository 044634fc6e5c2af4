package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pointsledger/internal/command"
	"pointsledger/internal/config"
	"pointsledger/ledger"
	"pointsledger/ledger/rulefiles"
	"pointsledger/reconcile/books"
	"pointsledger/reconcile/periods"
	"pointsledger/reconcile/seal"
)

// yesterday is the last business date that is over.
func yesterday() string {
	return time.Now().In(time.FixedZone("", 8*3600)).AddDate(0, 0, -1).Format(time.DateOnly)
}

// A period is looked at, locked, closed with a reason and reopened, all by a login that
// is in the finance role alone and reads only by default.
func TestCloseAndReopen(t *testing.T) {
	t.Parallel()
	c := newConsole(t, "reconcile_close_test")
	day := yesterday()
	c.sold("SO-1", day)
	if out := c.must(command.ExitDisagree, "close", "--date", day, "--reason", "all the same"); !strings.Contains(out, "nothing is sealed yet") {
		t.Errorf("without a seal:\n%s", out)
	}
	c.must(command.ExitDone, "reopen", "--date", day, "--reason", "nobody seals")
	c.seal()
	out := c.must(command.ExitDone, "close", "--date", day, "--preview")
	for _, want := range []string{": open", "warning", "zhimai", "on its way", "- reconcile balance --date " + day, "- reconcile close --date " + day} {
		if !strings.Contains(out, want) {
			t.Errorf("preview lacks %q:\n%s", want, out)
		}
	}
	if out = c.must(command.ExitDone, "close", "--date", "2999-12-31", "--preview"); !strings.Contains(out, "2999-12-31 is not over in Asia/Shanghai") || strings.Contains(out, "- reconcile close") {
		t.Errorf("of a day that is not over:\n%s", out)
	}
	if out = c.must(command.ExitDisagree, "close", "--date", day); !strings.Contains(out, "--reason does not say why") || !strings.Contains(out, "locked, not closed") {
		t.Errorf("without a reason:\n%s", out)
	}
	var closed periods.Outcome
	c.json(&closed, "close", "--date", day, "--reason", "one grant is on its way")
	if closed.State != "closed" || len(closed.Findings) != 2 || closed.Findings[0].Check != periods.SealHead || closed.Totals["zhimai:issued:1"] != -100 {
		t.Errorf("closed: %+v", closed)
	}
	// The trial balance through the day on which something is booked says the same, and
	// what comes late for it changes neither.
	for range 2 {
		var trial books.Trial
		c.json(&trial, "trial", "--booked", day)
		if trial.Total.Issued != closed.Totals["zhimai:issued:1"] || trial.Total.Pending != closed.Totals["zhimai:pending"] {
			t.Errorf("trial: %+v, closed %+v", trial.Total, closed.Totals)
		}
		c.sold(fmt.Sprintf("SO-%d", c.seq+1), day)
	}
	journal := []string{"journal", "--format", "hledger", "--from", day, "--to", day, "--values", c.file("values.yaml", "values: [{from: 2020-01-01, fen_per_point: 1, expected_redemption: 1}]\n")}
	if out = c.must(command.ExitDone, journal...); strings.Contains(out, "Not all of these days are closed") {
		t.Errorf("the journal of a closed day:\n%s", out)
	}
	if out = c.must(command.ExitUsage, "close", "--date", day); !strings.Contains(out, "closed already") {
		t.Errorf("again:\n%s", out)
	}
	if out = c.must(command.ExitDone, "periods", "--recount"); !strings.Contains(out, "as closed") || !strings.Contains(out, "(reconcile_close_test)") {
		t.Errorf("periods:\n%s", out)
	}
	c.exec("ALTER TABLE operations DISABLE TRIGGER USER")
	c.exec("UPDATE operations SET points = 1000 WHERE points = 100")
	if out = c.must(command.ExitDisagree, "periods", "--recount"); !strings.Contains(out, "CHANGED") || !strings.Contains(out, "-900") {
		t.Errorf("changed:\n%s", out)
	}
	if out = c.must(command.ExitUsage, "reopen", "--date", day); !strings.Contains(out, "--reason") {
		t.Errorf("reopen without a reason:\n%s", out)
	}
	c.must(command.ExitDone, "reopen", "--date", day, "--reason", "a wrong shop")
	if out = c.must(command.ExitDone, journal...); !strings.Contains(out, "Not all of these days are closed") {
		t.Errorf("the journal of an open day:\n%s", out)
	}
	if out = c.must(command.ExitDisagree, "close", "--date", day, "--reason", "all the same"); !strings.Contains(out, "BLOCKS") || !strings.Contains(out, "the seal does not verify") || !strings.Contains(out, "- reconcile verify\n") {
		t.Errorf("edited books are closed:\n%s", out)
	}
	c.must(command.ExitDone, "reopen", "--date", day, "--reason", "somebody edited it")
	if out = c.must(command.ExitDone, "periods"); !strings.Contains(out, "All business dates are open") {
		t.Errorf("after all:\n%s", out)
	}
}

// sold records an order of 100 yuan as the built-in rules have it.
func (c *console) sold(order, day string) {
	c.t.Helper()
	cfg, err := config.Load(nil, nil)
	if err == nil {
		err = rulefiles.New(c.pool).RegisterMapping(c.t.Context(), cfg.RulesVersion, string(cfg.RulesText))
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.seq++
	now := time.Now()
	payload := fmt.Sprintf(`{"specversion":"1.0","id":"e-%s","source":"shop-sh","type":"order.paid","time":%q,
		"data":{"orderId":%q,"member":{"customerId":%q},"channel":"pos","amountFen":10000,"businessDate":%q}}`, order, now.Format(time.RFC3339), order, member, day)
	m := ledger.Message{Stream: "POINTS", StreamCreated: now, Seq: c.seq, Subject: "points.events.order.paid", BrokerTime: now, Payload: []byte(payload)}
	made := cfg.Rules.WithAccountsOn(func(string) bool { return true }).Decode(m, nil)
	if made.Event == nil {
		c.t.Fatalf("%s: %+v", payload, made)
	}
	c.record(ledger.Entry{Message: m, Event: made.Event})
}

// seal does what a worker does in the background.
func (c *console) seal() {
	c.t.Helper()
	c.exec("INSERT INTO ledger_identity (stream) VALUES ('POINTS')")
	if done, err := seal.NewSealer(c.pool, nil, 0).Seal(c.t.Context()); err != nil || done.Batches == 0 {
		c.t.Fatalf("seal: %+v, %v", done, err)
	}
}

// What was posted and not compared, or compared and not explained, and days that shops
// declared otherwise stand against a closing.
func TestOtherRoomsStandAgainstAClosing(t *testing.T) {
	t.Parallel()
	c := newConsole(t, "reconcile_against_test")
	c.record(c.sale("SO-1", member, false))
	c.post("zhimai")
	c.exec("ALTER TABLE postings DISABLE TRIGGER USER")
	c.exec("UPDATE postings SET posted_at = posted_at - interval '1 day'")
	c.declare("2026-11-20", "d1", 7, 700)
	out := c.must(command.ExitDisagree, "close", "--date", yesterday(), "--preview")
	for _, want := range []string{"not compared with the vendor", "declared days that do not add up: 2026-11-20 of shop-sh"} {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
			t.Errorf("preview lacks %q:\n%s", want, out)
		}
	}
}

// What blocks is what the registered rules say, not the file of whoever closes.
func TestRegisteredRulesSayWhatBlocks(t *testing.T) {
	t.Parallel()
	c := newConsole(t, "reconcile_blocks_test")
	c.record(c.sale("SO-1", member, false))
	c.exec("INSERT INTO mappings (version, text) VALUES ('strict', E'timezone: Asia/Tokyo\nperiods: {blocks: [on_its_way]}\napprovals: {reopen: true}\n')")
	out := c.must(command.ExitDisagree, "close", "--date", yesterday(), "--reason", "all the same")
	if !strings.Contains(out, "BLOCKS") || !strings.Contains(out, "something blocks it") {
		t.Errorf("blocked:\n%s", out)
	}
	c.exec("INSERT INTO mappings (version, text, first_used_at) VALUES ('milder', E'timezone: Asia/Tokyo\nperiods: {blocks: []}\napprovals: {reopen: true}\n', now() + interval '1 second')")
	c.must(command.ExitDone, "close", "--date", yesterday(), "--reason", "all the same")
	if out = c.must(command.ExitUsage, "reopen", "--date", yesterday(), "--reason", "typo"); !strings.Contains(out, "another one reopens it") {
		t.Errorf("by the same hand:\n%s", out)
	}
	var list periodsPage
	c.json(&list, "periods")
	if len(list.Periods) != 1 || list.Periods[0].Zone != "Asia/Tokyo" {
		t.Errorf("periods: %+v", list)
	}
}
