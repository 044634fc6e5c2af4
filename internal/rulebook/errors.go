package rulebook

import (
	"fmt"
	"time"

	"pointsledger/ledger/rulefiles"
)

// NotInForceError is returned for a file that cannot be withdrawn because it is
// not the one in force.
type NotInForceError struct {
	Version string
	// Registered is the file; nil when no such file is registered.
	Registered *rulefiles.RegisteredRules
	// Newest was registered after it; empty for a file that is withdrawn already.
	Newest string
}

func (e *NotInForceError) Error() string {
	switch {
	case e.Registered == nil:
		return e.Version + ": no such rule file is registered"
	case e.Newest == "":
		by := e.Registered.Withdrawn
		return fmt.Sprintf("%s was withdrawn by %s at %s", e.Version, by.Actor, by.At.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("%s is not in force: %s was registered after it; withdraw that one first", e.Version, e.Newest)
}
