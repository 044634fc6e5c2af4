package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"pointsledger/ledger"
)

// A ledger that began with the built-in rules of before has kept refunds as rejects.
// Its workers get a file with a further rule set, from now on, and what was rejected
// before is taken back, once.
func TestRejectedRefundsAreRetried(t *testing.T) {
	t.Parallel()
	c, mended := newOlderConsole(t)
	refund := event("order.refunded", "r1", `{"refundId":"RF-1","orderId":"SO-1","amountFen":3000}`)
	c.deliver(event("order.paid", "e1", `{"orderId":"SO-1","member":{"customerId":"383933091455959041"},"channel":"pos","amountFen":10000}`), refund,
		event("order.cancelled", "c2", `{"orderId":"SO-2","orderSource":"elsewhere"}`))
	if n := c.count(`SELECT count(*) FROM rejects WHERE reason_code = 'no_vendor_call'`); n != 2 {
		t.Fatalf("%d rejects, want 2", n)
	}
	contains(t, c.must(0, "rejects", "retry"), "accepted 0", "still fail, stay open 2", "no_vendor_call")
	contains(t, c.must(0, "rejects", "show", "1"), "no_vendor_call", "a further rule set, from any time on", "reverses")

	preview := c.must(0, "rejects", "retry", "--config", c.file(mended))
	contains(t, preview, "accepted 2 0", "still fail, stay open 0 2", "About earlier events: 2 of the accepted; what each takes back")
	c.work(mended)
	contains(t, c.must(0, "rejects", "show", "1"), "would be accepted: it is about an earlier event")
	contains(t, c.must(0, planned(t, c.must(0, "rejects", "retry"))...), "Accepted 2 of 2 rejects", "about earlier 2: what each takes back")

	for sql, want := range map[string]int{
		`SELECT count(*) FROM rejects WHERE resolution = 'accepted: about order.paid SO-1'`:                                                  1,
		`SELECT count(*) FROM rejects WHERE resolution = 'accepted: about order.paid SO-2'`:                                                  1,
		`SELECT count(*) FROM operations WHERE event_type = 'order.refunded' AND kind = 'points_deduct' AND business_key = 'SO-1'`:           1,
		`SELECT points FROM operations WHERE event_type = 'order.refunded'`:                                                                  30,
		`SELECT count(*) FROM operations WHERE event_type = 'order.cancelled'`:                                                               0, // waits for its sale
		`SELECT count(*) FROM action_operations a JOIN operations o ON o.id = a.operation_id WHERE o.event_type = 'order.refunded'`:          1,
		`SELECT count(*) FROM ops_actions WHERE action = 'rejects_retry_end' AND result LIKE '%2 of the accepted are about earlier events%'`: 1,
	} {
		if got := c.count(sql); got != want {
			t.Errorf("%s: got %d, want %d", sql, got, want)
		}
	}
	// The publisher sends it again: it is known, before the set's time and after it.
	for _, at := range []time.Duration{0, 4 * time.Hour} {
		c.epoch = c.epoch.Add(at)
		if v := c.deliver(refund); at > 0 && v[0].Kind != ledger.Duplicate {
			t.Errorf("sent again %s later: %+v", at, v[0])
		}
	}
	if n := c.count(`SELECT count(*) FROM operations WHERE event_type = 'order.refunded'`); n != 1 {
		t.Errorf("%d operations of the refund, want 1", n)
	}
}

// newOlderConsole is of a ledger that began with the built-in rules of before refunds;
// mended are the same with a further rule set for them, from now on.
func newOlderConsole(t *testing.T) (c *rejectsConsole, mended []byte) {
	t.Helper()
	before, err := os.ReadFile("../../internal/config/default_before_refunds.yaml")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Truncate(time.Microsecond)
	c = &rejectsConsole{console: newConsole(t), created: now.Add(-48 * time.Hour), epoch: now.Add(-2 * time.Hour)}
	c.work(before)
	set := "\n  - from: " + now.Add(time.Hour).Format(time.RFC3339) + `
    events:
      - {type: order.paid, operations: [{vendor: zhimai, call: points_add, source_type: 1, points: {ratio: {field: amountFen, points: 1, per: 100}}}]}
      - {type: order.refunded, reverses: {type: order.paid, share: amountFen}}
      - {type: order.cancelled, reverses: {type: order.paid}}
`
	return c, []byte(strings.Replace(string(before), "\n# The vendor accounts.", set+"\n# The vendor accounts.", 1))
}

func event(typ, id, data string) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":"%s","source":"shop","type":"%s","data":%s}`, id, typ, data)
}

// What an older ledger has rejected because there was no call for it is retried into a
// work item, when its sale was sent before.
func TestRejectedRefundBecomesAWorkItem(t *testing.T) {
	t.Parallel()
	c, mended := newOlderConsole(t)
	c.deliver(event("order.paid", "e1", `{"orderId":"SO-1","member":{"customerId":"383933091455959041"},"channel":"pos","amountFen":10000}`))
	c.claimAll(true)
	c.deliver(event("order.refunded", "r1", `{"refundId":"RF-1","orderId":"SO-1","amountFen":3000}`))
	contains(t, c.must(0, "show", "SO-1"), "order.refunded: not accepted, no_vendor_call (reject 1)")
	c.work(mended)
	contains(t, c.must(0, planned(t, c.must(0, "rejects", "retry"))...), "Accepted 1 of 1 reject")
	c.claimAll(true) // lets go what waited for its grant
	contains(t, c.must(0, "workitems", "list"), "zhimai to be taken back: 1 operation, 30 points, 1 member", "SO-1")
	contains(t, c.must(0, "show", "SO-1"), "to be done by a person", "which keeps 70 of 100")
}
