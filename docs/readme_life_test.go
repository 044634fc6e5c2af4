package docs_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"pointsledger/desk/wording"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
)

// The README's life of an order names every state that an operation can have, all
// that its end can rest on, and every code of a reject; and no cause that there is not.
func TestReadmeNamesEveryState(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, events, _ := strings.Cut(string(page), "\n## What becomes of an event\n")
	events, _, _ = strings.Cut(events, "\n## ")
	_, life, _ := strings.Cut(events, "\n### The life of an order\n")
	for _, code := range ledger.AllRejectCodes() {
		if !strings.Contains(events, "`"+string(code)+"`") {
			t.Errorf("README.md does not name the reject code %s", code)
		}
	}
	pool := testkit.Pool(t)
	for what, sql := range map[string]string{
		"state":    `SELECT substring(pg_get_viewdef('operation_status') FROM 'CASE(.*)END AS state')`,
		"evidence": `SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'postings_evidence_known'`,
	} {
		var text string
		if err := pool.QueryRow(t.Context(), sql).Scan(&text); err != nil {
			t.Fatal(err)
		}
		words := regexp.MustCompile(`(?:THEN|ELSE|ARRAY\[|,) *'([a-z_ ]+)'::text`).FindAllStringSubmatch(text, -1)
		if len(words) < 8 {
			t.Fatalf("%s: read %q of %s", what, words, text)
		}
		for _, word := range words {
			if !strings.Contains(life, "`"+word[1]+"`") {
				t.Errorf("README.md does not name the %s %s", what, word[1])
			}
		}
	}
	_, causes, _ := strings.Cut(life, "\n| `cause` of what is parked |")
	causes, _, _ = strings.Cut(causes, "\n\n")
	named := regexp.MustCompile("(?m)^\\| `([a-z_]+)`").FindAllStringSubmatch(causes, -1)
	for _, cause := range named {
		if wording.Cause(ledger.Cause(cause[1]), ledger.Parked) == cause[1] {
			t.Errorf("README.md names the cause %s, of which nobody knows", cause[1])
		}
	}
	if len(named) < 10 {
		t.Errorf("read %q as causes", named)
	}
}
