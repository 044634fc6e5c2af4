package rules

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestReason(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, template, orderID string
		most                    int
		want                    string
	}{
		{"plain", "订单{orderId}积分", "SO-1", 50, "订单SO-1积分"},
		{"no field", "消费积分", "SO-1", 50, "消费积分"},
		{"every kind of field", "{channel} {amountFen} {businessDate}{shopCode}{key}", "SO-1", 100, "pos 12999 2026-11-20SO-1"},
		{"fits exactly", "{orderId}", strings.Repeat("单", 35), 50, strings.Repeat("单", 35)},
		{"one too long", "{orderId}", strings.Repeat("单", 36), 50, strings.Repeat("单", 34) + "…"},
		{"the least room", "{orderId}", "SO-1", referenceTail + 1, "…"},
		{"a longer account", "{orderId}", strings.Repeat("单", 64), 255, strings.Repeat("单", 64)},
		{"emoji", "{orderId}", "a😀b", 50, "ab"},
		{"a joined emoji", "{orderId}", "a👨‍👩‍👧❤️b", 50, "a❤b"},
		{"only emoji", "{orderId}", "😀", 50, ""},
		{"hashes", "#{orderId}#", "SH#2026112000019", 50, "-SH-2026112000019-"},
		{"turned writing", "{orderId}", "a\u202eb\u2028c\u00a0d", 50, "abcd"},
	} {
		file := defaultRulesFile()
		file.Rules[0].Events[0].Operations[0].Reason = tc.template
		accounts := defaultAccounts()
		accounts[0].ReasonMaxChars = tc.most
		event := accepted(t, compiled(t, file, accounts), orderWith("SO-1", tc.orderID), nil)
		o := event.Operations[0]
		want := strings.TrimPrefix(tc.want+" #"+o.Reference, " ")
		if o.Reason != want || utf8.RuneCountInString(o.Reason) > tc.most {
			t.Errorf("%s: got %q (%d characters), want %q", tc.name, o.Reason, utf8.RuneCountInString(o.Reason), want)
		}
		if o.BusinessKey != tc.orderID {
			t.Errorf("%s: business key %q, want %q", tc.name, o.BusinessKey, tc.orderID)
		}
	}
}

func TestReasonsWithoutTemplate(t *testing.T) {
	t.Parallel()
	rules := defaultRules(t)
	for typ, tc := range map[string]struct{ data, want string }{
		"order.placed":  {`{"orderId":"A","line":2,"member":{"memberId":"1"},"pointsUsed":1}`, "业务单A/2积分冻结 #"},
		"lottery.won":   {`{"ticketId":"T","member":{"customerId":"1"},"channel":1,"prizePoints":1}`, "抽奖T积分 #"},
		"review.posted": {`{"reviewId":"R","member":{"customerId":"1"},"channel":1}`, "评价R积分 #"},
	} {
		o := accepted(t, rules, structured(typ, tc.data), nil).Operations[0]
		if o.Reason != tc.want+o.Reference {
			t.Errorf("%s: reason %q, want %q", typ, o.Reason, tc.want+o.Reference)
		}
	}
}
