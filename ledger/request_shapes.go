package ledger

import (
	"context"
	"fmt"
)

const (
	// sqlRegisterShape keeps a shape at its first use (request_shapes_pkey).
	sqlRegisterShape = `INSERT INTO request_shapes (hash, shape) VALUES ($1, $2) ON CONFLICT DO NOTHING`

	// sqlRequestShape finds a shape (request_shapes_pkey). No row means that
	// nobody registered it.
	sqlRequestShape = `SELECT shape FROM request_shapes WHERE hash = $1`
)

// RegisterShape keeps what shapes an account's calls, before the first of them.
func (s *Store) RegisterShape(ctx context.Context, hash, shape string) error {
	if _, err := s.pool.Exec(ctx, sqlRegisterShape, hash, shape); err != nil {
		return fmt.Errorf("register request shape: %w", err)
	}
	return nil
}

// RequestShape reads a registered shape. One that is not there is an error: a row
// has it from a claim, and it was registered before that.
func (s *Store) RequestShape(ctx context.Context, hash string) (shape string, err error) {
	if err := s.pool.QueryRow(ctx, sqlRequestShape, hash).Scan(&shape); err != nil {
		return "", fmt.Errorf("read request shape %s: %w", hash, err)
	}
	return shape, nil
}
