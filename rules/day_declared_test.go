package rules

import (
	"reflect"
	"strings"
	"testing"

	"pointsledger/ledger"
)

const declared = `{"day":"2026-11-19","orders":3,"amountFen":29900}`

// A day that is declared needs no rule, makes no operation, and says whose orders it means.
func TestDayDeclared(t *testing.T) {
	t.Parallel()
	rules := defaultRules(t)
	for data, want := range map[string]ledger.Declaration{
		declared: {Source: "shop-sh", SourceKey: "shop-sh", Spellings: []string{"shop-sh"}, Day: "2026-11-19", Orders: 3, AmountFen: 29900},
		`{"day":"2026-11-20","orders":0,"amountFen":0,"source":"%e9%97%a8","shopCode":"SH-01"}`: {Source: "%e9%97%a8", SourceKey: "门",
			Spellings: []string{"%e9%97%a8", "门", "%E9%97%A8"}, ShopCode: "SH-01", Day: "2026-11-20"},
	} {
		event := accepted(t, rules, structured("day.declared", data), nil)
		if !reflect.DeepEqual(*event.Declares, want) || event.Operations != nil || event.Refers != nil || event.OnlyIfKnown != nil {
			t.Errorf("%s: %+v %+v", data, event, event.Declares)
		}
		if event.FactKey != ledger.NewFactKey("shop-sh", "day.declared", "e1") {
			t.Errorf("%s: its fact is not the event's own", data)
		}
	}
	m := structured("day.declared", declared)
	if x, rejection := rules.Explain(m, nil); rejection != nil || x.Event.Declares == nil || len(x.Keys) != 0 {
		t.Errorf("explained %+v %v", x, rejection)
	}
	if again := accepted(t, rules, structured("day.declared", strings.Replace(declared, "{", `{"x":1,"shopCode":null,`, 1)), nil); again.Content != accepted(t, rules, m, nil).Content {
		t.Errorf("content %s", again.Content)
	}
	for data, want := range map[string]string{
		`{"orders":3,"amountFen":29900}`:                      "missing_field: data.day: want a date as \"YYYY-MM-DD\", it is missing",
		`{"day":"2026-11-19","amountFen":29900}`:              "missing_field: data.orders: want an integer of at least 0, it is missing",
		`{"day":"2026-11-19","orders":3}`:                     "missing_field: data.amountFen: want an integer in fen of at least 0",
		strings.Replace(declared, "3,", "-3,", 1):             "out_of_range: data.orders: want an integer of at least 0, got -3",
		strings.Replace(declared, "29900", "299.00", 1):       "bad_type: data.amountFen: want an integer in fen, got 299.00: write it without a fraction",
		strings.Replace(declared, "11-19", "11-31", 1):        "bad_type: data.day: want a date",
		strings.Replace(declared, "11-19", "11-22", 1):        "clock: data.day: 2026-11-22 is more than a day after the broker's date 2026-11-20",
		strings.Replace(declared, "2026", "2024", 1):          "clock: data.day: 2024-11-19 is more than 400 days before",
		strings.Replace(declared, "{", `{"password":"x",`, 1): "bad_type: data.password",
	} {
		if d := rejected(t, rules, structured("day.declared", data), nil); !strings.Contains(d.Rejection.Error(), want) {
			t.Errorf("%s: %v, want %s", data, d.Rejection, want)
		}
	}
	for data, want := range map[string]string{`"source":"shop-sh "`: "data.source: want a text that cannot be taken for another", `"shopCode":"ＳH"`: "data.shopCode: want"} {
		event := accepted(t, rules, structured("day.declared", strings.Replace(declared, "{", "{"+data+",", 1)), nil)
		if event.OnlyIfKnown == nil || !strings.Contains(event.OnlyIfKnown.Reason, want) {
			t.Errorf("%s: %v", data, event.OnlyIfKnown)
		}
	}
}

// A file that has the type keeps it as it was.
func TestDayDeclaredByTheFile(t *testing.T) {
	t.Parallel()
	own, ignored, refused := defaultRulesFile(), defaultRulesFile(), defaultRulesFile()
	own.Rules[0].Events = append(own.Rules[0].Events, RuleFile{Type: "day.declared", Key: []string{"day"}, Fields: map[string]FieldFile{"day": {Type: "string", Required: true}},
		Operations: []OperationFile{{Vendor: "zhimai", Call: "points_add", SourceType: 7, Points: PointsFile{Value: ptr(int64(1))}}}})
	ignored.Ignore = append(ignored.Ignore, "day.declared")
	refused.NoVendorCall = map[string]string{"day.declared": "no"}
	if event := accepted(t, compiled(t, own, defaultAccounts()), structured("day.declared", `{"day":"x","member":{"customerId":"1"},"channel":1}`), nil); event.Declares != nil || len(event.Operations) != 1 {
		t.Errorf("%+v", event)
	}
	if d := compiled(t, ignored, defaultAccounts()).Decode(structured("day.declared", declared), nil); !d.Ignored {
		t.Errorf("%+v", d)
	}
	if d := rejected(t, compiled(t, refused, defaultAccounts()), structured("day.declared", declared), nil); d.Rejection.Code != ledger.NoVendorCall {
		t.Errorf("%+v", d)
	}
}
