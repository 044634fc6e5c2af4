package rules

import (
	"strings"
	"testing"
)

// Every rule that cannot refer to anything names its place, what is wrong, and what to
// write.
func TestReferencesThatCannotBe(t *testing.T) {
	t.Parallel()
	const refund, cancel, complete, drop = 5, 6, 7, 8
	at := func(f *RulesFile, i int) *RuleFile { return &f.Rules[0].Events[i] }
	for _, tc := range []struct {
		want   string
		change func(f *RulesFile)
	}{
		{`rules[0].events[5].reverses.type: want a type that has a rule with operations in this file (lottery.won, member.checked_in, order.paid, order.placed, review.posted), got "order.payed"`, func(f *RulesFile) { at(f, refund).Reverses.Type = "order.payed" }},
		{`rules[0].events[5].reverses.type: want a type that has a rule`, func(f *RulesFile) { at(f, refund).Reverses.Type = "" }},
		{`rules[0].events[5].reverses.type: order.refunded cannot refer to itself: want the type of the event that gave the points`, func(f *RulesFile) { at(f, refund).Reverses.Type = "order.refunded" }},
		{`rules[0].events[5].reverses.type: order.cancelled refers to order.paid itself: want the type of the event that gave the points`, func(f *RulesFile) { at(f, refund).Reverses.Type = "order.cancelled" }},
		{`rules[0].events[6].reverses.type: order.refunded refers to order.cancelled itself`, func(f *RulesFile) {
			at(f, refund).Reverses.Type, at(f, cancel).Reverses.Type = "order.cancelled", "order.refunded"
		}},
		{`rules[0].events[7].consumes.type: want a type that has a rule`, func(f *RulesFile) { at(f, complete).Consumes.Type = "order.sent" }},
		{`rules[0].events[6].reverses.type: reviewId is in the key of review.posted: want it here too, by the same name: fields: {reviewId: {type: string, required: true}}`, func(f *RulesFile) { at(f, cancel).Reverses.Type = "review.posted" }},
		{`rules[0].events[8].reverses.type: line is in the key of order.placed: want it here too, by the same name: fields: {line: {type: integer, required: true}}`, func(f *RulesFile) { at(f, drop).Fields["line"] = FieldFile{Type: "string", Required: true} }},
		{`rules[0].events[8].reverses.type: line is in the key of order.placed: want it here too`, func(f *RulesFile) { at(f, drop).Fields["line"] = FieldFile{Type: "integer"} }},
		{`rules[0].events[6].reverses.type: customerId is in the key of member.checked_in, and an event that refers to another cannot name it`, func(f *RulesFile) { at(f, cancel).Reverses.Type = "member.checked_in" }},
		{`rules[0].events[5].reverses.share: want a required integer field in fen of at least 0, such as fields: {amount: {type: integer, required: true, min: 0, unit: fen}}, got "amount"`, func(f *RulesFile) { at(f, refund).Reverses.Share = "amount" }},
		{`rules[0].events[5].reverses.share: want a required integer field in fen`, func(f *RulesFile) { at(f, refund).Reverses.Share = "orderId" }},
		{`rules[0].events[8].reverses.share: want a required integer field in fen`, func(f *RulesFile) {
			at(f, drop).Fields["worthFen"] = FieldFile{Type: "integer", Min: ptr(int64(0)), Unit: "fen"}
		}},
		{`rules[0].events[8].reverses.share: want a required integer field in fen`, func(f *RulesFile) {
			at(f, drop).Fields["worthFen"] = FieldFile{Type: "integer", Required: true, Unit: "fen"}
		}},
		{`rules[0].events[8].reverses.share: want a required integer field in fen`, func(f *RulesFile) {
			at(f, drop).Fields["worthFen"] = FieldFile{Type: "integer", Required: true, Min: ptr(int64(0))}
		}},
		{`rules[0].events[8].reverses.share: order.placed has no amount of which a share could be taken back: want there amountFen`, func(f *RulesFile) { delete(at(f, 4).Fields, "amountFen") }},
		{`rules[0].events[8].reverses.share: order.placed has no amount`, func(f *RulesFile) { at(f, 4).Fields["amountFen"] = FieldFile{Type: "integer", Min: ptr(int64(0))} }},
		{`rules[0].events[8].reverses.share: order.placed has no amount`, func(f *RulesFile) { at(f, 4).Fields["amountFen"] = FieldFile{Type: "integer", Required: true} }},
		{`rules[0].events[5].consumes: want reverses or consumes, not both`, func(f *RulesFile) { at(f, refund).Consumes = &ConsumesFile{Type: "order.paid"} }},
		{`rules[0].events[5].operations: want none beside reverses: the ledger makes them`, func(f *RulesFile) { at(f, refund).Operations = at(f, 0).Operations }},
		{`rules[0].events[7].operations: want none beside consumes`, func(f *RulesFile) { at(f, complete).Operations = at(f, 0).Operations }},
		{`rules[0].events[5].operations: want at least one, or reverses or consumes`, func(f *RulesFile) { at(f, refund).Reverses = nil }},
		{`rules[0].events[5].key: the key of order.refunded is fixed: refundId; leave it out`, func(f *RulesFile) { at(f, refund).Key = []string{"orderId"} }},
		{`rules[0].events[5].fields.orderId: is declared already`, func(f *RulesFile) {
			at(f, refund).Fields = map[string]FieldFile{"orderId": {Type: "string", Required: true}}
		}},
		{`rules[0].events[8].fields.orderSource: is declared already`, func(f *RulesFile) { at(f, drop).Fields["orderSource"] = FieldFile{Type: "string"} }},
		{`rules[0].events[5].lane: what takes back goes in the live lane; leave it out`, func(f *RulesFile) { at(f, refund).Lane = "bulk" }},
		{`rules[0].events[5].else: belongs to a rule with operations`, func(f *RulesFile) { at(f, refund).Else = "nothing" }},
		{`rules[0].events[8].member: an event that refers to another names no member`, func(f *RulesFile) { at(f, drop).Member = "known" }},
		{`rules[0].events[8].key: want the fields that identify`, func(f *RulesFile) { at(f, drop).Key = nil }},
		{`rules[0].events[5].reason: {nothing}: want {key} or a declared field`, func(f *RulesFile) { at(f, refund).Reason.All = "{nothing}" }},
		{`rules[0].events[5].reason.unfreeze_point: {member}: want {key} or a declared field`, func(f *RulesFile) { at(f, refund).Reason.UnfreezePoint = "{member}" }},
		{`rules[0].events[5].reason.consume_frozen: a rule with reverses makes no such operation; leave it out`, func(f *RulesFile) { at(f, refund).Reason.ConsumeFrozen = "x" }},
		{`rules[0].events[7].reason.points_deduct: a rule with consumes makes no such operation; leave it out`, func(f *RulesFile) { at(f, complete).Reason.PointsDeduct = "x" }},
		{`rules[0].events[0].reason: belongs into each operation`, func(f *RulesFile) { at(f, 0).Reason.All = "x" }},
	} {
		file := lifeRules()
		tc.change(&file)
		_, err := Compile(file, "v1", defaultAccounts())
		if err == nil {
			t.Errorf("accepted, want %s", tc.want)
			continue
		}
		found := false
		for line := range strings.SplitSeq(err.Error(), "\n") {
			found = found || strings.HasPrefix(line, tc.want)
		}
		if !found {
			t.Errorf("got  %v\nwant %s", err, tc.want)
		}
	}
}

