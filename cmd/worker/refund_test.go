package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"pointsledger/internal/testkit"
)

// About an order, from the broker to the vendor: a refund waits until its grant is
// posted and is then work for a person, as the vendor has no call for it; one that
// comes before its order waits for that; what is sent again counts once.
func TestRefundsComeThrough(t *testing.T) {
	t.Parallel()
	w := newWatchedRig(t)
	worker := &served{process: w.start("run")}
	worker.waitFor(`"worker started"`)
	about := func(typ, data string) *nats.Msg {
		return &nats.Msg{Subject: "points.events." + typ, Data: fmt.Appendf(nil, `{"specversion":"1.0","id":"e","source":"shop","type":"%s","data":%s}`, typ, data)}
	}
	refund := about("order.refunded", `{"refundId":"RF-1","orderId":"SO-1","amountFen":3000}`)
	early := about("order.cancelled", `{"orderId":"SO-2"}`)
	w.publish(paid(1), refund, early, refund)
	testkit.Eventually(t, 60*time.Second, "the refund to be work for a person", func() bool {
		return w.number(`SELECT count(*) FROM operations o JOIN outbox x ON x.operation_id = o.id
		                  WHERE o.event_type = 'order.refunded' AND o.kind = 'points_deduct' AND o.points = 30 AND o.business_key = 'SO-1'
		                    AND x.state = 'parked' AND x.cause = 'no_vendor_call'`)+
			w.number(`SELECT count(*) FROM operations WHERE event_type = 'order.refunded' AND kind = 'points_deduct'
			                    AND EXISTS (SELECT 1 FROM postings p WHERE p.operation_id = operations.id AND p.evidence = 'netted')`) == 1
	})
	if n := w.number(`SELECT count(*) FROM operations WHERE event_type = 'order.cancelled'`); n != 0 {
		t.Errorf("%d operations of a cancellation whose order has not come", n)
	}
	w.publish(paid(2))
	testkit.Eventually(t, 60*time.Second, "the cancellation to be recorded with its order", func() bool {
		return w.number(`SELECT count(*) FROM operations WHERE event_type = 'order.cancelled' AND kind = 'points_deduct' AND points = 100 AND business_key = 'SO-2'`) == 1
	})
	if n := w.number(`SELECT count(*) FROM operations`); n != 4 {
		t.Errorf("%d operations, want 4: two orders, a refund, a cancellation", n)
	}
	if n := w.number(`SELECT count(*) FROM rejects`); n != 0 {
		t.Errorf("%d rejects", n)
	}
}
