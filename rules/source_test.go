package rules

import (
	"fmt"
	"testing"

	"pointsledger/ledger"
)

// spelled is the order of one source, structured, and binary with the header as
// given.
func spelled(source string) (structuredTwin, binaryTwin ledger.Message, header map[string][]string) {
	structuredTwin = message("order.paid", fmt.Sprintf(`{"specversion":"1.0","id":"e1","source":%q,"type":"order.paid","data":%s}`, source, paid))
	return structuredTwin, message("order.paid", paid), with(binaryHeader(), "ce-source", source)
}

// All spellings of a source are one fact, in either mode.
func TestSourceIsOneFactInEverySpelling(t *testing.T) {
	t.Parallel()
	rules := defaultRules(t)
	for _, spellings := range [][]string{
		{"https://shop.example/%E9%97%A8%E5%BA%97", "https://shop.example/%e9%97%a8%e5%ba%97", "https://shop.example/门店", "https://shop.example/门%E5%BA%97",
			"https://shop.example/%25E9%2597%25A8%25E5%25BA%2597", "https://shop.example/%25e9%2597%25a8%25e5%25ba%2597"},
		{"100%off", "100%25off", "100%2525off"},
		{"shop%2Fsh", "shop/sh", "shop%2fsh"},
		{"shop%20sh", "shop sh"},
		{"https://shop.example/%C9%CF", "https://shop.example/%c9%cf", "https://shop.example/%25C9%25CF"},
		{"100%", "100%25"},
		{"%zz%41", "%25zzA"},
	} {
		facts := map[ledger.FactKey][]string{}
		for _, spelling := range spellings {
			body, data, header := spelled(spelling)
			event := accepted(t, rules, body, nil)
			facts[event.FactKey] = append(facts[event.FactKey], spelling)
			event = accepted(t, rules, data, header)
			facts[event.FactKey] = append(facts[event.FactKey], "header "+spelling)
		}
		if len(facts) != 1 {
			t.Errorf("%d facts: %q", len(facts), facts)
		}
	}
	one, _, _ := spelled("shop-sh")
	other, _, _ := spelled("shop-bj")
	if accepted(t, rules, one, nil).FactKey == accepted(t, rules, other, nil).FactKey {
		t.Error("two sources are one fact")
	}
}

// Dedup keys are made of the source as it always was: vendors and old ledgers
// know them. The expected values were computed with Python's hashlib and base64.
func TestKeysOfSpelledSources(t *testing.T) {
	t.Parallel()
	rules := defaultRules(t)
	for source, want := range map[string][2]string{
		"shop-sh":                 {"pajwgi7fm3svrndg2zioa45cgmpi", "pajwgi7fm3svrndg2zioa45cgmpi"},
		"https://shop.example/门店": {"pajcoe6g5tmgnwoqyfii34wf2bj4", "pajcoe6g5tmgnwoqyfii34wf2bj4"},
		"https://shop.example/%E9%97%A8%E5%BA%97": {"pala3f2zcyk7eu7q3lostnuskgvg", "pajcoe6g5tmgnwoqyfii34wf2bj4"},
		"100%off": {"pakgvuon5rpj3br5v5ksm2723aq6", "pakgvuon5rpj3br5v5ksm2723aq6"}, // was refused in a header
	} {
		body, data, header := spelled(source)
		if got := string(accepted(t, rules, body, nil).Operations[0].BizID); got != want[0] {
			t.Errorf("%s: key %s, want %s", source, got, want[0])
		}
		if got := string(accepted(t, rules, data, header).Operations[0].BizID); got != want[1] {
			t.Errorf("header %s: key %s, want %s", source, got, want[1])
		}
	}
}

// A row from before fact keys is looked for in the spellings that are usual.
func TestOlderKeysOfSpelledSources(t *testing.T) {
	t.Parallel()
	rules := defaultRules(t)
	keys := func(m ledger.Message, header map[string][]string) map[ledger.OperationKey]bool {
		event := accepted(t, rules, m, header)
		found := map[ledger.OperationKey]bool{{Account: "zhimai", BizID: event.Operations[0].BizID}: true}
		for _, key := range event.OlderKeys {
			found[key] = true
		}
		return found
	}
	spellings := []string{"https://shop.example/%E9%97%A8%E5%BA%97", "https://shop.example/%e9%97%a8%e5%ba%97", "https://shop.example/门店"}
	for _, spelling := range spellings {
		body, data, header := spelled(spelling)
		for _, found := range []map[ledger.OperationKey]bool{keys(body, nil), keys(data, header)} {
			for _, before := range spellings {
				if id := ledger.NewBizID("pa", "zhimai", before, "order.paid", "SO-1"); !found[ledger.OperationKey{Account: "zhimai", BizID: id}] {
					t.Errorf("%s: the key of %s is not looked for", spelling, before)
				}
			}
		}
	}
	body, _, _ := spelled("shop-sh")
	if event := accepted(t, rules, body, nil); event.OlderKeys != nil || event.OtherFacts != nil {
		t.Errorf("a plain source has further keys: %v %v", event.OlderKeys, event.OtherFacts)
	}
}
