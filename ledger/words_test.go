package ledger_test

import (
	"regexp"
	"slices"
	"testing"

	"pointsledger/ledger"
)

// The lists of words are what the database lets into its tables.
func TestWordsAreTheConstraints(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for constraint, listed := range map[string][]string{
		"outbox_state_known":  texts(ledger.AllStates()),
		"postings_kind_known": texts([]ledger.PostingKind{ledger.Posted, ledger.Voided}),
		"postings_evidence_known": texts([]ledger.Evidence{ledger.Answered, ledger.AlreadyApplied, ledger.Verified, ledger.Manual,
			ledger.Netted, ledger.Reversed, ledger.NothingToTakeBack, ledger.NoCallNeeded}),
		"rejects_reason_code_known": texts(ledger.AllRejectCodes()),
	} {
		definition := one[string](f, `SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1`, constraint)
		var allowed []string
		for _, quoted := range regexp.MustCompile(`'([^']*)'`).FindAllStringSubmatch(definition, -1) {
			allowed = append(allowed, quoted[1])
		}
		slices.Sort(allowed)
		slices.Sort(listed)
		if len(allowed) == 0 || !slices.Equal(listed, allowed) {
			t.Errorf("%s: listed %v, the database allows %v", constraint, listed, allowed)
		}
	}
}

func texts[T ~string](words []T) []string {
	list := make([]string, len(words))
	for i, word := range words {
		list[i] = string(word)
	}
	return list
}
