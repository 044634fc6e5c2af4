package config

import (
	"slices"
	"strings"
	"testing"

	"pointsledger/reconcile/periods"
)

func TestClosingPolicy(t *testing.T) {
	for text, want := range map[string]struct {
		policy periods.Policy
		zone   string
		err    string
	}{
		"rules: []\n":                            {zone: "Asia/Shanghai"},
		"timezone: UTC\nperiods: {blocks: []}\n": {policy: periods.Policy{Blocks: []string{}}, zone: "UTC"},
		"periods: {blocks: [held, seal]}\napprovals: {reopen: true}\n": {policy: periods.Policy{Blocks: []string{"held", "seal"}, AnotherReopens: true}, zone: "Asia/Shanghai"},
		"periods: {block: [held]}\n":                                   {err: "rules v:1 periods.block"},
	} {
		policy, zone, err := ClosingPolicy("v", text)
		if want.err != "" {
			if err == nil || !strings.Contains(err.Error(), want.err) {
				t.Errorf("%q: got %v", text, err)
			}
			continue
		}
		if err != nil || zone != want.zone || policy.AnotherReopens != want.policy.AnotherReopens || !slices.Equal(policy.Blocks, want.policy.Blocks) || (policy.Blocks == nil) != (want.policy.Blocks == nil) {
			t.Errorf("%q: got %+v, %s, %v", text, policy, zone, err)
		}
	}
}

func TestCheckThatIsNoneIsNamed(t *testing.T) {
	var p problems
	file := parseFile("points.yaml", []byte("periods:\n  blocks:\n    - seal\n    - seals\n"), &p)
	checkClosing(&file, &p)
	if err := p.err(); err == nil || !strings.Contains(err.Error(), `points.yaml:4 periods.blocks[1]: want one of lost, seal,`) {
		t.Errorf("got %v", err)
	}
}
