package desk

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
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
func (d *Desk) ForgetKnowledge(ctx context.Context, who Decision, account string) (endpoints int, err error) {
	if err := who.check(); err != nil {
		return 0, fmt.Errorf("forget knowledge: %w", err)
	}
	err = pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sqlForgetEndpoints, account)
		if err != nil {
			return err
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(names) == 0 {
			return err
		}
		endpoints = len(names)
		_, err = who.recordTx(ctx, tx, ledger.Act{Name: ActForget, Filter: "account " + account, SetSize: int64(len(names)),
			Result: "forgotten: what sampling had learned; workers begin anew"})
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("forget knowledge of account %s: %w", account, err)
	}
	return endpoints, nil
}
