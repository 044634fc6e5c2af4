package desk_test

import (
	"testing"

	"pointsledger/ledger"
)

// An order is named by the rejects whose payload has its number as a whole word, in
// whatever form, the newest first, and by the events that wait for it.
func TestNamedBy(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	reject := func(payload string) ledger.Entry {
		e := f.event("")
		e.Event, e.Message.Payload, e.Rejection = nil, []byte(payload), ledger.Rejectf(ledger.NotJSON, "no JSON")
		return e
	}
	f.record(reject(`{"orderId":"SO-1"}`), reject(`{"orderId":"SO-10"}`), reject(`{"orderId":"XSO-1"}`), reject(`<order>SO-1</order>`), reject("\xff\xfe SO-1"),
		reject(`{"type":"order.paid"}`), reject(`{"orderId":4711}`), reject(`SO-1-2`), reject(`SO-10 and SO-1`))
	f.record(f.about("order.cancelled", "SO-1", false))
	for order, want := range map[string][]ledger.RejectID{"SO-1": {9, 5, 4, 1}, "4711": {7}, "order": {4}, "SO-2": nil, "1": nil, "O'; --": nil} {
		n, err := f.NamedBy(t.Context(), order)
		if err != nil {
			t.Fatal(err)
		}
		var got []ledger.RejectID
		for _, r := range n.Rejects {
			got = append(got, r.ID)
		}
		if len(got) != len(want) || len(n.Waiting) != map[bool]int{true: 1}[order == "SO-1"] {
			t.Errorf("%s: rejects %v and %d waiting, want %v", order, got, len(n.Waiting), want)
			continue
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: rejects %v, want %v", order, got, want)
			}
		}
	}
}
