package rules

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pointsledger/ledger"
)

// lifeRules are the rules of a shop that takes goods back, with two types of its own:
// order.placed, whose key is a text and a number in the programme, and what cancels a
// line of it.
func lifeRules() RulesFile {
	file := defaultRulesFile()
	file.NoVendorCall = nil
	placed := &file.Rules[0].Events[4]
	placed.Fields["amountFen"] = FieldFile{Type: "integer", Required: true, Min: ptr(int64(0)), Unit: "fen"}
	file.Rules[0].Events = append(file.Rules[0].Events,
		RuleFile{Type: "order.refunded", Reverses: &ReversesFile{Type: "order.paid", Share: "amountFen"}},
		RuleFile{Type: "order.cancelled", Reverses: &ReversesFile{Type: "order.paid"}},
		RuleFile{Type: "order.completed", Consumes: &ConsumesFile{Type: "order.paid"}},
		RuleFile{Type: "line.dropped", Key: []string{"dropId"}, Reverses: &ReversesFile{Type: "order.placed", Share: "worthFen"}, Reason: ReasonsFile{All: "{key}退{dropId}"},
			Fields: map[string]FieldFile{"dropId": {Type: "string", Required: true}, "orderId": {Type: "string", Required: true}, "line": {Type: "integer", Required: true},
				"worthFen": {Type: "integer", Required: true, Min: ptr(int64(0)), Unit: "fen"}}})
	return file
}

const refunded = `{"refundId":"RF-1","orderId":"SO-1","amountFen":1200}`

// saidBy is the message with another source.
func saidBy(m ledger.Message, source string) ledger.Message {
	m.Payload = []byte(strings.Replace(string(m.Payload), "shop-sh", source, 1))
	return m
}

func TestReferrals(t *testing.T) {
	t.Parallel()
	rules := compiled(t, lifeRules(), defaultAccounts())
	sale := accepted(t, rules, structured("order.paid", paid), nil)
	placed := accepted(t, rules, structured("order.placed", `{"orderId":"SO-1","line":2,"amountFen":5,"member":{"memberId":"m"}}`), nil)
	fen := func(n int64) *int64 { return &n }
	for _, tc := range []struct {
		name, typ, data string
		origin          ledger.FactKey
		want            ledger.Referral
	}{
		{"a refund", "order.refunded", refunded, sale.FactKey, ledger.Referral{Origin: "order.paid SO-1", BusinessKey: "SO-1", ShareFen: fen(1200),
			Texts: map[ledger.Kind]string{ledger.PointsDeduct: "订单SO-1退款扣回积分", ledger.UnfreezePoint: "订单SO-1退款解冻积分"}}},
		{"a refund of nothing", "order.refunded", strings.Replace(refunded, "1200", "0", 1), sale.FactKey, ledger.Referral{Origin: "order.paid SO-1", BusinessKey: "SO-1", ShareFen: fen(0),
			Texts: map[ledger.Kind]string{ledger.PointsDeduct: "订单SO-1退款扣回积分", ledger.UnfreezePoint: "订单SO-1退款解冻积分"}}},
		{"a cancellation", "order.cancelled", `{"orderId":"SO-1"}`, sale.FactKey, ledger.Referral{Origin: "order.paid SO-1", BusinessKey: "SO-1",
			Texts: map[ledger.Kind]string{ledger.PointsDeduct: "订单SO-1取消扣回积分", ledger.UnfreezePoint: "订单SO-1取消解冻积分"}}},
		{"a completion", "order.completed", `{"orderId":"SO-1","member":{"customerId":"8"}}`, sale.FactKey, ledger.Referral{Origin: "order.paid SO-1", BusinessKey: "SO-1", Consumes: true,
			Texts: map[ledger.Kind]string{ledger.ConsumeFrozen: "订单SO-1完成核销积分"}}},
		{"a type of one's own", "line.dropped", `{"dropId":"D-1","orderId":"SO-1","line":2,"worthFen":7}`, placed.FactKey, ledger.Referral{Origin: "order.placed SO-1/2", BusinessKey: "SO-1/2", ShareFen: fen(7),
			Texts: map[ledger.Kind]string{ledger.PointsDeduct: "SO-1/2退D-1", ledger.UnfreezePoint: "SO-1/2退D-1"}}},
	} {
		event := accepted(t, rules, structured(tc.typ, tc.data), nil)
		got := event.Refers
		if got == nil || len(event.Operations) != 0 {
			t.Fatalf("%s: %+v", tc.name, event)
		}
		if !slices.Equal(got.Origins, []ledger.FactKey{tc.origin}) || event.FactKey == tc.origin || event.FactKey == (ledger.FactKey{}) {
			t.Errorf("%s: origins %v of the fact %v, want %v", tc.name, got.Origins, event.FactKey, tc.origin)
		}
		if got.Origin != tc.want.Origin || got.BusinessKey != tc.want.BusinessKey || got.Consumes != tc.want.Consumes ||
			got.BusinessDate != "2026-11-20" || got.MappingVersion != "v1" || (got.ShareFen == nil) != (tc.want.ShareFen == nil) {
			t.Errorf("%s: got %+v, want %+v", tc.name, got, tc.want)
		}
		if got.ShareFen != nil && *got.ShareFen != *tc.want.ShareFen {
			t.Errorf("%s: share %d, want %d", tc.name, *got.ShareFen, *tc.want.ShareFen)
		}
		if len(got.Texts) != len(tc.want.Texts) {
			t.Errorf("%s: texts %q, want %q", tc.name, got.Texts, tc.want.Texts)
		}
		for kind, want := range tc.want.Texts {
			if got.Texts[kind] != want {
				t.Errorf("%s: text of %s %q, want %q", tc.name, kind, got.Texts[kind], want)
			}
		}
	}
}

