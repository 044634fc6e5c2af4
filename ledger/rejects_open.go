package ledger

import (
	"context"
	"fmt"
)

// OpenRejects counts unresolved rejects by code.
func (s *Store) OpenRejects(ctx context.Context) (map[RejectCode]int64, error) {
	rows, err := s.pool.Query(ctx, sqlOpenRejects)
	if err != nil {
		return nil, fmt.Errorf("count rejects: %w", err)
	}
	defer rows.Close()
	counts := map[RejectCode]int64{}
	for rows.Next() {
		var code RejectCode
		var n int64
		if err := rows.Scan(&code, &n); err != nil {
			return nil, fmt.Errorf("count rejects: %w", err)
		}
		counts[code] = n
	}
	return counts, rows.Err()
}

const sqlOpenRejects = `SELECT reason_code, count(*) FROM rejects WHERE resolved_at IS NULL GROUP BY reason_code`
