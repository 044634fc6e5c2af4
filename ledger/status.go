package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// sqlRegisterMapping keeps a rule file's text at its first use; a version that
// is there is left alone.
const sqlRegisterMapping = `INSERT INTO mappings (version, text) VALUES ($1, $2) ON CONFLICT DO NOTHING`

// RegisterMapping keeps the text of a rule file that is about to be used.
func (s *Store) RegisterMapping(ctx context.Context, version, text string) error {
	if _, err := s.pool.Exec(ctx, sqlRegisterMapping, version, text); err != nil {
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

// sqlLastMapping is the rule file that was first used last; no rows in a new
// ledger.
const sqlLastMapping = `SELECT version, text, first_used_at FROM mappings ORDER BY first_used_at DESC, version LIMIT 1`

// LastMapping returns the newest rule file that was used; ok is false in a
// ledger that has seen none.
func (s *Store) LastMapping(ctx context.Context) (use MappingUse, ok bool, err error) {
	rows, err := s.pool.Query(ctx, sqlLastMapping)
	if err != nil {
		return use, false, fmt.Errorf("read last rule file: %w", err)
	}
	uses, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (u MappingUse, err error) {
		return u, row.Scan(&u.Version, &u.Text, &u.FirstUsed)
	})
	if err != nil {
		return use, false, fmt.Errorf("read last rule file: %w", err)
	}
	if len(uses) == 0 {
		return use, false, nil
	}
	return uses[0], true, nil
}

// Backlog is what one account still has to do.
type Backlog struct {
	Target string `json:"account"`
	// Pending and Sending rows are on their way; Parked ones wait for a person.
	Pending int64 `json:"pending"`
	Sending int64 `json:"sending"`
	Parked  int64 `json:"parked"`
	// InDoubt counts rows of any state that the vendor may have applied.
	InDoubt int64 `json:"in_doubt"`
	// OldestSeconds is the age of the oldest open operation that is not
	// parked, 0 when there is none.
	OldestSeconds float64 `json:"oldest_seconds"`
}

// sqlBacklogs summarises the outbox; an account without open rows is absent.
const sqlBacklogs = `
SELECT x.target, count(*) FILTER (WHERE x.state = 'pending'), count(*) FILTER (WHERE x.state = 'sending'),
       count(*) FILTER (WHERE x.state = 'parked'), count(*) FILTER (WHERE x.in_doubt),
       COALESCE(EXTRACT(epoch FROM now() - min(o.recorded_at) FILTER (WHERE x.state <> 'parked')), 0)::float8
  FROM outbox x
  JOIN operations o ON o.id = x.operation_id
 GROUP BY x.target
 ORDER BY x.target`

// Backlogs says what each account still has to do.
func (s *Store) Backlogs(ctx context.Context) ([]Backlog, error) {
	rows, err := s.pool.Query(ctx, sqlBacklogs)
	if err != nil {
		return nil, fmt.Errorf("read backlog: %w", err)
	}
	backlogs, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (b Backlog, err error) {
		return b, row.Scan(&b.Target, &b.Pending, &b.Sending, &b.Parked, &b.InDoubt, &b.OldestSeconds)
	})
	if err != nil {
		return nil, fmt.Errorf("read backlog: %w", err)
	}
	return backlogs, nil
}

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