// The keys of what refers are its own: two refunds of one order are two facts, and
// one that is sent again is the same.
func TestKeysOfReferrals(t *testing.T) {
	t.Parallel()
	rules := compiled(t, lifeRules(), defaultAccounts())
	fact := func(typ, data string) ledger.FactKey { return accepted(t, rules, structured(typ, data), nil).FactKey }
	one := fact("order.refunded", refunded)
	if fact("order.refunded", strings.Replace(refunded, "RF-1", "RF-2", 1)) == one {
		t.Error("two refunds are one fact")
	}
	if fact("order.refunded", strings.Replace(refunded, "1200", "1300", 1)) != one {
		t.Error("the amount is a part of the key")
	}
	if fact("order.cancelled", `{"orderId":"SO-1"}`) == fact("order.completed", `{"orderId":"SO-1"}`) {
		t.Error("a cancellation and a completion are one fact")
	}
	hint, ok := rules.FactIn(&ledger.Reject{ID: 3, Source: "shop-sh", Type: "order.refunded", Message: structured("order.refunded", refunded)})
	if !ok || hint.Fact != one || hint.BusinessKey != "SO-1" {
		t.Errorf("a reject of it: %+v, %v", hint, ok)
	}
	if hint, ok := rules.FactIn(&ledger.Reject{ID: 3, Source: "shop-sh", Type: "order.refunded", Message: structured("order.refunded", `{"refundId":"RF-1"}`)}); ok {
		t.Errorf("without its order: %+v", hint)
	}
}

