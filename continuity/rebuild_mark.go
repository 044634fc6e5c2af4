package continuity

import (
	"context"
	"fmt"
	"strings"
	"time"

	"pointsledger/ledger"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Rebuilding tells that somebody began to rebuild the ledger from the stream
// and has not added everything yet: an event that is published again would be
// taken for a new one.
func (id Identity) Rebuilding() bool { return strings.HasSuffix(id.Stream, ledger.RebuildMark) }

// MarkRebuilding makes the identity of a ledger that has none, in a database
// whose predecessor is lost, and lets its operations' ids begin above the
// predecessor's. Workers refuse the ledger until Remember replaces the mark.
func (s *Session) MarkRebuilding(ctx context.Context, id Identity) error {
	if _, err := s.conn.Exec(ctx, sqlSkipLostIDs); err != nil {
		return fmt.Errorf("skip operation ids: %w", err)
	}
	id.Stream, id.AckedSeq = strings.TrimSuffix(id.Stream, ledger.RebuildMark)+ledger.RebuildMark, 0
	return s.Remember(ctx, id)
}

// sqlNoteRebuilt keeps which operations an act added, found by their keys
// (operations_one_per_key, outbox_pkey, action_operations_pkey). Of those that
// were there already it takes the ones that the same plan added before it was
// killed, and that no act has.
const sqlNoteRebuilt = `
INSERT INTO action_operations (action_id, operation_id)
SELECT $1, o.id
  FROM unnest($2::text[], $3::text[], $4::boolean[]) AS k (target, biz_id, added)
  CROSS JOIN LATERAL (SELECT id, recorded_at FROM operations WHERE target = k.target AND biz_id = k.biz_id OFFSET 0) AS o
 WHERE k.added
    OR o.recorded_at >= $5
   AND EXISTS (SELECT 1 FROM outbox x WHERE x.operation_id = o.id AND x.state = 'parked' AND x.cause = 'rebuilt')
   AND NOT EXISTS (SELECT 1 FROM action_operations a WHERE a.operation_id = o.id)
ON CONFLICT DO NOTHING`

// sqlNoteRebuiltOfFacts does the same for what the ledger made of events about earlier
// ones, found by their facts (operations_one_per_fact, outbox_pkey,
// action_operations_pkey).
const sqlNoteRebuiltOfFacts = `
INSERT INTO action_operations (action_id, operation_id)
SELECT $1, o.id
  FROM unnest($2::uuid[], $3::boolean[]) AS k (fact_key, added)
  CROSS JOIN LATERAL (SELECT id, recorded_at FROM operations WHERE fact_key = k.fact_key OFFSET 0) AS o
 WHERE k.added
    OR o.recorded_at >= $4
   AND EXISTS (SELECT 1 FROM outbox x WHERE x.operation_id = o.id AND x.state = 'parked' AND x.cause = 'rebuilt')
   AND NOT EXISTS (SELECT 1 FROM action_operations a WHERE a.operation_id = o.id)
ON CONFLICT DO NOTHING`

// noteRebuilt keeps that an act of a person added the operations of the
// entries whose verdict is Accepted, and those that an earlier run of its plan,
// which was made at a time, added and could not note.
func noteRebuilt(ctx context.Context, pool *pgxpool.Pool, act int64, planMade time.Time, entries []ledger.Entry, verdicts []ledger.Verdict) error {
	var accounts, bizIDs []string
	var added, ofFacts []bool
	var facts [][16]byte
	for i := range entries {
		if entries[i].Event == nil || verdicts[i].Kind != ledger.Accepted && !verdicts[i].Redelivered {
			continue
		}
		if entries[i].Event.Refers != nil {
			facts, ofFacts = append(facts, entries[i].Event.FactKey), append(ofFacts, verdicts[i].Kind == ledger.Accepted)
		}
		for j := range entries[i].Event.Operations {
			op := &entries[i].Event.Operations[j]
			accounts, bizIDs, added = append(accounts, op.Account), append(bizIDs, string(op.BizID)), append(added, verdicts[i].Kind == ledger.Accepted)
		}
	}
	if len(facts) > 0 {
		if _, err := pool.Exec(ctx, sqlNoteRebuiltOfFacts, act, facts, ofFacts, planMade); err != nil {
			return fmt.Errorf("record operations of action: %w", err)
		}
	}
	if len(accounts) == 0 {
		return nil
	}
	if _, err := pool.Exec(ctx, sqlNoteRebuilt, act, accounts, bizIDs, added, planMade); err != nil {
		return fmt.Errorf("record operations of action: %w", err)
	}
	return nil
}

// sqlOldest reads the first operation (operations_pkey). NULL means that there
// is none.
const sqlOldest = `SELECT (SELECT broker_time FROM operations ORDER BY id LIMIT 1)`

// readOldest is the broker's time of the oldest operation by id; zero when the
// ledger holds none.
func readOldest(ctx context.Context, pool *pgxpool.Pool) (time.Time, error) {
	var oldest *time.Time
	if err := pool.QueryRow(ctx, sqlOldest).Scan(&oldest); err != nil {
		return time.Time{}, fmt.Errorf("read what the ledger holds: %w", err)
	}
	if oldest == nil {
		return time.Time{}, nil
	}
	return *oldest, nil
}
