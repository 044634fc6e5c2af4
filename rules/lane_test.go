package rules

import "testing"

// The lane of a rule is that of its operations, and of no other rule's.
func TestLaneOfARule(t *testing.T) {
	t.Parallel()
	file := defaultRulesFile()
	file.Rules[0].Events[0].Lane, file.Rules[0].Events[1].Lane = "bulk", "live"
	rules := compiled(t, file, defaultAccounts())
	order := accepted(t, rules, structured("order.paid", `{"orderId":"SO-1","member":{"customerId":"1"},"channel":"pos","amountFen":1000}`), nil)
	checkIn := accepted(t, rules, structured("member.checked_in", `{"member":{"customerId":"1"},"channel":"pos","date":"2026-11-20"}`), nil)
	if !order.Operations[0].Bulk || checkIn.Operations[0].Bulk {
		t.Errorf("bulk: order %t, check-in %t", order.Operations[0].Bulk, checkIn.Operations[0].Bulk)
	}
	// It is no part of what makes the fact the same, nor of its key.
	plain := accepted(t, defaultRules(t), structured("order.paid", `{"orderId":"SO-1","member":{"customerId":"1"},"channel":"pos","amountFen":1000}`), nil)
	if plain.Operations[0].BizID != order.Operations[0].BizID || plain.Content != order.Content || plain.Operations[0].Bulk {
		t.Errorf("with a lane %+v, without %+v", order, plain)
	}
}
