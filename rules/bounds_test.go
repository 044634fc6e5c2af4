package rules

import (
	"strings"
	"testing"

	"pointsledger/ledger"
)

// With sources, the subject says whose events these are; without, nothing is
// checked, whatever stands behind the type.
func TestSourcesBindPublishers(t *testing.T) {
	t.Parallel()
	file := defaultRulesFile()
	on := func(subject, source string) ledger.Message {
		m := message("order.paid", `{"specversion":"1.0","id":"e1","source":"`+source+`","type":"order.paid","time":"2026-11-20T12:00:00+08:00","data":`+paid+`}`)
		m.Subject = subject
		return m
	}
	accepted(t, compiled(t, file, defaultAccounts()), on("points.events.order.paid.anything", "shop-sh"), nil)
	file.Sources = map[string]string{"sh": "shop-sh", "door": "门店"}
	bound := compiled(t, file, defaultAccounts())
	for subject, source := range map[string]string{"points.events.order.paid.sh": "shop-sh", "points.events.order.paid.east.sh": "shop-sh", "points.events.order.paid.door": "%E9%97%A8%E5%BA%97", "": "shop-bj"} {
		accepted(t, bound, on(subject, source), nil)
	}
	for _, tc := range []struct{ subject, source, words string }{
		{"points.events.order.paid", "shop-sh", "ends with the type: want a token of sources behind it (points.events.order.paid.<token>)"},
		{"points.events.order.paid.bj", "shop-sh", `last token "bj" is not in sources`},
		{"points.events.order.paid.sh", "shop-bj", `source: "shop-bj" may not be said on a subject that ends in "sh", which is for "shop-sh"`},
		{"points.events.order.paid.sh.", "shop-sh", "want a token of sources"},
	} {
		d := rejected(t, bound, on(tc.subject, tc.source), nil)
		if d.Rejection.Code != ledger.SubjectMismatch || !strings.Contains(d.Rejection.Reason, tc.words) {
			t.Errorf("%s, %s: %v", tc.subject, tc.source, d.Rejection)
		}
	}
}

// What an event may say itself is bounded by its rule.
func TestOverrideHasAMaximum(t *testing.T) {
	t.Parallel()
	file := defaultRulesFile()
	file.Rules[0].Events[0].Operations[0].Points.Override.Max = 500
	rules := compiled(t, file, defaultAccounts())
	if o := accepted(t, rules, orderWith(`{`, `{"points":500,`), nil).Operations[0]; o.Points != 500 {
		t.Errorf("%d points", o.Points)
	}
	d := rejected(t, rules, orderWith(`{`, `{"points":501,`), nil)
	if d.Rejection.Code != ledger.OverLimit || !strings.Contains(d.Rejection.Reason, "data.points: says 501 points, and an event may say at most 500 here") {
		t.Errorf("got %v", d.Rejection)
	}
}

// A check-in of a day that is too far back is refused, unless it is known: sent
// once more, what was recorded in time is a duplicate.
func TestDaysBack(t *testing.T) {
	t.Parallel()
	file := defaultRulesFile()
	file.Rules[0].Events[1].MaxDaysBack = 3
	rules := compiled(t, file, defaultAccounts())
	checkIn := func(date string) ledger.Message {
		return structured("member.checked_in", `{"member":{"customerId":"1"},"channel":"pos","date":"`+date+`"}`)
	}
	for _, date := range []string{"2026-11-20", "2026-11-17", "2026-11-21"} {
		if event := accepted(t, rules, checkIn(date), nil); event.OnlyIfKnown != nil {
			t.Errorf("%s: %v", date, event.OnlyIfKnown)
		}
	}
	event := accepted(t, rules, checkIn("2026-11-16"), nil)
	if r := event.OnlyIfKnown; r == nil || r.Code != ledger.Clock || !strings.Contains(r.Reason, "2026-11-16 is more than 3 days before the broker's date 2026-11-20 (max_days_back of the rule of member.checked_in)") {
		t.Errorf("got %v", r)
	}
	if unbounded := accepted(t, defaultRules(t), checkIn("2026-01-01"), nil); unbounded.OnlyIfKnown != nil || unbounded.FactKey == event.FactKey {
		t.Errorf("without a bound: %+v", unbounded)
	}
}
