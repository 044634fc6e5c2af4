package desk

import (
	"context"
	"fmt"

	"pointsledger/ledger"
)

// OpenRejects counts unresolved rejects by code.
func (d *Desk) OpenRejects(ctx context.Context) (map[ledger.RejectCode]int64, error) {
	rows, err := d.pool.Query(ctx, sqlOpenRejects)
	if err != nil {
		return nil, fmt.Errorf("count rejects: %w", err)
	}
	defer rows.Close()
	counts := map[ledger.RejectCode]int64{}
	for rows.Next() {
		var code ledger.RejectCode
		var n int64
		if err := rows.Scan(&code, &n); err != nil {
			return nil, fmt.Errorf("count rejects: %w", err)
		}
		counts[code] = n
	}
	return counts, rows.Err()
}

const sqlOpenRejects = `SELECT reason_code, count(*) FROM rejects WHERE resolved_at IS NULL GROUP BY reason_code`
