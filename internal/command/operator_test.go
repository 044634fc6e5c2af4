package command

import (
	"strings"
	"testing"
)

func TestOperator(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		flag        string
		given       bool
		want, wrong string
	}{
		{" lin ", true, "lin", ""}, {strings.Repeat("林", 100), true, strings.Repeat("林", 100), ""},
		{strings.Repeat("林", 101), true, "", "at most 100"}, {" ", true, "", "is empty"},
	} {
		got, err := Operator(c.flag, c.given)
		if got != c.want || (err == nil) != (c.wrong == "") || err != nil && (!strings.Contains(err.Error(), c.wrong) || Code(err) != ExitUsage) {
			t.Errorf("%q: %q, %v", c.flag, got, err)
		}
	}
	if who, err := Operator("", false); err != nil || who == "" {
		t.Errorf("nobody: %q, %v", who, err)
	}
}
