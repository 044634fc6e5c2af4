package money

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// RunRecords are the records that a comparison with the vendor has kept, to be read once for what was
// redeemed and expired.
type RunRecords struct {
	// Account is the vendor account that was compared, From and To its days.
	Account  string
	From, To Day

	ctx    context.Context
	j      *Journals
	run    int64
	zone   string
	values *Values
	counts RecordCounts
}

// sqlRunOf is a comparison. No row: there is none.
const sqlRunOf = `
SELECT r.account, r.from_date::text, r.to_date::text, r.zone, r.source, r.members_asked, r.state, r.members_failed,
       (SELECT count(DISTINCT m.account) FROM reconcile_members m WHERE m.run_id = r.id), COALESCE((SELECT min(m.account) FROM reconcile_members m WHERE m.run_id = r.id), '')
  FROM reconcile_runs r
 WHERE r.id = $1`

// OpenRun finds a comparison whose records say what was redeemed on all days from its first to its last; the
// error may be a *RunError.
func (j *Journals) OpenRun(ctx context.Context, run int64, v *Values) (*RunRecords, error) {
	r := &RunRecords{ctx: ctx, j: j, run: run, values: v}
	var source, asked, state, only string
	var failed, accounts int64
	err := j.pool.QueryRow(ctx, sqlRunOf, run).Scan(&r.Account, &r.From, &r.To, &r.zone, &source, &asked, &state, &failed, &accounts, &only)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, &RunError{run, "there is no such comparison"}
	case err != nil:
		return nil, fmt.Errorf("read comparison %d: %w", run, err)
	case state != "done":
		return nil, &RunError{run, "it has not ended: go on with it first"}
	case source == "none":
		return nil, &RunError{run, "it read no records"}
	case failed > 0:
		return nil, &RunError{run, fmt.Sprintf("the records of %d members could not be read: what they redeemed is not known", failed)}
	case source == "vendor" && asked != "all" || asked == "sample" || asked == "list":
		return nil, &RunError{run, "it read some members only: what others redeemed is not known; compare all members, or an export"}
	case r.Account == "" && accounts != 1:
		return nil, &RunError{run, "it is of several vendor accounts: compare one"}
	case r.Account == "":
		r.Account = only
	}
	return r, nil
}

// Close does nothing: the ledger stays open.
func (r *RunRecords) Close() error { return nil }

// Counts are those of what was read.
func (r *RunRecords) Counts() RecordCounts { return r.counts }

// sqlRunRecords are the records of a comparison's days, each with whether it is one of the ledger's own: as a whole,
// row by row. A record with a date alone is kept at its noon.
const sqlRunRecords = `
SELECT COALESCE((c.at AT TIME ZONE CASE WHEN c.date_only THEN @run_zone ELSE @zone END)::date::text, ''), c.member_id, c.points, c.text,
       COALESCE(c.reference IS NOT NULL OR m.how IN ('reference', 'proposed', 'in_transit'), false)
  FROM reconcile_records c
  LEFT JOIN reconcile_matches m ON m.run_id = c.run_id AND m.record_id = c.id
 WHERE c.run_id = @run AND c.account = @account`

// Redemptions are the records that took points from a member and that the comparison has not found to be the
// ledger's own.
func (r *RunRecords) Redemptions() Redemptions {
	return func(yield func(Redemption, error) bool) {
		rows, err := r.j.pool.Query(r.ctx, sqlRunRecords, pgx.StrictNamedArgs{"run": r.run, "account": r.Account, "run_zone": r.zone, "zone": r.values.Zone.String()})
		if err != nil {
			yield(Redemption{}, fmt.Errorf("read the records of comparison %d: %w", r.run, err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var found Redemption
			var text string
			var ours bool
			if err := rows.Scan(&found.Day, &found.Member, &found.Points, &text, &ours); err != nil {
				yield(Redemption{}, fmt.Errorf("read the records of comparison %d: %w", r.run, err))
				return
			}
			switch {
			case ours:
				r.counts.Ours++
				continue
			case found.Points >= 0:
				r.counts.Given++
				continue
			case found.Day == "":
				yield(Redemption{}, &RunError{r.run, "the vendor's records have no times"})
				return
			case found.Day < r.From:
				r.counts.Ignored++
				continue
			}
			found.Points = -found.Points
			found.Expired = r.values.expired(text)
			if !yield(found, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Redemption{}, fmt.Errorf("read the records of comparison %d: %w", r.run, err))
		}
	}
}

// expired: a record with this text is one of points that ran out.
func (v *Values) expired(text string) bool {
	for _, part := range v.Expiry {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}
