package waiting

import (
	"context"
	"fmt"

	"pointsledger/ledger"
)

// sqlReleaseTakeBacks lets operations go that waited for their origin: one that was
// applied is taken back from the member who has it; of one that was given up there
// is nothing to take back (outbox_waits_idx, postings_pkey). Where the account offers
// no call, what takes back is parked for a person, and what only makes frozen points
// spent ends. One in doubt of what was given up waits on: it may have been taken back,
// and a correction would take it once more. Rows that somebody is changing are left for
// the next time. No row counted means that all wait on.
const sqlReleaseTakeBacks = `
WITH ready AS (
    SELECT x.operation_id, COALESCE(c.member_id, p.member_id) AS member_id, o.member_id IS NULL AS by_code,
           o.kind = ANY ($3::text[]) AS offered,
           CASE WHEN p.kind = 'voided' AND c.operation_id IS NULL THEN 'nothing_to_take_back'
                WHEN o.kind = 'consume_frozen' AND o.kind <> ALL ($3::text[]) THEN 'no_call_needed' END AS ends
      FROM outbox x
      JOIN operations o ON o.id = ANY (ARRAY[x.operation_id])
      JOIN postings p ON p.operation_id = ANY (ARRAY[x.waits_for])
      LEFT JOIN corrections c ON c.operation_id = ANY (ARRAY[x.waits_for])
     WHERE x.target = $1 AND x.waits_for IS NOT NULL AND x.state = 'pending'
       AND NOT (x.in_doubt AND p.kind = 'voided' AND c.operation_id IS NULL)
     ORDER BY x.waits_for
     LIMIT $2
       FOR UPDATE OF x SKIP LOCKED
), ended AS (
    DELETE FROM outbox x USING ready r WHERE x.operation_id = ANY (ARRAY[r.operation_id]) AND r.ends IS NOT NULL RETURNING x.operation_id, r.ends
), voided AS (
    INSERT INTO postings (operation_id, kind, evidence, attempts)
    SELECT operation_id, 'voided', ends, 0 FROM ended
), released AS (
    UPDATE outbox x
       SET waits_for = NULL, next_attempt_at = now(), resolved_member_id = CASE WHEN r.by_code THEN r.member_id END,
           state = CASE WHEN r.offered THEN 'pending' ELSE 'parked' END, cause = CASE WHEN NOT r.offered THEN 'no_vendor_call' END
      FROM ready r
     WHERE x.operation_id = ANY (ARRAY[r.operation_id]) AND r.ends IS NULL
    RETURNING x.state
)
SELECT (SELECT count(*) FROM released WHERE state = 'pending'), (SELECT count(*) FROM released WHERE state = 'parked'), (SELECT count(*) FROM ended)`

// releaseMost is how many operations are let go at once.
const releaseMost = 1000

// Released says what became of operations that waited for their origin.
type Released struct {
	// Due may be sent now; ByHand are work for a person, as the account offers no call;
	// Ended needs nothing.
	Due, ByHand, Ended int
}

// ReleaseTakeBacks lets go what waited for its origin at an account that offers these
// calls.
func (w *Waiting) ReleaseTakeBacks(ctx context.Context, account string, offered []ledger.Kind) (r Released, err error) {
	kinds := make([]string, len(offered))
	for i, kind := range offered {
		kinds[i] = string(kind)
	}
	if err := w.pool.QueryRow(ctx, sqlReleaseTakeBacks, account, releaseMost, kinds).Scan(&r.Due, &r.ByHand, &r.Ended); err != nil {
		return r, fmt.Errorf("release take-backs: %w", err)
	}
	return r, nil
}
