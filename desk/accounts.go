package desk

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

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

// sqlKnownAccounts names the accounts that the ledger has met: those with a
// gate, a confirmed call or open operations. It does not read the history.
const sqlKnownAccounts = `
SELECT target FROM gates UNION SELECT target FROM accounts UNION SELECT target FROM outbox ORDER BY target`

// KnownAccounts names the accounts that the ledger has met, by name; also those
// that are no longer configured.
func (d *Desk) KnownAccounts(ctx context.Context) ([]string, error) {
	rows, err := d.pool.Query(ctx, sqlKnownAccounts)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	return names, nil
}

// AccountFact is what was learned about a vendor account.
type AccountFact struct {
	Account string
	// ConfirmedAt is when it first confirmed a call.
	ConfirmedAt time.Time
}

// sqlAccountFacts reads what was learned about all accounts; no row means that
// an account has never confirmed a call.
const sqlAccountFacts = `SELECT target, first_confirmed_at FROM accounts ORDER BY target`

// AccountFacts returns what was learned about the accounts, by name.
func (d *Desk) AccountFacts(ctx context.Context) ([]AccountFact, error) {
	rows, err := d.pool.Query(ctx, sqlAccountFacts)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	facts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (f AccountFact, err error) {
		return f, row.Scan(&f.Account, &f.ConfirmedAt)
	})
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	return facts, nil
}

// sqlHasOperations tells whether anything was ever recorded for an account
// (operations_one_per_key).
const sqlHasOperations = `SELECT EXISTS (SELECT FROM operations WHERE target = $1)`

// HasOperations tells whether an operation was ever recorded for an account. A
// worker records none for an account that is off.
func (d *Desk) HasOperations(ctx context.Context, account string) (has bool, err error) {
	if err := d.pool.QueryRow(ctx, sqlHasOperations, account).Scan(&has); err != nil {
		return false, fmt.Errorf("look for operations of account %s: %w", account, err)
	}
	return has, nil
}
