package rules

import (
	"reflect"
	"testing"

	"pointsledger/ledger"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	file := defaultRulesFile()
	rules := compiled(t, file, defaultAccounts())
	m := orderWith("{", `{"pointsUsed":5,`)
	m.Payload = []byte(`{"specversion":"1.0","id":"e1","source":"shop-sh","type":"order.paid","data":{"orderId":"SO-1","member":{"customerId":"1","memberId":"m"},"channel":"pos","amountFen":100,"pointsUsed":5}}`)
	m.Subject = ""
	got, rejection := rules.Explain(m, nil)
	if rejection != nil {
		t.Fatal(rejection)
	}
	if !got.RulesFrom.Equal(file.Rules[0].From) || got.Binary || got.Ignored || len(got.Event.Operations) != 2 {
		t.Errorf("got %+v", got)
	}
	want := []KeyExplanation{
		{"pa", []KeyPart{{"account", "zhimai"}, {"scope (source)", "shop-sh"}, {"type", "order.paid"}, {"orderId", "SO-1"}, {"leg", "pa"}}},
		{"fz", []KeyPart{{"account", "kylin"}, {"scope (source)", "shop-sh"}, {"type", "order.paid"}, {"orderId", "SO-1"}, {"leg", "fz"}}},
	}
	if !reflect.DeepEqual(got.Keys, want) {
		t.Errorf("keys %+v\nwant %+v", got.Keys, want)
	}
	for i, key := range got.Keys {
		var parts []string
		for _, part := range key.Parts[:len(key.Parts)-1] {
			parts = append(parts, part.Value)
		}
		if id := ledger.NewBizID(key.Leg, parts...); id != got.Event.Operations[i].BizID {
			t.Errorf("the parts shown give %s, the operation has %s", id, got.Event.Operations[i].BizID)
		}
	}
	checkIn, rejection := rules.Explain(structured("member.checked_in", `{"member":{"customerId":"1"},"channel":1}`), nil)
	if rejection != nil || checkIn.Keys[0].Parts[1] != (KeyPart{"scope (programme)", "points"}) || checkIn.Keys[0].Parts[4] != (KeyPart{"date", "2026-11-20"}) {
		t.Errorf("check-in %+v, %v", checkIn, rejection)
	}
	if ignored, rejection := rules.Explain(structured("order.created", `{}`), nil); rejection != nil || !ignored.Ignored || ignored.Event != nil {
		t.Errorf("ignored %+v, %v", ignored, rejection)
	}
	if _, rejection := rules.Explain(message("order.paid", "x"), nil); rejection == nil || rejection.Code != ledger.NotJSON {
		t.Errorf("rejection %v", rejection)
	}
}
