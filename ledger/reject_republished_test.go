package ledger_test

import (
	"testing"

	"pointsledger/ledger"
	"pointsledger/ledger/republished"
)

// One reject whose order number has a NUL keeps no other from being closed.
func TestKeyThatCannotBeStoredHindersNoOther(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	orders := map[uint64]string{}
	for _, order := range []string{"SO-1", "SO\x00-2"} {
		e := f.event(order)
		e.Message.Payload = []byte(`{}`)
		orders[e.Message.Seq] = order
		e.Event, e.Rejection, e.Source, e.Type = nil, ledger.Rejectf(ledger.MissingField, "x"), "shop-sh", "order.paid"
		f.record(e)
	}
	f.record(f.event("SO-1"))
	known := republished.NewCloser(f.pool, f.Store, func(r *ledger.Reject) (ledger.FactHint, bool) {
		order := orders[r.Message.Seq]
		return ledger.FactHint{Reject: r.ID, Source: r.Source, Type: r.Type, BusinessKey: order, Fact: ledger.NewFactKey("shop-sh", "order.paid", order)}, true
	})
	want(t, "closed", must(known.Close(t.Context())), 1)
}
