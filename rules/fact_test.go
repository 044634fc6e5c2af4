package rules

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
)

// movedRules have a second rule set from 2026-11-21 on, which names another
// account for orders, and other key fields for coupons.
func movedRules(t *testing.T) *Rules {
	t.Helper()
	file := defaultRulesFile()
	coupon := RuleFile{Type: "coupon.used", Key: []string{"code"},
		Fields:     map[string]FieldFile{"code": {Type: "string", Required: true}, "line": {Type: "integer", Required: true}},
		Operations: []OperationFile{{Vendor: "zhimai", Call: "points_add", SourceType: 7, Points: PointsFile{Value: ptr(int64(5))}}}}
	file.Rules[0].Events = append(file.Rules[0].Events, coupon)
	coupon.Key = []string{"code", "line"}
	order := file.Rules[0].Events[0]
	order.Operations = slices.Clone(order.Operations)
	order.Operations[0].Vendor = "north"
	file.Rules = append(file.Rules, RuleSetFile{From: brokerTime.Add(24 * time.Hour), Events: []RuleFile{order, coupon}})
	return compiled(t, file, append(defaultAccounts(), Account{Name: "north", On: true}))
}

// later is the message as it is published again under the second rule set.
func later(m ledger.Message) ledger.Message {
	m.Seq += 100
	m.BrokerTime = m.BrokerTime.Add(48 * time.Hour)
	return m
}

func TestOneFactUnderEveryRuleSet(t *testing.T) {
	t.Parallel()
	rules := movedRules(t)
	m := structured("order.paid", paid)
	first, again := accepted(t, rules, m, nil), accepted(t, rules, later(m), nil)
	if first.Operations[0].Account != "zhimai" || again.Operations[0].Account != "north" {
		t.Fatalf("accounts %s and %s: the second set does not hold", first.Operations[0].Account, again.Operations[0].Account)
	}
	if first.FactKey != again.FactKey {
		t.Error("two facts at two accounts")
	}
	for _, pair := range [][2]*ledger.Event{{first, again}, {again, first}} {
		o := pair[1].Operations[0]
		if !slices.Contains(pair[0].OlderKeys, ledger.OperationKey{Account: o.Account, BizID: o.BizID}) {
			t.Errorf("at %s, the key at %s is not looked for", pair[0].Operations[0].Account, o.Account)
		}
	}
	coupon := structured("coupon.used", `{"code":"C-1","line":2,"member":{"customerId":"7"},"channel":"pos"}`)
	first, again = accepted(t, rules, coupon, nil), accepted(t, rules, later(coupon), nil)
	if first.FactKey == again.FactKey || !slices.Equal(again.OtherFacts, []ledger.FactKey{first.FactKey}) || !slices.Equal(first.OtherFacts, []ledger.FactKey{again.FactKey}) {
		t.Errorf("other key fields: facts %v and %v, others %v and %v", first.FactKey, again.FactKey, first.OtherFacts, again.OtherFacts)
	}
	if o := first.Operations[0]; !slices.Contains(again.OlderKeys, ledger.OperationKey{Account: o.Account, BizID: o.BizID}) {
		t.Error("the key of the fields before is not looked for")
	}
	if again.Content != first.Content || again.Operations[0].BusinessKey != "C-1/2" || again.Operations[0].BusinessDate != first.Operations[0].BusinessDate {
		t.Errorf("looking at the other shape changed the event: %+v", again)
	}
}

