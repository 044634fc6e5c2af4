package rulefiles

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// sqlRegisterMapping keeps a rule file's text at its first use; a version that
// is there is left alone. The time is the clock's, not the transaction's: one that
// waited for another registration comes behind it.
const sqlRegisterMapping = `
INSERT INTO mappings (version, text, registered_by, first_used_at) VALUES ($1, $2, NULLIF($3, ''), clock_timestamp()) ON CONFLICT DO NOTHING`

// RegisterMapping keeps the text of a rule file that is about to be used.
// RegisterRules does that and holds the others to it; here a worker works that
// out when it looks next.
func (g *Registry) RegisterMapping(ctx context.Context, version, text string) error {
	if _, err := g.pool.Exec(ctx, sqlRegisterMapping, version, text, ""); err != nil {
		return fmt.Errorf("register rule file: %w", err)
	}
	return nil
}

// RegisterMappingTx is RegisterMapping in the transaction that uses the file; by
// says who.
func RegisterMappingTx(ctx context.Context, tx pgx.Tx, version, text, by string) error {
	if _, err := tx.Exec(ctx, sqlRegisterMapping, version, text, by); err != nil {
		return fmt.Errorf("register rule file: %w", err)
	}
	return nil
}

// MappingUse is a rule file that was used.
type MappingUse struct {
	Version   string
	Text      string
	FirstUsed time.Time
}

// sqlLastMapping is the rule file that was registered, or taken up again, last and
// is not withdrawn; no rows in a new ledger.
const sqlLastMapping = `
SELECT m.version, m.text, m.first_used_at
  FROM mappings m` + lastFileAct + `
 WHERE a.withdrawn IS NOT TRUE
 ORDER BY ` + registeredAt + ` DESC, m.version LIMIT 1`

// LastMapping returns the newest rule file that was used and not withdrawn; ok
// is false in a ledger that has seen none.
func (g *Registry) LastMapping(ctx context.Context) (use MappingUse, ok bool, err error) {
	return lastMapping(ctx, g.pool)
}

// LastMappingTx is LastMapping in a transaction.
func LastMappingTx(ctx context.Context, tx pgx.Tx) (use MappingUse, ok bool, err error) {
	return lastMapping(ctx, tx)
}

func lastMapping(ctx context.Context, from interface {
	QueryRow(context.Context, string, ...any) pgx.Row
}) (use MappingUse, ok bool, err error) {
	err = from.QueryRow(ctx, sqlLastMapping).Scan(&use.Version, &use.Text, &use.FirstUsed)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return MappingUse{}, false, nil
	case err != nil:
		return MappingUse{}, false, fmt.Errorf("read last rule file: %w", err)
	}
	return use, true, nil
}
