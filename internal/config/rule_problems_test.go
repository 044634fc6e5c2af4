package config

import (
	"strings"
	"testing"
)

// What is wrong with the rules is named with its line, also where the rules are well
// formed and say something that cannot be.
func TestProblemsOfRulesHaveLines(t *testing.T) {
	const text = `programme: points
no_vendor_call:
  order.gone: ""
rules:
  - from: 2020-01-01T00:00:00Z
    events:
      - type: order.paid
        operations:
          - vendor: zhimai
            call: points_add
            source_type: 1
            hold: 7
            points: {ratio: {field: amountFen, points: 1, per: 0}}
      - type: order.refunded
        reverses:
          type: order.payed
          share: amount
        reason: {unfreeze_point: "{x}"}
      - {type: order.cancelled, reverses: {type: order.paid}, operations: [{vendor: kylin, call: freeze_point, points: 5}]}
`
	_, err := Load([]string{"WORKER_CONFIG=f.yaml"}, files{"f.yaml": text}.read)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		`f.yaml:3 no_vendor_call.order.gone: want the words`,
		`f.yaml:12 rules[0].events[0].operations[0].hold: want how long`,
		`f.yaml:13 rules[0].events[0].operations[0].points.ratio.per: want at least 1`,
		`f.yaml:16 rules[0].events[1].reverses.type: want a type that has a rule with operations in this file (order.paid), got "order.payed"`,
		`f.yaml:17 rules[0].events[1].reverses.share: want a required integer`,
		`f.yaml:18 rules[0].events[1].reason.unfreeze_point: {x}: want {key}`,
		`f.yaml:19 rules[0].events[2].operations: want none beside reverses`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("missing: %s", want)
		}
	}
	if t.Failed() {
		t.Log(err)
	}
}

func TestReferencesInYAML(t *testing.T) {
	load := func(events string) error {
		_, err := Load([]string{"WORKER_CONFIG=f.yaml"}, files{"f.yaml": "programme: points\nrules:\n  - events:\n" + events}.read)
		return err
	}
	const sale = "      - {type: order.paid, operations: [{vendor: kylin, call: freeze_point, points: 5, hold: 0}, {vendor: zhimai, call: points_add, source_type: 1, points: 5, hold: 1d12h}]}\n"
	for what, c := range map[string]struct{ events, complaint string }{
		"one text":         {sale + "      - {type: order.refunded, reverses: {type: order.paid, share: amountFen}, reason: 退}\n", ""},
		"a text by call":   {sale + "      - {type: order.refunded, reverses: {type: order.paid}, reason: {points_deduct: 退, unfreeze_point: 解}}\n", ""},
		"a list of texts":  {sale + "      - {type: order.refunded, reverses: {type: order.paid}, reason: [退]}\n", "reason: want a text"},
		"another call":     {sale + "      - {type: order.refunded, reverses: {type: order.paid}, reason: {points_add: 退}}\n", "reason.points_add: not a known field"},
		"a type alone":     {sale + "      - {type: order.completed, consumes: order.paid}\n", "consumes: want a mapping"},
		"a share consumed": {sale + "      - {type: order.completed, consumes: {type: order.paid, share: amountFen}}\n", "consumes.share: not a known field"},
	} {
		err := load(c.events)
		switch {
		case c.complaint == "" && err != nil:
			t.Errorf("%s: %v", what, err)
		case c.complaint != "" && (err == nil || !strings.Contains(err.Error(), c.complaint)):
			t.Errorf("%s: got %v, want %s", what, err, c.complaint)
		}
	}
}
