package rules

import (
	"testing"
	"time"

	"pointsledger/ledger"
)

// brokerTime is when the tests' messages were stored.
var brokerTime = time.Date(2026, 11, 20, 4, 0, 0, 0, time.UTC)

func ptr[T any](v T) *T { return &v }

// defaultRulesFile is much like the rules of internal/config/default.yaml, with a
// rate for a channel, and two types that only a rule file can declare.
func defaultRulesFile() RulesFile {
	return RulesFile{
		Programme: "points", Timezone: "Asia/Shanghai",
		ChannelAliases: map[string]string{
			"douyin": "third_party", "jd": "third_party", "tmall": "third_party", "xiaohongshu": "third_party",
			"mini_program": "wechat", "app": "other", "web": "other", "offline": "pos",
		},
		Ignore:       []string{"order.created"},
		NoVendorCall: map[string]string{"order.refunded": "the vendors offer no deduct call"},
		Rules: []RuleSetFile{{From: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), Events: []RuleFile{
			{Type: "order.paid", Operations: []OperationFile{
				{Vendor: "zhimai", Call: "points_add", SourceType: 1, Points: PointsFile{
					Ratio: &RatioFile{Field: "amountFen", Points: 1, Per: 100, ByChannel: map[string]RateFile{"wechat": {2, 100}}}, Override: OverrideFile{Field: "points"},
				}},
				{Vendor: "kylin", Call: "freeze_point", When: &ConditionFile{Field: "pointsUsed", Above: ptr(int64(0))}, Points: PointsFile{Field: "pointsUsed"}},
			}},
			{Type: "member.checked_in", Operations: []OperationFile{
				{Vendor: "zhimai", Call: "points_add", SourceType: 5, Points: PointsFile{Value: ptr(int64(5)), Override: OverrideFile{Field: "points"}}},
			}},
			{Type: "review.posted", Operations: []OperationFile{
				{Vendor: "zhimai", Call: "points_add", SourceType: 11, Points: PointsFile{
					Cases: []PointsCaseFile{{When: ConditionFile{Field: "hasPhoto", Equals: true}, Value: 20}}, Value: ptr(int64(10)), Override: OverrideFile{Field: "points"},
				}},
			}},
			{
				Type: "lottery.won", Key: []string{"ticketId"}, Member: "known",
				Fields: map[string]FieldFile{
					"ticketId":    {Type: "string", Required: true, Max: ptr(int64(20))},
					"prizePoints": {Type: "integer", Required: true, Min: ptr(int64(-10)), Max: ptr(int64(1e9)), Unit: "points"},
					"vip":         {Type: "boolean"},
					"drawnOn":     {Type: "date"},
				},
				Operations: []OperationFile{{Vendor: "zhimai", Call: "points_add", SourceType: 7, Points: PointsFile{Field: "prizePoints"}, Reason: "抽奖{ticketId}积分"}},
			},
			{
				Type: "order.placed", Key: []string{"orderId", "line"}, Scope: "programme",
				Fields: map[string]FieldFile{
					"orderId":    {Type: "string", Required: true},
					"line":       {Type: "integer", Required: true, Min: ptr(int64(1))},
					"pointsUsed": {Type: "integer", Min: ptr(int64(0)), Unit: "points"},
				},
				Operations: []OperationFile{{Vendor: "kylin", Call: "freeze_point", When: &ConditionFile{Field: "pointsUsed", Above: ptr(int64(0))}, Points: PointsFile{Field: "pointsUsed"}}},
			},
		}}},
	}
}

func defaultAccounts() []Account {
	return []Account{{Name: "zhimai", On: true, ReasonMaxChars: 50}, {Name: "kylin", On: true, ReasonMaxChars: 255,
		Refuses: map[ledger.Kind]string{ledger.PointsAdd: "is a call of zhimai, but the account kylin is of kind kylin"}}}
}

func defaultRules(t testing.TB) *Rules {
	t.Helper()
	return compiled(t, defaultRulesFile(), defaultAccounts())
}

func compiled(t testing.TB, f RulesFile, accounts []Account) *Rules {
	t.Helper()
	rules, err := Compile(f, "v1", accounts)
	if err != nil {
		t.Fatalf("Compile: %v", err)
	}
	return rules
}

// structured is a message in structured mode of one type, with the data given.
func structured(typ, data string) ledger.Message {
	return message(typ, `{"specversion":"1.0","id":"e1","source":"shop-sh","type":"`+typ+`","time":"2026-11-20T12:00:00+08:00","data":`+data+`}`)
}

func message(typ, payload string) ledger.Message {
	return ledger.Message{Stream: "POINTS", Seq: 7, Subject: "points.events." + typ, BrokerTime: brokerTime, Payload: []byte(payload)}
}

// accepted decodes a message that must be accepted.
func accepted(t testing.TB, r *Rules, m ledger.Message, header map[string][]string) *ledger.Event {
	t.Helper()
	d := r.Decode(m, header)
	if d.Event == nil {
		t.Fatalf("Decode(%.300s) was not accepted: %v", m.Payload, d.Rejection)
	}
	return d.Event
}

// rejected decodes a message that must be rejected.
func rejected(t testing.TB, r *Rules, m ledger.Message, header map[string][]string) Decoded {
	t.Helper()
	d := r.Decode(m, header)
	if d.Rejection == nil {
		t.Fatalf("Decode(%.300s) was not rejected: %+v", m.Payload, d.Event)
	}
	return d
}
