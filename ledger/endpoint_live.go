package ledger

import (
	"context"
	"fmt"
)

// LiveFinding is what a live check has shown of an endpoint: calls that a person
// had made on purpose, with a key and a reference of their own.
type LiveFinding struct {
	// Honoured: a repeated call had no further effect; nil when that was not seen.
	Honoured *bool
	// Echoed: a record ends with the reference of the call. Only true teaches: what
	// is missing samples tell.
	Echoed bool
}

// sqlKeepLive keeps the findings of a live check (endpoints_pkey, one row). Where
// samples have told whether references are shown, they know better.
const sqlKeepLive = `
INSERT INTO endpoints AS e (target, endpoint, keys_seen_at, reference_state, shown_since)
VALUES ($1, $2, CASE WHEN $3::boolean THEN now() END, CASE WHEN $4::boolean THEN 'shown' ELSE 'unknown' END, CASE WHEN $4::boolean THEN now() END)
ON CONFLICT (target, endpoint) DO UPDATE
   SET keys_seen_at = CASE WHEN $3::boolean IS NULL THEN e.keys_seen_at WHEN $3::boolean THEN now() END,
       state_since = CASE WHEN $4::boolean AND e.reference_state = 'unknown' THEN now() ELSE e.state_since END,
       shown_since = CASE WHEN $4::boolean AND e.reference_state = 'unknown' THEN now() ELSE e.shown_since END,
       reference_state = CASE WHEN $4::boolean AND e.reference_state = 'unknown' THEN 'shown' ELSE e.reference_state END`

// KeepLiveFinding keeps what a live check has shown of an account's endpoint.
func (s *Store) KeepLiveFinding(ctx context.Context, account, endpoint string, f LiveFinding) error {
	if _, err := s.pool.Exec(ctx, sqlKeepLive, account, endpoint, f.Honoured, f.Echoed); err != nil {
		return fmt.Errorf("keep what a live check showed of account %s: %w", account, err)
	}
	return nil
}
