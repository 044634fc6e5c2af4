package desk_test

import (
	"strings"
	"testing"

	"pointsledger/desk"
	"pointsledger/ledger"
)

// Two refunds under one key contradict each other, also before either is recorded;
// and rules that take back another share differ.
func TestPreviewOfRefundsThatDiffer(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.reject("RF-1", "RF-1 again", "RF-2")
	ids, err := f.FindRejects(t.Context(), desk.RejectFilter{State: desk.RejectsOpen})
	if err != nil {
		t.Fatal(err)
	}
	remap := func(secondFen int64) desk.Remap {
		return func(m ledger.Message) (ledger.Entry, bool) {
			id, fen := "RF-1", int64(100)
			switch {
			case strings.Contains(string(m.Payload), "again"):
				fen = 200
			case strings.Contains(string(m.Payload), "RF-2"):
				id, fen = "RF-2", secondFen
			}
			return ledger.Entry{Message: m, Event: &ledger.Event{Source: "shop-sh", ID: "e", Type: "order.refunded", Content: `{"amountFen":` + string(rune('0'+fen/100)) + `}`,
				FactKey: ledger.NewFactKey("shop-sh", "order.refunded", id), Refers: &ledger.Referral{Origins: []ledger.FactKey{ledger.NewFactKey("shop-sh", "order.paid", "SO-1")},
					Origin: "order.paid SO-1", ShareFen: &fen, BusinessKey: "SO-1", BusinessDate: "2026-11-20", MappingVersion: "test"}}}, false
		}
	}
	p, err := f.PreviewRetry(t.Context(), ids, remap(300), remap(400), false, nil)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "accepted", p.With.Accepted, 2)
	want(t, "about earlier ones", p.With.Referring, 2)
	want(t, "operations", p.With.Operations, 0)
	want(t, "failing", p.With.Failing, 1)
	want(t, "other shares", p.PointsDiffer, 1)
	want(t, "other keys", p.KeysDiffer, 0)
	if len(p.With.Codes) != 1 || p.With.Codes[0].Code != ledger.Conflict || !strings.Contains(p.With.Codes[0].Reason, "order.refunded SO-1") {
		t.Errorf("failing: %+v", p.With.Codes)
	}
}
