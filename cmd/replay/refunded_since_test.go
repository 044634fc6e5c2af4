package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pointsledger/desk/overview"
	"pointsledger/desk/rejects"
	"pointsledger/ledger/waiting"
)

// A parked order that was refunded in full is granted by no put back, and every command
// says so.
func TestRefundedOrderIsNotGranted(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.sales("SO-1", "SO-2")
	c.claimAll(false)
	c.refund("SO-1", 10_000)
	c.refund("SO-2", 2_500)
	contains(t, c.must(0, "run"), "1 parked operation", "refunded 1 of them since: 25 points to be taken back", "Left out: 1 operation refunded or cancelled since")
	contains(t, c.must(1, "run", "--order", "SO-1", "--reason", "x", "--yes"), "nothing was put back: 1 operation refunded or cancelled since", "`replay void --refunded`")
	contains(t, c.must(0, "list", "--refunded"), "SO-1", "1 operation in all")
	shown := c.must(0, "show", "SO-1")
	contains(t, shown, "taken back 100 points by operation 3", "kept: 0", "nobody is owed it: give it up", "replay void --biz-id")
	if strings.Contains(shown, "replay run --biz-id") {
		t.Errorf("a put back is offered: %s", shown)
	}
	c.must(0, "run", "--reason", "the vendor works again", "--yes")
	c.must(0, "void", "--refunded", "--reason", "refunded", "--yes")
	c.claimAll(true)
	for sql, want := range map[string]int{
		`SELECT count(*) FROM operation_status WHERE business_key = 'SO-1' AND state = 'voided'`:                                         2, // and its take-back
		`SELECT count(*) FROM operation_status WHERE business_key = 'SO-2' AND state = 'posted'`:                                         1,
		`SELECT sum(points) FROM work_items`:                                                                                             25,
		`SELECT COALESCE(sum(points), 0) FROM operation_status WHERE business_key = 'SO-1' AND kind = 'points_add' AND state = 'posted'`: 0,
	} {
		if got := c.count(sql); got != want {
			t.Errorf("%s: got %d, want %d", sql, got, want)
		}
	}

	// A refund that came after the plan was made counts as well.
	c.sales("SO-3")
	c.claimAll(false)
	plan := regexp.MustCompile(`P-[0-9A-Z]+`).FindString(c.must(0, "run", "--order", "SO-3"))
	c.refund("SO-3", 0)
	contains(t, c.must(0, "run", "--plan", plan), "stay parked 1: refunded or cancelled since", "Nothing of this would be put back", "replay void --refunded")
	contains(t, c.must(3, "run", "--plan", plan, "--reason", "x", "--yes"), "Put back 0 of 1 operation", "stay parked 1: refunded or cancelled since")
}

// A rejected sale that was refunded in full before it could be recorded is left open by a
// retry, unless that is asked for; show names all of it by the order number.
func TestRetryKnowsRefunds(t *testing.T) {
	t.Parallel()
	c := newRejectsConsole(t)
	sale := func(order, channel string) []byte {
		return fmt.Appendf(nil, `{"specversion":"1.0","id":"e-%s","source":"shop","type":"order.paid","data":{"orderId":"%s","member":{"customerId":"383933091455959041"},"channel":"%s","amountFen":10000}}`, order, order, channel)
	}
	refund := func(order, id string, fen int) []byte {
		return fmt.Appendf(nil, `{"specversion":"1.0","id":"%s","source":"shop","type":"order.refunded","data":{"refundId":"%s","orderId":"%s","amountFen":%d}}`, id, id, order, fen)
	}
	c.deliver(sale("SO-0", "pos"))
	for _, order := range []string{"SO-1", "SO-10", "SO-3", "SO-4"} {
		c.deliver(sale(order, "pos7"))
	}
	c.deliver(refund("SO-1", "R-1", 4000), refund("SO-1", "R-2", 6000), refund("SO-3", "R-3", 4000),
		[]byte(`{"specversion":"1.0","id":"c4","source":"shop","type":"order.cancelled","data":{"orderId":"SO-4"}}`))
	if n := c.count(`SELECT count(*) FROM rejects WHERE reason_code = 'unknown_channel'`); n != 4 || c.count(`SELECT count(*) FROM waiting`) != 4 {
		t.Fatalf("%d rejects", n)
	}
	shown := c.must(0, "show", "SO-1")
	contains(t, shown, "All that names SO-1", "order.paid: not accepted, unknown_channel (reject 1)", "order.refunded: waits for order.paid SO-1")
	if strings.Contains(shown, "reject 2") {
		t.Errorf("another order's reject: %s", shown)
	}
	var found overview.Found
	if c.json(&found, "show", "SO-1"); len(found.Operations) != 0 || len(found.Rejects) != 1 || len(found.Waiting) != 2 {
		t.Errorf("%+v", found)
	}

	mended := strings.Replace(string(lotteryRules("")), "channel_aliases:", "channel_aliases:\n  pos7: pos", 1)
	if mended == string(lotteryRules("")) {
		t.Fatal("no aliases in the file")
	}
	c.work([]byte(mended))
	preview := c.must(0, "rejects", "retry")
	contains(t, preview, "accepted 2", "refunded or cancelled since, stay open 2", "note 2 events refunded or cancelled before they could be recorded: nobody is owed them")
	contains(t, c.must(0, planned(t, preview)...), "Accepted 2 of 4 rejects", "refunded 2: refunded or cancelled since")
	if n := c.count(`SELECT count(*) FROM operations WHERE business_key = 'SO-1'`) + c.count(`SELECT count(*) FROM rejects WHERE id = 1 AND resolved_at IS NOT NULL`); n != 0 {
		t.Errorf("%d: SO-1 was accepted", n)
	}
	var forecast rejects.Forecast
	if c.json(&forecast, "rejects", "retry", "--refunded"); forecast.Accepted != 2 || forecast.Refunded != 0 {
		t.Errorf("asked for: %+v", forecast)
	}
	contains(t, c.must(0, "rejects", "retry", "--refunded", "--reason", "asked for", "--yes"), "Accepted 2 of 2 rejects")
	if _, err := waiting.New(c.pool, c.store).Join(t.Context()); err != nil {
		t.Fatal(err)
	}
	contains(t, c.must(0, "show", "SO-1"), "order.paid: grant 0 points at zhimai: voided, reversed", "take back 40 points", "take back 60 points", "decided: accepted: operations")
}

// A retry names what it parked above a budget.
func TestRetryNamesWhatIsOverBudget(t *testing.T) {
	t.Parallel()
	c := newRejectsConsole(t)
	c.deliver(lottery("ticketId", "T-before", "30"))
	c.upgrade(3)
	before := string(c.mendedRules("{field: prizePoints}"))
	budget := regexp.MustCompile(`(?m)^  per_member_day: .*$`).ReplaceAllString(before, "  per_member_day: 50")
	if budget == before {
		t.Fatal("no budget in the file")
	}
	c.work([]byte(budget))
	out := c.must(0, planned(t, c.must(0, "rejects", "retry"))...)
	contains(t, out, "Accepted 3 of 3 rejects: 3 operations, 90 points", "over budget 2 of the operations, 60 points: parked, above what a day may grant (T-000001, T-000002)",
		"The running workers send the other 1 now")
	if n := c.count(`SELECT count(*) FROM ops_actions WHERE result LIKE '%2 operations (60 points) parked above the budget of a day%'`); n != 1 {
		t.Error("the act does not say so")
	}
}