// The origin is found in whichever spelling its source is said, and under a source
// that is named.
func TestOriginsSource(t *testing.T) {
	t.Parallel()
	rules := compiled(t, lifeRules(), defaultAccounts())
	sale := func(source string) ledger.FactKey {
		return accepted(t, rules, saidBy(structured("order.paid", paid), source), nil).FactKey
	}
	named := func(source string) string { return strings.Replace(refunded, "{", `{"orderSource":"`+source+`",`, 1) }
	for _, tc := range []struct{ source, data, of string }{
		{"shop-sh", refunded, "shop-sh"},
		{"shop-sh", named("shop-bj"), "shop-bj"},
		{"shop-sh", strings.Replace(refunded, "{", `{"orderSource":null,`, 1), "shop-sh"},
		{"https://shop.example/门店", refunded, "https://shop.example/%E9%97%A8%E5%BA%97"},
		{"https://shop.example/%25E9%2597%25A8%E5%BA%97", refunded, "https://shop.example/门店"},
		{"shop-sh", named("https://shop.example/%e9%97%a8店"), "https://shop.example/门店"},
		{"shop-sh", named("门店（一）"), "门店(一)"},
	} {
		got := accepted(t, rules, saidBy(structured("order.refunded", tc.data), tc.source), nil)
		if got.OnlyIfKnown != nil || !slices.Equal(got.Refers.Origins, []ledger.FactKey{sale(tc.of)}) {
			t.Errorf("%s of %s is not about the sale of %s: %v", tc.data, tc.source, tc.of, got.OnlyIfKnown)
		}
	}
	odd := accepted(t, rules, structured("order.refunded", strings.Replace(refunded, "SO-1", "SO（1）", 1)), nil)
	if want := accepted(t, rules, structured("order.paid", strings.Replace(paid, "SO-1", "SO(1)", 1)), nil); odd.Refers.Origins[0] != want.FactKey {
		t.Error("an order number in full width is another order")
	}
	// In the programme the source is no part of the key.
	dropped := `{"dropId":"D-1","orderId":"SO-1","line":2,"worthFen":7,"orderSource":"elsewhere"}`
	placed := accepted(t, rules, structured("order.placed", `{"orderId":"SO-1","line":2,"amountFen":5,"member":{"memberId":"m"}}`), nil)
	if got := accepted(t, rules, structured("line.dropped", dropped), nil); got.Refers.Origins[0] != placed.FactKey {
		t.Error("a source keeps it from its origin in the programme")
	}
}

// A sale has another key under another rule set, and its refund looks for all of
// them.
func TestOriginsOverRuleSets(t *testing.T) {
	t.Parallel()
	file := lifeRules()
	used := RuleFile{Type: "coupon.used", Key: []string{"code"},
		Fields:     map[string]FieldFile{"code": {Type: "string", Required: true}, "line": {Type: "integer", Required: true}},
		Operations: []OperationFile{{Vendor: "zhimai", Call: "points_add", SourceType: 7, Points: PointsFile{Value: ptr(int64(5))}}}}
	returned := RuleFile{Type: "coupon.returned", Key: []string{"returnId"}, Reverses: &ReversesFile{Type: "coupon.used"},
		Fields: map[string]FieldFile{"returnId": {Type: "string", Required: true}, "code": {Type: "string", Required: true}, "line": {Type: "integer"}}}
	file.Rules[0].Events = append(file.Rules[0].Events, used)
	used.Key = []string{"line", "code"}
	programme := used
	programme.Key, programme.Scope = []string{"code"}, "programme"
	needed := returned
	needed.Fields = map[string]FieldFile{"returnId": {Type: "string", Required: true}, "code": {Type: "string", Required: true}, "line": {Type: "integer", Required: true}}
	file.Rules = append(file.Rules,
		RuleSetFile{From: brokerTime.Add(24 * time.Hour), Events: []RuleFile{used, needed}},
		RuleSetFile{From: brokerTime.Add(48 * time.Hour), Events: []RuleFile{programme, returned}},
		RuleSetFile{From: brokerTime.Add(72 * time.Hour), Events: []RuleFile{returned}})
	rules := compiled(t, file, defaultAccounts())
	at := func(days int, typ, data string) *ledger.Event {
		m := structured(typ, data)
		m.BrokerTime = brokerTime.Add(time.Duration(days) * 24 * time.Hour)
		return accepted(t, rules, m, nil)
	}
	sale := `{"code":"C-1","line":2,"member":{"customerId":"7"},"channel":"pos"}`
	byCode, byLine, inProgramme := at(0, "coupon.used", sale).FactKey, at(1, "coupon.used", sale).FactKey, at(2, "coupon.used", sale).FactKey
	for _, tc := range []struct {
		days int
		data string
		want []ledger.FactKey
		key  string
	}{
		{1, `{"returnId":"R","code":"C-1","line":2}`, []ledger.FactKey{byLine, byCode, inProgramme}, "2/C-1"},
		{2, `{"returnId":"R","code":"C-1","line":2}`, []ledger.FactKey{inProgramme, byCode, byLine}, "C-1"},
		{2, `{"returnId":"R","code":"C-1"}`, []ledger.FactKey{inProgramme, byCode}, "C-1"},
		{3, `{"returnId":"R","code":"C-1","line":2}`, []ledger.FactKey{inProgramme, byCode, byLine}, "C-1"},
	} {
		if got := at(tc.days, "coupon.returned", tc.data).Refers; !slices.Equal(got.Origins, tc.want) || got.BusinessKey != tc.key {
			t.Errorf("day %d, %s: origins %v of %s, want %v of %s", tc.days, tc.data, got.Origins, got.BusinessKey, tc.want, tc.key)
		}
	}
}

