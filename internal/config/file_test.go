package config

import (
	"strings"
	"testing"
)

func TestFileProblems(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"syntax":         {"a: [1", "bad.yaml:1: "},
		"duplicate key":  {"programme: a\nprogramme: b\n", "already defined"},
		"wrong type":     {"programme: [a]\n", "bad.yaml:1 programme: want a text"},
		"year 1":         {"rules: [{from: yesterday}]\n", `rules[0].from: want a time with its offset such as 2026-01-01T00:00:00+08:00, got "yesterday"`},
		"no offset":      {"rules: [{from: 2026-01-01}]\n", "rules[0].from: want a time"},
		"fraction":       {"limits: {points_per_operation: 5.7}\n", `limits.points_per_operation: want a whole number in plain digits, got "5.7"`},
		"quoted number":  {"limits: {points_per_operation: '5'}\n", "want a whole number"},
		"too large int":  {"limits: {points_per_operation: 9223372036854775808}\n", "want a whole number"},
		"number":         {"programme: 5\n", "programme: want a text, got 5; put it in quotes"},
		"name of number": {"channel_aliases: {010: pos}\n", "channel_aliases.010: want a text as the name: put 010 in quotes"},
		"short form":     {"rules: [{events: [{operations: [{points: 5.7}]}]}]\n", `operations[0].points: want a whole number in plain digits, got "5.7"`},
		"no list":        {"ignore: a\n", "ignore: want a list"},
		"no mapping":     {"limits: 5\n", "limits: want a mapping"},
		"not boolean":    {"rules: [{events: [{fields: {a: {required: 1}}}]}]\n", "required: want true or false"},
		"not utf-8":      {"programme: \xd6\xd0", "want UTF-8"},
		"two documents":  {"programme: a\n---\nprogramme: b\n", "want one YAML document, got 2"},
		"nothing":        {"", "want one YAML document, got 0"},
		"too large":      {strings.Repeat("#", maxFileBytes+1), "want at most"},
		"vendors":        {"vendors: {}\n", "want a list of 1 to 16 accounts"},
		"vendor":         {"vendors: [5]\n", "want a mapping"},
		"same name":      {"vendors: [{name: a, kind: kylin}, {name: a, kind: zhimai}]\n", `"a" stands twice`},
		"deep unknown":   {"rules: [{from: 2020-01-01T00:00:00Z, events: [{type: a, operations: [{vendr: b}]}]}]\n", "rules[0].events[0].operations[0].vendr: not a known field"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load([]string{"WORKER_CONFIG=bad.yaml"}, files{"bad.yaml": tc.text}.read)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
	if _, err := Load([]string{"WORKER_CONFIG=none.yaml"}, files{}.read); err == nil || !strings.Contains(err.Error(), "WORKER_CONFIG: read none.yaml") {
		t.Errorf("got %v", err)
	}
}

// The short forms that the file offers are read.
func TestShortForms(t *testing.T) {
	text := `
programme: points
timezone: Asia/Shanghai
rules:
  - from: 2026-01-01T00:00:00+08:00
    events:
      - type: member.checked_in
        operations:
          - {vendor: zhimai, call: points_add, source_type: 5, points: 7}
`
	if c := mustLoad(t, with(good, "WORKER_CONFIG=f"), files{"f": text}); c.Rules == nil || c.Rules.Version() != c.RulesVersion {
		t.Error("no rules of the file's version")
	}
}

// A misspelt key does not hide what the rules' compiler finds, and nothing is
// named twice.
func TestSyntaxAndRulesInOneError(t *testing.T) {
	text := `
programme: points
timezone: Mars
rules:
  - from: yesterday
    evnts: []
    events:
      - type: order.paid
        operations:
          - {vendor: nobody, call: points_add, source_type: 99, points: 1}
`
	_, err := Load([]string{"WORKER_CONFIG=f"}, files{"f": text}.read)
	if err == nil {
		t.Fatal("want an error")
	}
	for _, part := range []string{"f:5 rules[0].from: want", "f:6 rules[0].evnts: not a known field", "timezone: ", "operations[0].vendor: ", "operations[0].source_type: "} {
		if strings.Count(err.Error(), part) != 1 {
			t.Errorf("%q stands %d times in %v", part, strings.Count(err.Error(), part), err)
		}
	}
	if strings.Count(err.Error(), "rules[0].from") != 1 {
		t.Errorf("rules[0].from is named twice: %v", err)
	}
}
