package wording_test

import (
	"testing"

	"pointsledger/desk/wording"
)

func TestCellIsNoFormula(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "SO-1": "SO-1", "订单=1": "订单=1", "=1+1": "'=1+1", "@SUM(A1)": "'@SUM(A1)", "-1": "'-1", "＝1": "'＝1", "－cmd": "'－cmd", "＠x": "'＠x", "\n=1": "'\n=1", "\t=1": "'\t=1",
	} {
		if got := wording.Cell(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := wording.DigitsCell("0042"); got != "\t0042" {
		t.Errorf("digits: got %q", got)
	}
}
