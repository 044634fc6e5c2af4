package rules

import (
	"bytes"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"pointsledger/ledger"
)

// brands is the default file with two further accounts, and sales that go to one
// of three.
func brands(t *testing.T, choice *AccountFile) *Rules {
	t.Helper()
	file := defaultRulesFile()
	sale := &file.Rules[0].Events[0].Operations[0]
	sale.Vendor, sale.Account = "", choice
	accounts := append(defaultAccounts(), Account{Name: "north", On: true}, Account{Name: "south"})
	return compiled(t, file, accounts)
}

// One deployment serves several brands: the account is chosen by the source, in
// whichever spelling, or by a field; what the map does not know is a reject that
// names the map, and never a sale of which nothing is sent.
func TestAccountIsChosenByTheEvent(t *testing.T) {
	t.Parallel()
	from := func(source string) ledger.Message {
		return message("order.paid", `{"specversion":"1.0","id":"e1","source":"`+source+`","type":"order.paid","time":"2026-11-20T12:00:00+08:00","data":`+paid+`}`)
	}
	bySource := brands(t, &AccountFile{By: "source", Of: map[string]string{"shop-sh": "zhimai", "门店": "north", "closed": "south"}})
	for source, account := range map[string]string{"shop-sh": "zhimai", "门店": "north", "%E9%97%A8%E5%BA%97": "north"} {
		event := accepted(t, bySource, from(source), nil)
		if got := event.Operations[0].Account; got != account {
			t.Errorf("source %s: account %s, want %s", source, got, account)
		}
	}
	for source, words := range map[string]string{
		"shop-gz": `vendor_not_configured: source: "shop-gz" is not in rules[0].events[0].operations[0].account.of, and there is no default`,
		"closed":  `the account "south", which is off here`,
	} {
		if d := rejected(t, bySource, from(source), nil); !strings.Contains(d.Rejection.Error(), words) {
			t.Errorf("source %s: %v", source, d.Rejection)
		}
	}
	byShop := brands(t, &AccountFile{By: "shopCode", Of: map[string]string{"S1": "north"}})
	withShop := func(shop string) ledger.Message { return orderWith(`{`, `{"shopCode":`+shop+`,`) }
	if got := accepted(t, byShop, withShop(`"S1"`), nil).Operations[0].Account; got != "north" {
		t.Errorf("shop S1: account %s", got)
	}
	if d := rejected(t, byShop, withShop(`null`), nil); !strings.Contains(d.Rejection.Error(), "data.shopCode: is absent") {
		t.Errorf("no shop: %v", d.Rejection)
	}
	rest := brands(t, &AccountFile{By: "shopCode", Of: map[string]string{"S1": "north"}, Default: "zhimai"})
	for _, shop := range []string{`"S2"`, `null`} {
		if got := accepted(t, rest, withShop(shop), nil).Operations[0].Account; got != "zhimai" {
			t.Errorf("shop %s: account %s, want the default", shop, got)
		}
	}
}

// A chosen account makes the keys that it would make if it were named, and the
// fact is one fact whatever the choice.
func TestChosenAccountMakesTheSameKeys(t *testing.T) {
	t.Parallel()
	named := accepted(t, defaultRules(t), orderWith(`{`, `{"shopCode":"S1",`), nil)
	chosen := accepted(t, brands(t, &AccountFile{By: "shopCode", Of: map[string]string{"S1": "zhimai", "S2": "north"}}), orderWith(`{`, `{"shopCode":"S1",`), nil)
	if named.Operations[0].BizID != chosen.Operations[0].BizID || named.FactKey != chosen.FactKey {
		t.Errorf("named %s %x, chosen %s %x", named.Operations[0].BizID, named.FactKey, chosen.Operations[0].BizID, chosen.FactKey)
	}
	other := accepted(t, brands(t, &AccountFile{By: "shopCode", Of: map[string]string{"S1": "north", "S2": "zhimai"}}), orderWith(`{`, `{"shopCode":"S1",`), nil)
	if other.FactKey != named.FactKey {
		t.Error("another account makes another fact")
	}
	// A ledger from before fact keys may know the sale at any account of the map.
	known := false
	for _, key := range other.OlderKeys {
		known = known || key == ledger.OperationKey{Account: "zhimai", BizID: named.Operations[0].BizID}
	}
	if !known {
		t.Errorf("older keys %v lack that of zhimai", other.OlderKeys)
	}
}

// What no condition foresaw is heard of where the rule says so.
func TestElseReject(t *testing.T) {
	t.Parallel()
	file := defaultRulesFile()
	prize := &file.Rules[0].Events[3]
	prize.Operations[0].When = &ConditionFile{Field: "ticketId", In: []any{"A", "B"}}
	ticket := func(id string) ledger.Message {
		return structured("lottery.won", `{"member":{"customerId":"1"},"ticketId":"`+id+`","prizePoints":1,"channel":1}`)
	}
	if o := accepted(t, compiled(t, file, defaultAccounts()), ticket("C"), nil).Operations[0]; o.Points != 0 {
		t.Errorf("without else: %d points", o.Points)
	}
	prize.Else = "reject"
	rules := compiled(t, file, defaultAccounts())
	if o := accepted(t, rules, ticket("B"), nil).Operations[0]; o.Points != 1 {
		t.Errorf("B: %d points", o.Points)
	}
	if d := rejected(t, rules, ticket("C"), nil); !strings.Contains(d.Rejection.Error(), "none of their conditions holds") {
		t.Errorf("C: %v", d.Rejection)
	}
}

// The schema asks for what the map of accounts knows, as Decode does.
func TestSchemaAsksForTheChoice(t *testing.T) {
	t.Parallel()
	rules := brands(t, &AccountFile{By: "shopCode", Of: map[string]string{"S1": "north", "S2": "zhimai"}})
	schema := schemaOf(t, rules, "order.paid")
	for _, shop := range []string{`{"shopCode":"S1",`, `{"shopCode":"S3",`, `{"shopCode":null,`, `{`} {
		m := orderWith(`{`, shop)
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(m.Payload))
		if err != nil {
			t.Fatal(err)
		}
		if valid, taken := schema.Validate(document) == nil, rules.Decode(m, nil).Event != nil; valid != taken {
			t.Errorf("%s: the schema says %v, Decode %v", shop, valid, taken)
		}
	}
}
