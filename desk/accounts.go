package desk

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// UnknownAccountError is returned for an account that is neither configured nor
// in the ledger.
type UnknownAccountError struct {
	Account string
	// Known are those that there are: the configured ones first.
	Known []string
}

func (e *UnknownAccountError) Error() string {
	return fmt.Sprintf("there is no account %q; there are: %s", e.Account, strings.Join(e.Known, ", "))
}

// Accounts are the configured accounts, then those that only the ledger knows.
func (d *Desk) Accounts(ctx context.Context, configured []string) ([]string, error) {
	met, err := d.KnownAccounts(ctx)
	if err != nil {
		return nil, err
	}
	names := slices.Clone(configured)
	for _, name := range met {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// KnowsAccount is nil when an account is configured, or the ledger knows it. The
// error is an *UnknownAccountError otherwise.
func (d *Desk) KnowsAccount(ctx context.Context, configured []string, name string) error {
	known, err := d.Accounts(ctx, configured)
	if err != nil {
		return err
	}
	if !slices.Contains(known, name) {
		return &UnknownAccountError{Account: name, Known: known}
	}
	return nil
}

// GateOf finds the closed gate of an account. closed is false while its gate is
// open.
func GateOf(gates []ClosedGate, account string) (_ ClosedGate, closed bool) {
	at := slices.IndexFunc(gates, func(g ClosedGate) bool { return g.Account == account })
	if at < 0 {
		return ClosedGate{}, false
	}
	return gates[at], true
}
