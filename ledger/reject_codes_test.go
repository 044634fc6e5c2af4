package ledger_test

import (
	"regexp"
	"slices"
	"testing"

	"pointsledger/ledger"
)

// The list of codes is what the database lets into table rejects.
func TestAllRejectCodes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	constraint := one[string](f, `SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'rejects_reason_code_known'`)
	var allowed, listed []string
	for _, quoted := range regexp.MustCompile(`'([^']*)'`).FindAllStringSubmatch(constraint, -1) {
		allowed = append(allowed, quoted[1])
	}
	for _, code := range ledger.AllRejectCodes() {
		listed = append(listed, string(code))
	}
	slices.Sort(allowed)
	slices.Sort(listed)
	if len(allowed) == 0 || !slices.Equal(listed, allowed) {
		t.Errorf("listed %v, the database allows %v", listed, allowed)
	}
}