func TestReferencesThatCanBe(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(f *RulesFile){
		"no share":                 func(f *RulesFile) { f.Rules[0].Events[5].Reverses.Share = "" },
		"the key said again":       func(f *RulesFile) { f.Rules[0].Events[5].Key = []string{"refundId"} },
		"a further field":          func(f *RulesFile) { f.Rules[0].Events[5].Fields = map[string]FieldFile{"till": {Type: "string"}} },
		"a bound on its age":       func(f *RulesFile) { f.Rules[0].Events[5].MaxDaysBack = 30 },
		"before what it refers to": func(f *RulesFile) { e := f.Rules[0].Events; e[0], e[5] = e[5], e[0] },
		"a review that is removed": func(f *RulesFile) {
			f.Rules[0].Events = append(f.Rules[0].Events, RuleFile{Type: "review.removed", Key: []string{"reviewId"}, Reverses: &ReversesFile{Type: "review.posted"},
				Fields: map[string]FieldFile{"reviewId": {Type: "string", Required: true}}})
		},
	} {
		file := lifeRules()
		change(&file)
		if _, err := Compile(file, "v1", defaultAccounts()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is ignored, or has no call, may have a rule in a later set: there the rule
// holds, and before it what was said before.
func TestIgnoredUntilThereIsARule(t *testing.T) {
	t.Parallel()
	file := lifeRules()
	before := defaultRulesFile()
	file.NoVendorCall, file.Ignore = map[string]string{"order.refunded": "no call"}, []string{"order.completed"}
	if _, err := Compile(file, "v1", defaultAccounts()); err == nil || !strings.Contains(err.Error(), "events[5].type: order.refunded is under no_vendor_call too") ||
		!strings.Contains(err.Error(), "events[7].type: order.completed is under ignore too") {
		t.Errorf("in the only set: %v", err)
	}
	second := file.Rules[0]
	second.From = brokerTime
	file.Rules = append(before.Rules, second)
	if _, err := Compile(file, "v1", defaultAccounts()); err != nil {
		t.Errorf("in a later set: %v", err)
	}
}
