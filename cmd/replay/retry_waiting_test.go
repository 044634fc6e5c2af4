package main

import (
	"testing"

	"pointsledger/ledger/waiting"
)

// A refund whose order has not come for a day is shown as a reject. A retry of all that
// is open does not close it, as nobody would see then that it waits.
func TestRetryLeavesWhatWaitsOpen(t *testing.T) {
	t.Parallel()
	c := newRejectsConsole(t)
	c.deliver([]byte(`{"specversion":"1.0","id":"R-1","source":"shop","type":"order.refunded","data":{"refundId":"R-1","orderId":"SO-1","amountFen":100}}`))
	if _, err := c.pool.Exec(t.Context(), `UPDATE waiting SET waits_since = now() - interval '25 h'`); err != nil {
		t.Fatal(err)
	}
	if named, err := waiting.New(c.pool, c.store).Name(t.Context()); named != 1 || err != nil {
		t.Fatalf("%d shown as rejects, %v", named, err)
	}
	preview := c.must(0, "rejects", "retry")
	contains(t, preview, "in the ledger already (duplicates)       0", "still fail, stay open                    1", "waits for order.paid SO-1")
	contains(t, c.must(3, "rejects", "retry", "--reason", "rules mended", "--yes"), "Accepted 0 of 1 reject")
	if waits, open := c.count(`SELECT count(*) FROM waiting`), c.count(`SELECT count(*) FROM rejects WHERE resolved_at IS NULL`); waits != 1 || open != 1 {
		t.Errorf("%d wait, %d rejects are open, want 1 and 1", waits, open)
	}
}
