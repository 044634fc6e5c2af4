package rules

import (
	"bytes"
	"strings"
	"testing"

	"pointsledger/ledger"
	"pointsledger/rules/cloudevent"
)

func TestPasswordsAreRejectedAndMasked(t *testing.T) {
	t.Parallel()
	rules := defaultRules(t)
	const secret = "hunter2"
	for name, tc := range map[string]struct {
		data, path string
	}{
		"in the member":    {strings.Replace(paid, `{"customerId"`, `{"password":"hunter2","customerId"`, 1), "data.member.password"},
		"of a card":        {strings.Replace(paid, `{"customerId"`, `{"cardPassword":"hunter2","customerId"`, 1), "data.member.cardPassword"},
		"another spelling": {strings.Replace(paid, `{"customerId"`, `{"card_pwd_1" : "hunter2" ,"customerId"`, 1), "data.member.card_pwd_1"},
		"in Chinese":       {strings.Replace(paid, `{"customerId"`, `{"卡密码":"hunter2","customerId"`, 1), "data.member.卡密码"},
		"deeper":           {strings.Replace(paid, `{"customerId"`, `{"card":[{"PassWord":["hunter2",{"x":"hunter2"}]}],"customerId"`, 1), "data.member.card.0.PassWord"},
		"an escaped name":  {strings.Replace(paid, `{"customerId"`, `{"p\u0061ssword":"hunter2","customerId"`, 1), "data.member.password"},
		"beside it":        {strings.Replace(paid, `{`, `{"loginPasswd":"hunter2",`, 1), "data.loginPasswd"},
		"no member":        {strings.Replace(paid, `{"customerId":"383933091455959041"}`, `{"password":"hunter2"}`, 1), "data.member.password"},
	} {
		d := rejected(t, rules, structured("order.paid", tc.data), nil)
		if d.Rejection.Code != ledger.BadType || !strings.HasPrefix(d.Rejection.Reason, tc.path+": passwords are not accepted in events") {
			t.Errorf("%s: %v", name, d.Rejection)
		}
		if !d.Redact || bytes.Contains(d.RedactedPayload, []byte(secret)) || !bytes.Contains(d.RedactedPayload, []byte(cloudevent.RedactedValue)) {
			t.Errorf("%s: the payload to store is %s", name, d.RedactedPayload)
		}
		if strings.Contains(d.Rejection.Reason, secret) {
			t.Errorf("%s: the reason is %s", name, d.Rejection.Reason)
		}
		again := structured("order.paid", tc.data)
		again.Payload = d.RedactedPayload
		if other := rejected(t, rules, again, nil); other.Rejection.Reason != d.Rejection.Reason {
			t.Errorf("%s: once masked it is another reject: %v", name, other.Rejection)
		}
	}
}

// A field for a password that holds none is none, and is kept as it came.
func TestNoPasswordIsNone(t *testing.T) {
	t.Parallel()
	rules := defaultRules(t)
	for _, none := range []string{`null`, `""`, `false`, `true`, `{}`, `[ ]`} {
		for name, data := range map[string]string{
			"beside it":     strings.Replace(paid, `{`, `{"password": `+none+` ,`, 1),
			"in the member": strings.Replace(paid, `{"customerId"`, `{"cardPassword":`+none+`,"customerId"`, 1),
			"deeper":        strings.Replace(paid, `{`, `{"customer":{"name":"x","password":`+none+`},`, 1),
		} {
			accepted(t, rules, structured("order.paid", data), nil)
			m := structured("order.paid", strings.Replace(data, "12999", "-1", 1))
			if d := rejected(t, rules, m, nil); d.Redact || d.Rejection.Code != ledger.OutOfRange {
				t.Errorf("%s, %s: %v, redact %v", name, none, d.Rejection, d.Redact)
			}
		}
	}
	// Not in data: it would be stored with a conflict.
	m := structured("order.paid", paid)
	m.Payload = []byte(strings.Replace(string(m.Payload), `{`, `{"password":"hunter2",`, 1))
	if d := rejected(t, rules, m, nil); !d.Redact || !strings.HasPrefix(d.Rejection.Reason, "password: passwords are not accepted") {
		t.Errorf("an attribute: %v", d.Rejection)
	}
	if lines := cloudevent.HeaderLines(map[string][]string{"X-Password": {"hunter2", ""}, "X": {"y"}}); string(lines) != "X: y\r\nX-Password: ***\r\nX-Password: \r\n" {
		t.Errorf("headers to store: %q", lines)
	}
}
