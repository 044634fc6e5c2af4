package rules

import (
	"fmt"
	"strings"
	"testing"

	"pointsledger/ledger"
)

// A key of many long fields does not fit into an index of the ledger: such an
// event is a reject that says so, up to the limit it is accepted.
func TestLongKeys(t *testing.T) {
	t.Parallel()
	file, fields, names := defaultRulesFile(), map[string]FieldFile{}, []string{}
	for i := range 14 {
		name := fmt.Sprintf("part%02d", i)
		fields[name], names = FieldFile{Type: "string", Required: true}, append(names, name)
	}
	file.Rules[0].Events = append(file.Rules[0].Events, RuleFile{Type: "gift.given", Key: names, Fields: fields, Member: "known",
		Operations: []OperationFile{{Vendor: "zhimai", Call: "points_add", SourceType: 7, Points: PointsFile{Value: ptr(int64(1))}}}})
	rules := compiled(t, file, defaultAccounts())
	gift := func(chars int) ledger.Message {
		data := []string{`"member":{"customerId":"12"},"channel":"app"`}
		for _, name := range names {
			data = append(data, fmt.Sprintf("%q:%q", name, strings.Repeat("单", chars)))
		}
		return structured("gift.given", "{"+strings.Join(data, ",")+"}")
	}
	if event := accepted(t, rules, gift(59), nil); len(event.Operations[0].BusinessKey) > maxKeyBytes {
		t.Errorf("%d bytes were accepted", len(event.Operations[0].BusinessKey))
	}
	d := rejected(t, rules, gift(60), nil)
	if d.Rejection.Code != ledger.OutOfRange || !strings.Contains(d.Rejection.Reason, "part00, part01") || !strings.Contains(d.Rejection.Reason, "2500") {
		t.Errorf("got %v", d.Rejection)
	}
}
