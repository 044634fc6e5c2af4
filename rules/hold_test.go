package rules

import (
	"strings"
	"testing"
	"time"
)

// An operation is held from the event's own time on, whatever a publisher says that
// time was.
func TestHold(t *testing.T) {
	t.Parallel()
	at := func(offset time.Duration) string { return brokerTime.Add(offset).Format(time.RFC3339) }
	for _, tc := range []struct {
		hold any
		time string // of the event; empty: it has none
		want time.Time
	}{
		{nil, at(0), time.Time{}},
		{0, at(0), time.Time{}},
		{"0s", at(0), time.Time{}},
		{"7d", at(0), brokerTime.Add(7 * 24 * time.Hour)},
		{"1d12h", at(0), brokerTime.Add(36 * time.Hour)},
		{"90m", at(0), brokerTime.Add(90 * time.Minute)},
		{"400d", at(0), brokerTime.Add(400 * 24 * time.Hour)},
		{"7d", "", brokerTime.Add(7 * 24 * time.Hour)},
		{"7d", at(-3 * 24 * time.Hour), brokerTime.Add(4 * 24 * time.Hour)},
		{"7d", at(-7*24*time.Hour + time.Second), brokerTime.Add(time.Second)},
		{"7d", at(-7 * 24 * time.Hour), time.Time{}},
		{"7d", at(-399 * 24 * time.Hour), time.Time{}},
		{"7d", at(10 * time.Minute), brokerTime.Add(7*24*time.Hour + 10*time.Minute)},
	} {
		file := defaultRulesFile()
		file.Rules[0].Events[0].Operations[0].Hold = tc.hold
		rules := compiled(t, file, defaultAccounts())
		stamp := ""
		if tc.time != "" {
			stamp = `"time":"` + tc.time + `",`
		}
		m := message("order.paid", `{"specversion":"1.0","id":"e1","source":"shop-sh","type":"order.paid",`+stamp+`"data":`+paid+`}`)
		event := accepted(t, rules, m, nil)
		if got := event.Operations[0].HeldUntil; !got.Equal(tc.want) {
			t.Errorf("hold %v of an event at %q: held until %s, want %s", tc.hold, tc.time, got, tc.want)
		}
		if len(event.Operations) > 1 && !event.Operations[1].HeldUntil.IsZero() {
			t.Error("the freeze beside it is held too")
		}
		if before := accepted(t, defaultRules(t), m, nil); before.FactKey != event.FactKey || before.Operations[0].BizID != event.Operations[0].BizID {
			t.Error("the hold is a part of the key")
		}
	}
	file := defaultRulesFile()
	file.Rules[0].Events[0].Operations[0].Hold = "7d"
	nobody := accepted(t, compiled(t, file, defaultAccounts()), structured("order.paid", `{"orderId":"SO-1","member":null,"channel":"pos","amountFen":100}`), nil)
	if o := nobody.Operations[0]; o.Points != 0 || !o.HeldUntil.IsZero() {
		t.Errorf("what has nothing to send is held: %+v", o)
	}
}

func TestHoldThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, hold := range []any{7, "7", "d", "1.5d", "-1d", "1d-1h", "1d+1h", "401d", "400d1s", "9601h", "-1h", "tomorrow", "", true, "70000d", "400d99999999h"} {
		file := defaultRulesFile()
		file.Rules[0].Events[0].Operations[0].Hold = hold
		_, err := Compile(file, "v1", defaultAccounts())
		if err == nil || !strings.Contains(err.Error(), "rules[0].events[0].operations[0].hold: want how long after the event it may be sent, at most 400d, such as 7d") {
			t.Errorf("hold %v: got %v", hold, err)
		}
	}
}
