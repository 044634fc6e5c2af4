package desk

import (
	"crypto/rand"
	"strings"

	"pointsledger/ledger"
)

// planNameChars is the length of a plan's name without its P-: one in a
// million is enough for what is typed within the hour. A name that is taken is
// followed by a longer one, up to maxPlanNameChars.
const (
	planNameChars    = 4
	maxPlanNameChars = 10
)

const planNamePrefix = "P-"

// newPlanName makes a name such as P-7K2M: Crockford's characters, which a
// person tells apart by eye and over the telephone. It is random, so that a
// slip of the fingers does not name the plan of a colleague.
func newPlanName(chars int) string {
	random := make([]byte, chars)
	_, _ = rand.Read(random) // never fails: it ends the process instead
	name := []byte(planNamePrefix)
	for _, b := range random {
		name = append(name, ledger.Crockford[b%32])
	}
	return string(name)
}

// canonicalPlanName is a typed name as newPlanName writes it: in either case,
// with or without the hyphen, with i and l for 1 and o for 0. False when no
// plan can have it.
func canonicalPlanName(typed string) (string, bool) {
	rest, ok := strings.CutPrefix(strings.ToUpper(strings.TrimSpace(typed)), "P")
	rest = strings.TrimPrefix(rest, "-")
	if !ok || len(rest) < planNameChars || len(rest) > maxPlanNameChars {
		return "", false
	}
	name := []byte(planNamePrefix)
	for i := range len(rest) {
		c := ledger.CanonicalCharacter(rest[i])
		if strings.IndexByte(ledger.Crockford, c) < 0 {
			return "", false
		}
		name = append(name, c)
	}
	return string(name), true
}
