package rehearsal

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

func lifePlan(events int, seed uint64) *Plan {
	return Generate(Options{Events: events, Seed: seed, Now: noon, Kylin: true, Life: true})
}

// A plan with what comes back is consistent in itself, and has everything in it.
func TestLifeOfAPlan(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		for _, events := range []int{1, 2, 10, 57, 400, 3000} {
			checkLife(t, lifePlan(events, seed))
		}
	}
	p := lifePlan(8000, 3)
	if !reflect.DeepEqual(p, lifePlan(8000, 3)) {
		t.Error("two plans of one seed differ")
	}
	seen := map[string]int{}
	for _, m := range p.Messages {
		seen[m.Expect.Code]++
	}
	for _, o := range p.Orders {
		switch {
		case o.Cancelled && o.Completed:
			seen["cancelled and completed"]++
		case o.Cancelled:
			seen["cancelled"]++
		case o.Completed && o.Freeze != "":
			seen["frozen and completed"]++
		case o.Refunded == o.AmountFen:
			seen["refunded"]++
		case o.Refunded > 0:
			seen["refunded in part"]++
		}
		seen["at "+o.Grant]++
		if o.Freeze != "" {
			seen["frozen at "+o.Freeze]++
		}
	}
	for _, what := range []string{"over_refunded", "conflict", "cancelled and completed", "cancelled", "frozen and completed", "refunded", "refunded in part",
		"at mall", "at zhimai", "frozen at mall", "frozen at kylin"} {
		if seen[what] < 10 {
			t.Errorf("%d of %q in a large plan", seen[what], what)
		}
	}
	if early := earlyMessages(t, p); early < 10 {
		t.Errorf("%d messages before their order", early)
	}
}

// about is what a message about an order says.
type aboutOrder struct{ typ, order, refund string }

func readAbout(t *testing.T, m Message) (a aboutOrder, source string, fen int64) {
	t.Helper()
	var e struct {
		Type, Source string
		Data         json.RawMessage
	}
	raw := bytes.TrimPrefix(m.Payload, []byte("\xef\xbb\xbf"))
	if m.Header["ce-specversion"] != nil {
		e.Type, e.Source, e.Data = m.Header["ce-type"][0], m.Header["ce-source"][0], raw
	} else if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	var data struct {
		OrderID, RefundID, OrderSource string
		AmountFen                      int64
	}
	if err := json.Unmarshal(e.Data, &data); err != nil {
		t.Fatal(err)
	}
	if source = e.Source; data.OrderSource != "" {
		source = data.OrderSource
	}
	return aboutOrder{e.Type, data.OrderID, data.RefundID}, source, data.AmountFen
}

func isAbout(typ string) bool { return typ == typeRefund || typ == typeCancel || typ == typeComplete }

// checkLife recomputes the orders from the messages.
func checkLife(t *testing.T, p *Plan) {
	t.Helper()
	type place struct{ source, order string }
	orders := map[place]*Order{}
	for _, o := range p.Orders {
		orders[place{o.Source, o.OrderID}] = o
		if o.Refunded > o.AmountFen || o.Keeps() < 0 || o.Keeps() > o.Points {
			t.Errorf("%+v", o)
		}
	}
	refunded, operations := map[place]int64{}, len(p.Truth)
	for i, m := range p.Messages {
		if m.Expect.Verdict != Accepted {
			if m.Expect.Of >= i {
				t.Errorf("message %d repeats or contradicts %d", i, m.Expect.Of)
			}
			continue
		}
		a, source, fen := readAbout(t, m)
		if !isAbout(a.typ) {
			continue
		}
		o := orders[place{source, a.order}]
		if o == nil {
			t.Errorf("message %d is about order %q of %q, which is not in the plan", i, a.order, source)
			continue
		}
		switch a.typ {
		case typeRefund:
			refunded[place{source, a.order}] += fen
			operations += o.origins()
		case typeCancel:
			operations += o.origins()
		case typeComplete:
			operations++
		}
	}
	for at, o := range orders {
		if o.Refunded != refunded[at] {
			t.Errorf("order %s: refunds of %d fen, by the messages %d", o.OrderID, o.Refunded, refunded[at])
		}
	}
	if p.Counts.Operations != operations || p.Counts.Accepted+p.Counts.Duplicates+p.Counts.Rejected != len(p.Messages) {
		t.Errorf("counts %+v; want %d operations", p.Counts, operations)
	}
}

// earlyMessages counts messages whose order comes later, and finds those whose order
// never comes.
func earlyMessages(t *testing.T, p *Plan) (early int) {
	t.Helper()
	sold := map[string]int{}
	for _, e := range p.Truth {
		sold[e.Source+" "+e.BusinessKey] = e.Message
	}
	for i, m := range p.Messages {
		if m.Expect.Verdict == Rejected {
			continue
		}
		a, source, _ := readAbout(t, m)
		if at, ok := sold[source+" "+a.order]; isAbout(a.typ) && !ok {
			t.Errorf("message %d: order %s never comes", i, a.order)
		} else if isAbout(a.typ) && at > i {
			early++
		}
	}
	return early
}
