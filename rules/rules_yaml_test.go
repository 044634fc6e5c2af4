package rules

import (
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func TestPointsInYAML(t *testing.T) {
	t.Parallel()
	type document struct {
		Points PointsFile `yaml:"points"`
	}
	read := func(text string) (PointsFile, error) {
		var d document
		err := yaml.UnmarshalWithOptions([]byte(text), &d, yaml.Strict())
		return d.Points, err
	}
	if p, err := read("points: 5"); err != nil || p.Value == nil || *p.Value != 5 {
		t.Errorf("a whole number: %+v, %v", p, err)
	}
	if p, err := read("points: -5"); err != nil || p.Value == nil || *p.Value != -5 {
		t.Errorf("a negative number: %+v, %v", p, err)
	}
	p, err := read("points: {ratio: {field: amountFen, points: 1, per: 100, by_channel: {pos: {points: 2, per: 100}}}, override: points}")
	if err != nil || p.Ratio == nil || p.Ratio.ByChannel["pos"].Points != 2 || p.Override.Field != "points" {
		t.Errorf("a mapping: %+v, %v", p, err)
	}
	p, err = read("points:\n  cases:\n    - {when: {field: hasPhoto, equals: true}, value: 20}\n  value: 10")
	if err != nil || len(p.Cases) != 1 || p.Cases[0].When.Equals != true || *p.Value != 10 {
		t.Errorf("cases: %+v, %v", p, err)
	}
	for _, text := range []string{"points: 1.5", "points: many", "points: [1]", "points: true", "points: {valeu: 1}", "points: 9223372036854775808"} {
		if p, err := read(text); err == nil {
			t.Errorf("%s: accepted as %+v", text, p)
		}
	}
}

// The YAML library cuts 1.5 to 1 without a word.
func TestFractionsInYAML(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"limits: {points_per_operation: 1.5}":                                                                "points_per_operation: want a whole number, got 1.5",
		"rules: [{events: [{operations: [{points: 1.5}]}]}]":                                                 "operations[0].points: want a whole number, got 1.5",
		"rules: [{events: [{operations: [{points: {value: 1.5}}]}]}]":                                        "operations[0].points.value: want a whole number, got 1.5",
		"rules: [{events: [{operations: [{points: {ratio: {field: a, points: 1.5, per: 1}}}]}]}]":            "operations[0].points.ratio.points: want a whole number, got 1.5",
		"rules: [{events: [{operations: [{points: {ratio: {by_channel: {pos: {points: 1, per: 0.5}}}}}]}]}]": "ratio.by_channel.pos.per: want a whole number, got 0.5",
		"rules: [{events: [{operations: [{source_type: 1.9}]}]}]":                                            "operations[0].source_type: want a whole number, got 1.9",
		"rules: [{events: [{fields: {a: {max: 1.5e1}}}]}]":                                                   "fields.a.max: want a whole number, got 15",
	} {
		var file RulesFile
		err := yaml.UnmarshalWithOptions([]byte(text), &file, yaml.Strict())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
	var file RulesFile
	err := yaml.UnmarshalWithOptions([]byte("rules: [{from: 2020-01-01T00:00:00+08:00, events: [{type: a, oops: 1}]}]"), &file, yaml.Strict())
	if err == nil || !strings.Contains(err.Error(), "oops") {
		t.Errorf("an unknown key: %v", err)
	}
}