// A text of the vendor's length holds the reference behind it at every account.
func TestTextsOfReferralsFit(t *testing.T) {
	t.Parallel()
	file := lifeRules()
	last := len(file.Rules[0].Events) - 4
	file.Rules[0].Events[last].Reason = ReasonsFile{PointsDeduct: "订单{orderId}的退款{refundId}#{businessDate}", UnfreezePoint: "解冻"}
	for least, want := range map[int]string{16: "…", 20: "订单SO…", 40: "订单SO-1的退款RF-1-2026-11-20", 255: "订单SO-1的退款RF-1-2026-11-20"} {
		rules := compiled(t, file, append(defaultAccounts(), Account{Name: "narrow", ReasonMaxChars: least}, Account{Name: "usual"}))
		texts := accepted(t, rules, structured("order.refunded", refunded), nil).Refers.Texts
		if texts[ledger.PointsDeduct] != want {
			t.Errorf("at most %d characters: %q, want %q", least, texts[ledger.PointsDeduct], want)
		}
		if n := utf8.RuneCountInString(texts[ledger.PointsDeduct]) + referenceTail; n > least {
			t.Errorf("at most %d characters: %d with the reference", least, n)
		}
	}
}

func TestRejectsOfReferrals(t *testing.T) {
	t.Parallel()
	rules := compiled(t, lifeRules(), defaultAccounts())
	with := func(old, new string) string { return strings.Replace(refunded, old, new, 1) }
	for _, tc := range []struct {
		typ, data string
		code      ledger.RejectCode
		reason    string
	}{
		{"order.refunded", with(`"refundId":"RF-1",`, ""), ledger.MissingField, "data.refundId: want a string"},
		{"order.refunded", with(`"orderId":"SO-1",`, ""), ledger.MissingField, "data.orderId: want a string"},
		{"order.refunded", with(`,"amountFen":1200`, ""), ledger.MissingField, "data.amountFen: want an integer in fen"},
		{"order.refunded", with("1200", "null"), ledger.MissingField, "data.amountFen"},
		{"order.refunded", with("1200", "-1"), ledger.OutOfRange, "data.amountFen: want an integer in fen of at least 0, got -1"},
		{"order.refunded", with("1200", `"1200"`), ledger.BadType, "data.amountFen"},
		{"order.refunded", with("{", `{"orderSource":"",`), ledger.OutOfRange, "data.orderSource: want a string of 1 to 256 characters"},
		{"order.refunded", with("{", `{"businessDate":"2026-12-20",`), ledger.Clock, "data.businessDate"},
		{"order.cancelled", `{}`, ledger.MissingField, "data.orderId"},
		{"line.dropped", `{"dropId":"D","orderId":"1","worthFen":1}`, ledger.MissingField, "data.line: want an integer"},
	} {
		d := rejected(t, rules, structured(tc.typ, tc.data), nil)
		if d.Rejection.Code != tc.code || !strings.HasPrefix(d.Rejection.Reason, tc.reason) {
			t.Errorf("%s %s: %v, want %s %s", tc.typ, tc.data, d.Rejection, tc.code, tc.reason)
		}
	}
	for data, path := range map[string]string{
		with("RF-1", "RF-1 "): "data.refundId: ", with("SO-1", "SO-1\u200b"): "data.orderId: ", with("{", `{"orderSource":"shop ",`): "data.orderSource: ",
	} {
		event := accepted(t, rules, structured("order.refunded", data), nil)
		if event.OnlyIfKnown == nil || !strings.HasPrefix(event.OnlyIfKnown.Reason, path) {
			t.Errorf("%s: %v, want a reject of %s", data, event.OnlyIfKnown, path)
		}
	}
}

