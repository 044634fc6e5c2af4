package wording_test

import (
	"testing"

	"pointsledger/desk/wording"
)

func TestCellIsNoFormula(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "SO-1": "SO-1", "订单=1": "订单=1", "=1+1": "'=1+1", "@SUM(A1)": "'@SUM(A1)", "-1": "'-1", "＝1": "'＝1", "－cmd": "'－cmd", "＠x": "'＠x", "\n=1": "'\n=1", "\t=1": "'\t=1",
		"a\x1b[31mb\u009b2J\x07": "a [31mb 2J ", "\x1b=1": "' =1", "a\tb\nc": "a\tb\nc",
	} {
		if got := wording.Cell(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := wording.DigitsCell("42\x1b[2J"); got != "\t42 [2J" {
		t.Errorf("digits that a terminal would obey: got %q", got)
	}
	if got := wording.DigitsCell("0042"); got != "\t0042" {
		t.Errorf("digits: got %q", got)
	}
}
