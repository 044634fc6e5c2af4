package config

import (
	"fmt"
	"slices"
	"strings"

	"pointsledger/ledger"
	"pointsledger/vendorapi"
)

// knowDefaultAccounts keeps the kinds' own accounts' variables from being called
// unknown when a file has no such account.
func (e *environment) knowDefaultAccounts() {
	for _, kind := range e.kinds {
		e.known[strings.ToUpper(kind.Name)+"_URL"], e.known[strings.ToUpper(kind.Name)+"_RATE"] = true, true
		for _, secret := range kind.Secrets {
			e.known[secret.Variable], e.known[secret.Variable+"_FILE"] = true, true
		}
	}
}

// kindNames are the kinds that there are, for a person.
func (e *environment) kindNames() string {
	names := make([]string, len(e.kinds))
	for i, kind := range e.kinds {
		names[i] = kind.Name
	}
	return either(names)
}

// either joins what one may choose from.
func either(names []string) string {
	if last := len(names) - 1; last > 0 {
		return strings.Join(names[:last], ", ") + " or " + names[last]
	}
	return strings.Join(names, "")
}

// refuses says of each call that an account does not offer who does, as far as
// kinds say so of all their accounts.
func (e *environment) refuses(v Account) map[ledger.Kind]string {
	offered := map[ledger.Kind][]string{}
	for _, kind := range e.kinds {
		for _, call := range kind.Calls {
			offered[call] = append(offered[call], kind.Name)
		}
	}
	_, says := v.Settings.(vendorapi.Offering)
	refuses := map[ledger.Kind]string{}
	for call, by := range offered {
		switch {
		case slices.Contains(v.Calls, call):
		case says:
			refuses[call] = fmt.Sprintf("is not among the calls of the account %s", v.Name)
		default:
			refuses[call] = fmt.Sprintf("is a call of %s, but the account %s is of kind %s", either(by), v.Name, v.Kind)
		}
	}
	return refuses
}

// isSecret tells whether a kind has a secret of that name.
func (e *environment) isSecret(field string) bool {
	return slices.ContainsFunc(e.kinds, func(k vendorapi.Kind) bool {
		return slices.ContainsFunc(k.Secrets, func(s vendorapi.SecretField) bool { return s.Field == field })
	})
}
