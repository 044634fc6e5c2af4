package rules

import (
	"strings"
	"testing"

	"pointsledger/ledger"
)

// At an account whose vendor has ids of its own an event names the member by memberId
// for every call; its customerId serves as well, and a grant may wait for a code.
func TestMemberByAnyID(t *testing.T) {
	t.Parallel()
	accounts := defaultAccounts()
	for i := range accounts {
		accounts[i].AnyMemberID = true
	}
	rules := compiled(t, defaultRulesFile(), accounts)
	for member, want := range map[string][2]string{ // the grant's, the freeze's
		`{"memberId":"oX-1_a"}`:                     {"oX-1_a", "oX-1_a"},
		`{"customerId":"42"}`:                       {"42", "42"},
		`{"customerId":"42","memberId":"oX-1_a"}`:   {"oX-1_a", "oX-1_a"},
		`{"userCode":"138","memberId":"oX-1_a"}`:    {"oX-1_a", "oX-1_a"},
		`{"userCode":"138"}`:                        {"code 138", ""},
		`{"customerId":"42","phone":"13800000000"}`: {"42", "42"},
	} {
		m := structured("order.paid", `{"orderId":"SO-1","channel":"pos","amountFen":12999,"pointsUsed":3,"member":`+member+`}`)
		if want[1] == "" {
			if d := rejected(t, rules, m, nil); !strings.Contains(d.Rejection.Error(), "data.member.memberId: want memberId or customerId for freeze_point, both are missing") {
				t.Errorf("%s: %v", member, d.Rejection)
			}
			m = structured("order.paid", `{"orderId":"SO-1","channel":"pos","amountFen":12999,"pointsUsed":0,"member":`+member+`}`)
		}
		for _, o := range accepted(t, rules, m, nil).Operations {
			got, expected := o.MemberID, want[0]
			if o.MemberCode != "" {
				got = "code " + o.MemberCode
			}
			if o.Kind == ledger.FreezePoint {
				expected = want[1]
			}
			if got != expected {
				t.Errorf("%s: %s for %q, want %q", member, o.Kind, got, expected)
			}
		}
	}
	schema := schemaOf(t, rules, "order.paid")
	for _, member := range []string{`{"memberId":"oX-1_a"}`, `{"customerId":"42"}`, `{"userCode":"138"}`, `{"customerId":"4","userCode":"1"}`, `{}`, `null`, `{"memberId":""}`} {
		for _, used := range []string{"0", "3"} {
			data := `{"orderId":"SO-1","channel":"pos","amountFen":12999,"pointsUsed":` + used + `,"member":` + member + `}`
			agree(t, rules, schema, "order.paid", string(structured("order.paid", data).Payload))
		}
	}
	// Elsewhere nothing has changed.
	m := structured("order.paid", `{"orderId":"SO-1","channel":"pos","amountFen":12999,"member":{"memberId":"oX-1_a"}}`)
	if d := rejected(t, defaultRules(t), m, nil); d.Rejection.Code != ledger.MissingField {
		t.Errorf("%v", d.Rejection)
	}
}
