package desk

import (
	"slices"
	"testing"

	"pointsledger/ledger"
)

func TestRejectRanges(t *testing.T) {
	t.Parallel()
	for text, ids := range map[string][]ledger.RejectID{"": nil, "1": {1}, "1-3,5,7-8": {1, 2, 3, 5, 7, 8}, "9-10": {9, 10}} {
		if got := ranges(ids); got != text {
			t.Errorf("%v: got %q, want %q", ids, got, text)
		}
		if got, err := fromRanges(text); err != nil || !slices.Equal(got, ids) {
			t.Errorf("%q: got %v %v", text, got, err)
		}
	}
	for _, text := range []string{"0", "-1", "2,1", "3-2", "1-", "1,,2", "x", "1-3,3", "1-99999999999", "1-10000001"} {
		if got, err := fromRanges(text); err == nil {
			t.Errorf("%q is read as %d ids", text, len(got))
		}
	}
	if got, err := fromRanges("1-10000000"); err != nil || len(got) != maxPlanRejects {
		t.Errorf("the most: %d %v", len(got), err)
	}
}
