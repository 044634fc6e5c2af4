package main

import (
	"fmt"
	"strings"
	"testing"

	"pointsledger/internal/config"
	"pointsledger/ledger"
	"pointsledger/ledger/republished"
)

// order is an order.paid of the shop's, id being the envelope's.
func paidOrder(id, order, amount string) []byte {
	return []byte(fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"shop-sh","type":"order.paid","data":{"orderId":%q,`+
		`"member":{"customerId":"383933091455959041"},"channel":"pos","amountFen":%s}}`, id, order, amount))
}

// A shop's rejected orders are published again, corrected, under new ids, once
// more wrong among them: what was accepted closes all rejects of its fact. What
// cannot be tied to a fact, a conflict, and a reject that came after its fact stay
// open: points may be owed.
func TestRejectIsClosedByItsFact(t *testing.T) {
	t.Parallel()
	c := newRejectsConsole(t)
	known := republished.NewCloser(c.pool, c.store, c.rules.FactIn)
	closeThem := func(want int64) {
		t.Helper()
		if n, err := known.Close(t.Context()); err != nil || n != want {
			t.Fatalf("closed %d, want %d: %v", n, want, err)
		}
	}
	var wrong, right [][]byte
	for i := range 32 {
		order := fmt.Sprintf("SO-%d", i)
		wrong = append(wrong, paidOrder("a-"+order, order, `"12900"`))
		right = append(right, paidOrder("b-"+order, order, "12900"))
	}
	c.deliver(wrong...)
	c.deliver(paidOrder("a-1", "", "12900"), []byte("not json"), paidOrder("no-source", "SO-1", `"1"`)[:40])
	closeThem(0)
	contains(t, c.must(0, "rejects", "list"), "35 open rejects in all")
	for i := range 28 { // wrong once more, under new ids
		order := fmt.Sprintf("SO-%d", i)
		c.deliver(paidOrder("c-"+order, order, `"12900"`))
	}
	c.deliver(right...)
	contains(t, c.must(0, "rejects", "retry"), "of 60 events the fact is in the ledger by now", "still fail, stay open 63")
	closeThem(60)
	closeThem(0)
	if n := c.count(`SELECT count(*) FROM rejects r JOIN operations o ON r.resolution = 'in the ledger by now: operation ' || o.id || ', published again'
		WHERE r.resolved_by = 'worker' AND position(o.business_key::bytea IN r.payload) > 0`); n != 60 {
		t.Errorf("%d rejects name the operation of their fact, want 60", n)
	}
	if n := c.count(`SELECT count(*) FROM rejects WHERE resolved_at IS NULL`); n != 3 {
		t.Errorf("%d rejects are open, want the three that name no fact", n)
	}

	// Another content for a fact that is there, and a broken repeat of one.
	c.deliver(paidOrder("d-1", "SO-1", "99900"), paidOrder("d-2", "SO-2", `"99900"`))
	c.deliver(paidOrder("e-1", "SO-later", "100"))
	closeThem(0)
	if n := c.count(`SELECT count(*) FROM rejects WHERE resolved_at IS NULL`); n != 5 {
		t.Errorf("%d rejects are open, want 5", n)
	}
	// Another shop's order of that number is another fact.
	c.deliver([]byte(`{"specversion":"1.0","id":"f","source":"shop-bj","type":"order.paid","data":{"orderId":"SO-later","channel":"nowhere"}}`))
	c.deliver(paidOrder("f-2", "SO-later-2", "100"))
	closeThem(0)
	// Two workers at once close each once.
	c.deliver(paidOrder("g-1", "SO-last", `"1"`))
	c.deliver(paidOrder("g-2", "SO-last", "100"))
	other := republished.NewCloser(c.pool, c.store, c.rules.FactIn)
	if n, err := other.Close(t.Context()); err != nil || n != 1 {
		t.Fatalf("closed %d: %v", n, err)
	}
	closeThem(0)
}

// A key of two fields is read as one text, and two facts may read alike: what was
// accepted closes rejects of its own fact only.
func TestRejectIsNotClosedByAFactThatReadsAlike(t *testing.T) {
	t.Parallel()
	c := newRejectsConsole(t)
	entry := strings.Replace(fmt.Sprintf(lotteryEntry, "ticketId", "{field: prizePoints}"), "        key: [ticketId]", "        key: [shop, ticketId]", 1)
	entry = strings.Replace(entry, "        fields:\n", "        fields:\n          shop: {type: string, required: true}\n", 1)
	text := strings.Replace(string(config.DefaultFile()), "\n      - type: review.posted\n", entry+"\n      - type: review.posted\n", 1)
	c.work([]byte(text))
	ticket := func(id, shop, ticket, points string) []byte {
		return []byte(fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"pos","type":"lottery.won","data":{"shop":%q,"ticketId":%q,`+
			`"member":{"customerId":"383933091455959041"},"channel":"pos","prizePoints":%s}}`, id, shop, ticket, points))
	}
	c.deliver(ticket("a", "S/7", "1", `"30"`))
	if verdicts := c.deliver(ticket("b", "S", "7/1", "30")); verdicts[0].Kind != ledger.Accepted {
		t.Fatalf("%+v", verdicts[0])
	}
	known := republished.NewCloser(c.pool, c.store, c.rules.FactIn)
	if n, err := known.Close(t.Context()); err != nil || n != 0 {
		t.Errorf("closed %d by another fact, want 0: %v", n, err)
	}
	if verdicts := c.deliver(ticket("c", "S/7", "1", "30")); verdicts[0].Kind != ledger.Accepted {
		t.Fatalf("%+v", verdicts[0])
	}
	if n, err := known.Close(t.Context()); err != nil || n != 1 {
		t.Errorf("closed %d by its own, want 1: %v", n, err)
	}
}