// A refund that was rejected because there was no call for it is mapped again by the
// rule that came later; read again from the stream, it stays what it was.
func TestRejectsFromBeforeTheRule(t *testing.T) {
	t.Parallel()
	before := defaultRulesFile()
	after := lifeRules()
	after.Rules = append(before.Rules, RuleSetFile{From: brokerTime.Add(time.Hour), Events: after.Rules[0].Events})
	after.NoVendorCall = before.NoVendorCall
	after.Ignore = []string{"order.completed"}
	rules := compiled(t, after, defaultAccounts())
	on := func(string) bool { return true }
	m := structured("order.refunded", refunded)
	if d := rejected(t, rules, m, nil); d.Rejection.Code != ledger.NoVendorCall {
		t.Errorf("read again: %v", d.Rejection)
	}
	entry, ignored := rules.Again(m, on)
	if ignored || entry.Event == nil || entry.Event.Refers == nil || entry.Event.Refers.Origin != "order.paid SO-1" {
		t.Errorf("mapped once more: %+v", entry)
	}
	if event := accepted(t, rules, later(m), nil); event.FactKey != entry.Event.FactKey || event.Content != entry.Event.Content {
		t.Error("published again it is another fact, or contradicts itself")
	}
	if d := rules.Decode(structured("order.completed", `{"orderId":"SO-1"}`), nil); !d.Ignored {
		t.Errorf("a completion of before: %+v", d)
	}
	if event := accepted(t, rules, later(structured("order.completed", `{"orderId":"SO-1"}`)), nil); event.Refers == nil || !event.Refers.Consumes {
		t.Errorf("a completion of today: %+v", event)
	}
	// What no later rule refers with stays a reject.
	old := compiled(t, before, defaultAccounts())
	if entry, _ := old.Again(m, on); entry.Rejection == nil || entry.Rejection.Code != ledger.NoVendorCall {
		t.Errorf("without a rule: %+v", entry)
	}
}

// A file that declared such a type itself, before it was built in, goes on as it was.
func TestTypesOfOnesOwnKeepTheirNames(t *testing.T) {
	t.Parallel()
	file := defaultRulesFile()
	file.NoVendorCall = nil
	file.Rules[0].Events = append(file.Rules[0].Events, RuleFile{Type: "order.completed", Key: []string{"no"},
		Fields:     map[string]FieldFile{"no": {Type: "string", Required: true}},
		Operations: []OperationFile{{Vendor: "zhimai", Call: "points_add", SourceType: 1, Points: PointsFile{Value: ptr(int64(3))}}}})
	event := accepted(t, compiled(t, file, defaultAccounts()), structured("order.completed", `{"no":"N-1","member":{"customerId":"7"},"channel":"pos"}`), nil)
	if event.Refers != nil || len(event.Operations) != 1 || event.Operations[0].BizID != ledger.NewBizID("pa", "zhimai", "shop-sh", "order.completed", "N-1") || event.Operations[0].Points != 3 {
		t.Errorf("got %+v", event)
	}
}

func TestExplainOrigin(t *testing.T) {
	t.Parallel()
	rules := compiled(t, lifeRules(), defaultAccounts())
	x, rejection := rules.Explain(structured("order.refunded", refunded), nil)
	if rejection != nil || x.Origin == nil {
		t.Fatalf("%+v, %v", x, rejection)
	}
	values := make([]string, len(x.Origin.Parts))
	for i, part := range x.Origin.Parts {
		values[i] = part.Value
	}
	if x.Origin.Share != "amountFen" || x.Origin.Type != "order.paid" || ledger.NewFactKey(values...) != x.Event.Refers.Origins[0] {
		t.Errorf("the parts %v do not give the origin %v", x.Origin, x.Event.Refers.Origins)
	}
	if x, _ := rules.Explain(structured("order.paid", paid), nil); x.Origin != nil {
		t.Errorf("a sale refers to %v", x.Origin)
	}
}
