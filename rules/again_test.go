package rules

import (
	"encoding/json"
	"strings"
	"testing"

	"pointsledger/ledger"
	"pointsledger/rules/cloudevent"
)

func always(string) bool { return true }

// What was stored is read as it was when it came: header lines written and
// parsed again give the same event.
func TestAgainReadsStoredMessages(t *testing.T) {
	t.Parallel()
	rules := defaultRules(t)
	header := with(with(binaryHeader(), "X-Note", "a: b", "second"), "ce-source", "%E9%97%A8%E5%BA%97")
	m := message("order.paid", paid)
	want := accepted(t, rules, m, header)
	m.Header = cloudevent.HeaderLines(header)
	if got := cloudevent.ParseHeaderLines(m.Header)["X-Note"]; len(got) != 2 || got[0] != "a: b" || got[1] != "second" {
		t.Errorf("header values %q", got)
	}
	entry, ignored := rules.Again(m, always)
	if ignored || entry.Event == nil || entry.Event.Content != want.Content || entry.Event.Source != "门店" ||
		entry.Event.Operations[0] != want.Operations[0] && entry.Event.Operations[0].BizID != want.Operations[0].BizID {
		t.Fatalf("got %+v, want %+v", entry, want)
	}
	if _, ignored := rules.Again(structured("order.created", "{}"), always); !ignored {
		t.Error("a type that is ignored is not")
	}
	broken, _ := rules.Again(structured("order.paid", strings.Replace(paid, "orderId", "order_id", 1)), always)
	if broken.Rejection == nil || broken.Rejection.Code != ledger.MissingField || broken.Type != "order.paid" {
		t.Errorf("got %+v", broken)
	}
}

// Accounts that are off reject, wherever the rules were compiled; a masked
// password in a declared field does, too.
func TestAgainRefuses(t *testing.T) {
	t.Parallel()
	accounts := defaultAccounts()
	accounts[0].On = false
	rules := compiled(t, defaultRulesFile(), accounts)
	m := structured("order.paid", paid)
	if entry, _ := rules.Again(m, always); entry.Event == nil {
		t.Errorf("refused: %v", entry.Rejection)
	}
	entry, _ := rules.Again(m, func(account string) bool { return account != "zhimai" })
	if entry.Rejection == nil || entry.Rejection.Code != ledger.VendorNotConfigured {
		t.Errorf("got %+v", entry)
	}
	masked := structured("order.paid", strings.Replace(paid, `"SO-1"`, `"***"`, 1))
	if !strings.Contains(string(masked.Payload), "***") {
		t.Fatal("the fixture's order number is another")
	}
	if entry, _ := rules.Again(masked, always); entry.Rejection == nil || entry.Rejection.Code != ledger.BadType {
		t.Errorf("a masked value counts: %+v", entry)
	}
}

// A line is the event that came: the rules make the same of it.
func TestLine(t *testing.T) {
	t.Parallel()
	rules := defaultRules(t)
	want := accepted(t, rules, message("order.paid", paid), binaryHeader())
	binary := message("order.paid", paid)
	binary.Header = cloudevent.HeaderLines(binaryHeader())
	pretty := structured("order.paid", paid)
	pretty.Payload = []byte("\xef\xbb\xbf" + strings.ReplaceAll(string(pretty.Payload), ",", ",\r\n  "))
	for name, m := range map[string]ledger.Message{"binary": binary, "structured": pretty} {
		line, why := cloudevent.Line(m)
		if why != "" || !json.Valid(line) || strings.ContainsAny(string(line), "\r\n") {
			t.Fatalf("%s: %q, %s", name, why, line)
		}
		m.Payload, m.Header = line, nil
		if got := accepted(t, rules, m, nil); got.Content != want.Content || got.Operations[0].BizID != want.Operations[0].BizID {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	for payload, want := range map[string]string{"{": "not JSON", "": "not JSON", "[1]": "not a JSON object", "\xc4\xe3": "not UTF-8",
		`{"a":"` + strings.Repeat("x", 1<<20) + `"}`: "longer than 1 MiB"} {
		if line, why := cloudevent.Line(ledger.Message{Payload: []byte(payload)}); why != want || line != nil {
			t.Errorf("%.20s: got %q, want %q", payload, why, want)
		}
	}
	most := `{"a":"` + strings.Repeat("x", 1<<20-1-8) + `"}`
	if line, why := cloudevent.Line(ledger.Message{Payload: []byte(most)}); why != "" || len(line) != 1<<20-1 {
		t.Errorf("the longest line: %q, %d bytes", why, len(line))
	}
	doubled := with(binaryHeader(), "ce-id", "a", "b")
	binary.Header = cloudevent.HeaderLines(doubled)
	if _, why := cloudevent.Line(binary); why == "" {
		t.Error("a header that is there twice makes a line")
	}
}
