package ledger

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// ActForget is what an act is called that had knowledge forgotten.
const ActForget = "forget endpoint knowledge"

// sqlForgetEndpoints drops what is known of an account, at every endpoint, with
// its samples and extents. No row means that nothing was known. A worker that
// samples finds its lease gone, and begins anew (endpoints_pkey). That an endpoint
// was called, and until when, is no habit of the vendor's and stays: a doubt of a
// call to one of them is not cleared at another (TestEndpointIsAloneSince).
const sqlForgetEndpoints = `
WITH samples AS (
    DELETE FROM endpoint_samples WHERE target = $1
), extents AS (
    DELETE FROM endpoint_extents WHERE target = $1
)
UPDATE endpoints
   SET first_used_at = now(), reference_state = 'unknown', state_since = now(), shown_since = NULL, zone_offset_minutes = NULL,
       keys_seen_at = NULL, newest_operation_id = NULL, newest_sent_at = NULL, wanted_at = NULL, sampled_at = NULL,
       lease_token = 0, lease_until = GREATEST(newest_sent_at, LEAST(lease_until, now()))
 WHERE target = $1
RETURNING endpoint`

// ForgetKnowledge drops what sampling has learned of an account, at every
// endpoint, and keeps the act. It returns how many endpoints were known; 0 means
// that there was nothing to forget, and no act is kept. From then on nothing that
// was confirmed before counts.
func (s *Store) ForgetKnowledge(ctx context.Context, who Decision, account string) (endpoints int, err error) {
	if err := who.check(); err != nil {
		return 0, fmt.Errorf("forget knowledge: %w", err)
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sqlForgetEndpoints, account)
		if err != nil {
			return err
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(names) == 0 {
			return err
		}
		endpoints = len(names)
		_, err = who.recordTx(ctx, tx, Act{Name: ActForget, Filter: "account " + account, SetSize: int64(len(names)),
			Result: "forgotten: what sampling had learned; workers begin anew"})
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("forget knowledge of account %s: %w", account, err)
	}
	return endpoints, nil
}

// KnownEndpoint is an account at an endpoint, with what is known of it.
type KnownEndpoint struct {
	Account, Endpoint string
	EndpointKnowledge
}

// sqlKnownEndpoints names all endpoints, the account's newest first: a few rows.
const sqlKnownEndpoints = `SELECT target, endpoint FROM endpoints ORDER BY target, first_used_at DESC, endpoint`

// KnownEndpoints returns what is known of every account, by name; of an account
// that was pointed elsewhere also of the endpoints it had before.
func (s *Store) KnownEndpoints(ctx context.Context) ([]KnownEndpoint, error) {
	rows, err := s.pool.Query(ctx, sqlKnownEndpoints)
	if err != nil {
		return nil, fmt.Errorf("read endpoints: %w", err)
	}
	known, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (k KnownEndpoint, err error) {
		return k, row.Scan(&k.Account, &k.Endpoint)
	})
	if err != nil {
		return nil, fmt.Errorf("read endpoints: %w", err)
	}
	for i := range known {
		if known[i].EndpointKnowledge, err = s.Knowledge(ctx, known[i].Account, known[i].Endpoint); err != nil {
			return nil, err
		}
	}
	return known, nil
}
