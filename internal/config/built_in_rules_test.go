package config

import (
	"strings"
	"testing"
	"time"

	"pointsledger/ledger"
	"pointsledger/ledger/rulefiles"
)

func registeredAs(text []byte) rulefiles.RegisteredRules {
	return rulefiles.RegisteredRules{Version: versionOf(text), Text: string(text), FirstUsed: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
}

// A ledger that began with the older built-in rules keeps them, text and version; a
// fresh one gets the new.
func TestLedgersKeepTheirBuiltInRules(t *testing.T) {
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	c := mustLoad(t, nil, nil)
	old := registeredAs(defaultBeforeRefunds)
	if old.Version != "cef9eca26986" {
		t.Errorf("the older built-in file was edited: its version is %s", old.Version)
	}
	commented := registeredAs([]byte("# one more remark\n" + string(defaultBeforeRefunds)))
	further := registeredAs([]byte(strings.Replace(string(defaultBeforeRefunds), "\nvendors:",
		"\n  - from: 2026-02-01T00:00:00+08:00\n    events:\n      - {type: order.refunded, reverses: {type: order.paid}}\n\nvendors:", 1)))
	withdrawn := registeredAs(defaultBeforeRefunds)
	withdrawn.Withdrawn = &rulefiles.FileAct{}
	other := registeredAs([]byte(strings.Replace(string(defaultBeforeRefunds), "programme: points", "programme: other", 1)))
	for what, tc := range map[string]struct {
		registered []rulefiles.RegisteredRules
		version    string
	}{
		"a fresh ledger":                    {nil, c.RulesVersion},
		"one that began with the new file":  {[]rulefiles.RegisteredRules{registeredAs(c.RulesText)}, c.RulesVersion},
		"one that began with the older":     {[]rulefiles.RegisteredRules{old}, old.Version},
		"with the older and another text":   {[]rulefiles.RegisteredRules{old, commented}, old.Version},
		"with a further set of its own":     {[]rulefiles.RegisteredRules{old, further}, c.RulesVersion},
		"with the older one, withdrawn":     {[]rulefiles.RegisteredRules{withdrawn}, c.RulesVersion},
		"with other rules than either file": {[]rulefiles.RegisteredRules{other}, c.RulesVersion},
	} {
		got := c.ForLedger(tc.registered, now)
		if got.RulesVersion != tc.version || got.Rules.Version() != tc.version || versionOf(got.RulesText) != tc.version {
			t.Errorf("%s: rules %s (%s), want %s", what, got.RulesVersion, got.RulesFrom, tc.version)
		}
		if (got.RulesVersion == c.RulesVersion) != (got == c) {
			t.Errorf("%s: another configuration of the same rules", what)
		}
	}
	own := mustLoad(t, []string{"WORKER_CONFIG=f"}, files{"f": "# mine\n" + string(DefaultFile())})
	if own.ForLedger([]rulefiles.RegisteredRules{old}, now) != own {
		t.Error("a file of one's own was replaced")
	}
	// The older rules reject what the new ones take back.
	m := ledger.Message{BrokerTime: now, Payload: []byte(`{"specversion":"1.0","id":"1","source":"s","type":"order.cancelled","data":{"orderId":"SO-1"}}`)}
	if d := c.Rules.Decode(m, nil); d.Event == nil || d.Event.Refers == nil {
		t.Errorf("the new rules: %+v", d)
	}
	if d := c.ForLedger([]rulefiles.RegisteredRules{old}, now).Rules.Decode(m, nil); d.Rejection == nil || d.Rejection.Code != ledger.NoVendorCall {
		t.Errorf("the older rules: %+v", d)
	}
}