// What is sent again, under other rules or in another spelling, is recorded
// once, in a ledger of today and in one from before fact keys.
func TestFactsAreRecordedOnce(t *testing.T) {
	t.Parallel()
	rules := movedRules(t)
	decoded := func(m ledger.Message, header map[string][]string) ledger.Entry {
		return ledger.Entry{Message: m, Event: accepted(t, rules, m, header)}
	}
	seq := uint64(0)
	next := func(m ledger.Message) ledger.Message {
		seq++
		m.Seq = seq
		return m
	}
	body, data, header := spelled("https://shop.example/%E9%97%A8%E5%BA%97")
	lower, _, _ := spelled("https://shop.example/%e9%97%a8%e5%ba%97")
	coupon := structured("coupon.used", `{"code":"C-1","line":2,"member":{"customerId":"7"},"channel":"pos"}`)
	for name, c := range map[string]struct{ first, again []ledger.Entry }{
		"structured, then a header": {[]ledger.Entry{decoded(body, nil)}, []ledger.Entry{decoded(data, header), decoded(lower, nil)}},
		"a header, then structured": {[]ledger.Entry{decoded(data, header)}, []ledger.Entry{decoded(body, nil), decoded(lower, nil)}},
		"another account":           {[]ledger.Entry{decoded(body, nil)}, []ledger.Entry{decoded(later(body), nil), decoded(later(data), header)}},
		"back again":                {[]ledger.Entry{decoded(later(body), nil)}, []ledger.Entry{decoded(data, header)}},
		"other key fields":          {[]ledger.Entry{decoded(coupon, nil)}, []ledger.Entry{decoded(later(coupon), nil)}},
		"fewer key fields":          {[]ledger.Entry{decoded(later(coupon), nil)}, []ledger.Entry{decoded(coupon, nil)}},
	} {
		for _, older := range []bool{false, true} {
			pool, err := database.OpenWorkerPool(t.Context(), testkit.Postgres(t), 0)
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			record := func(entries []ledger.Entry, want ledger.VerdictKind) {
				for _, e := range entries { // one by one, and together
					e.Message = next(e.Message)
					verdicts, err := ledger.New(pool).Record(t.Context(), []ledger.Entry{e})
					if err != nil {
						t.Fatal(err)
					}
					if verdicts[0].Kind != want {
						t.Errorf("%s, older %v: verdict %v, want %v: %v", name, older, verdicts[0].Kind, want, verdicts[0].Rejection)
					}
				}
			}
			record(c.first, ledger.Accepted)
			if older {
				for _, sql := range []string{`ALTER TABLE operations DISABLE TRIGGER operations_insert_only`, `UPDATE operations SET fact_key = NULL, fact_leg = NULL`} {
					if _, err := pool.Exec(t.Context(), sql); err != nil {
						t.Fatal(err)
					}
				}
			}
			record(c.again, ledger.Duplicate)
			var n int
			if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM operations`).Scan(&n); err != nil || n != 1 {
				t.Errorf("%s, older %v: %d operations, want 1 (%v)", name, older, n, err)
			}
		}
	}
}

// A look-alike that an older program has granted is a duplicate when it comes
// again, and a reject only while it is new.
func TestLookAlikesThatAreRecorded(t *testing.T) {
	t.Parallel()
	rules := defaultRules(t)
	pool, err := database.OpenWorkerPool(t.Context(), testkit.Postgres(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	store := ledger.New(pool)
	entry := func(order string, seq uint64) ledger.Entry {
		m := structured("order.paid", strings.Replace(paid, "SO-1", order, 1))
		m.Seq, m.BrokerTime = seq, brokerTime.Add(time.Duration(seq)*time.Second)
		return ledger.Entry{Message: m, Event: accepted(t, rules, m, nil)}
	}
	old := entry("SO-1 ", 1)
	old.Event.OnlyIfKnown = nil
	if _, err := store.Record(t.Context(), []ledger.Entry{old}); err != nil {
		t.Fatal(err)
	}
	verdicts, err := store.Record(t.Context(), []ledger.Entry{entry("SO-1 ", 1), entry("SO-1 ", 2), entry("SO-1", 3), entry("SO-1  ", 4)})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []ledger.VerdictKind{ledger.Duplicate, ledger.Duplicate, ledger.Accepted, ledger.Rejected} {
		if verdicts[i].Kind != want {
			t.Errorf("message %d: verdict %v %v, want %v", i, verdicts[i].Kind, verdicts[i].Rejection, want)
		}
	}
	if !verdicts[0].Redelivered || !strings.Contains(verdicts[3].Rejection.Reason, "U+0020") {
		t.Errorf("redelivered %v, reason %v", verdicts[0].Redelivered, verdicts[3].Rejection)
	}
}
