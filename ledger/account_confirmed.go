package ledger

import (
	"context"
	"fmt"
)

// sqlIsConfirmed and sqlMarkConfirmed keep whether an account has ever
// confirmed a call.
const (
	sqlIsConfirmed   = `SELECT EXISTS (SELECT 1 FROM accounts WHERE target = $1)`
	sqlMarkConfirmed = `INSERT INTO accounts (target) VALUES ($1) ON CONFLICT DO NOTHING`
)

// AccountConfirmed tells whether the account has ever confirmed a call.
func (s *Store) AccountConfirmed(ctx context.Context, account string) (bool, error) {
	var confirmed bool
	if err := s.pool.QueryRow(ctx, sqlIsConfirmed, account).Scan(&confirmed); err != nil {
		return false, fmt.Errorf("read account: %w", err)
	}
	return confirmed, nil
}

// MarkAccountConfirmed keeps that the account has confirmed its first call.
func (s *Store) MarkAccountConfirmed(ctx context.Context, account string) error {
	if _, err := s.pool.Exec(ctx, sqlMarkConfirmed, account); err != nil {
		return fmt.Errorf("keep account: %w", err)
	}
	return nil
}
