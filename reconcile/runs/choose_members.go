package runs

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// sqlMembersChanged chooses the members with a movement in the window: something ended, or
// was sent and has not ended. It reads postings as a whole.
const sqlMembersChanged = `
INSERT INTO reconcile_members (run_id, account, member_id)
SELECT DISTINCT @run::bigint, m.target, m.member_id
  FROM (SELECT o.target, COALESCE(c.member_id, p.member_id, o.member_id) AS member_id
          FROM postings p
          JOIN operations o ON o.id = p.operation_id
          LEFT JOIN corrections c ON c.operation_id = p.operation_id
         WHERE o.target = ANY (@accounts::text[]) AND o.kind IN ('points_add', 'points_deduct')
           AND (p.posted_at >= @from AND p.posted_at < @until OR c.corrected_at >= @from AND c.corrected_at < @until)
        UNION ALL
        SELECT o.target, COALESCE(x.resolved_member_id, o.member_id)
          FROM outbox x
          JOIN operations o ON o.id = x.operation_id
         WHERE o.target = ANY (@accounts) AND o.kind IN ('points_add', 'points_deduct') AND x.first_sent_at IS NOT NULL AND o.recorded_at < @until) AS m
 WHERE m.member_id <> ''`

// sqlMembersSample keeps some of those that were chosen.
const sqlMembersSample = `
DELETE FROM reconcile_members
 WHERE run_id = $1 AND (account, member_id) NOT IN (
       SELECT account, member_id FROM reconcile_members WHERE run_id = $1 ORDER BY md5($1::text || account || member_id) LIMIT $2)`

// sqlMembersAll chooses all members that the ledger knows at the accounts. It reads
// operations and postings as a whole.
const sqlMembersAll = `
INSERT INTO reconcile_members (run_id, account, member_id)
SELECT DISTINCT @run::bigint, m.target, m.member_id
  FROM (SELECT o.target, o.member_id
          FROM operations o
         WHERE o.target = ANY (@accounts::text[]) AND o.kind IN ('points_add', 'points_deduct')
        UNION ALL
        SELECT o.target, p.member_id
          FROM postings p
          JOIN operations o ON o.id = p.operation_id
         WHERE p.by_code AND o.target = ANY (@accounts) AND o.kind IN ('points_add', 'points_deduct')) AS m
 WHERE m.member_id <> ''`

// sqlMembersList chooses those that are named.
const sqlMembersList = `
INSERT INTO reconcile_members (run_id, account, member_id, state)
SELECT DISTINCT $1::bigint, a, m, $4
  FROM unnest($2::text[]) AS a, unnest($3::text[]) AS m
 WHERE m <> ''`

// insertMembers chooses whose records are read.
func (run *running) insertMembers(ctx context.Context, tx pgx.Tx, a *Asked) (err error) {
	args := pgx.StrictNamedArgs{"run": run.id, "accounts": run.readable()}
	window := pgx.StrictNamedArgs{"run": run.id, "accounts": run.readable(), "from": run.from, "until": run.until}
	switch {
	case run.choice == List:
		state := "asked"
		if run.source == fromFile {
			state = "read"
		}
		_, err = tx.Exec(ctx, sqlMembersList, run.id, run.names, a.Members, state)
	case run.source != fromVendor:
	case run.choice == All:
		_, err = tx.Exec(ctx, sqlMembersAll, args)
	default:
		if _, err = tx.Exec(ctx, sqlMembersChanged, window); err == nil && run.choice == Sample {
			_, err = tx.Exec(ctx, sqlMembersSample, run.id, a.SampleSize)
		}
	}
	if err != nil {
		return fmt.Errorf("choose members: %w", err)
	}
	return nil
}

// readable are the accounts that can be asked.
func (run *running) readable() (names []string) {
	for _, a := range run.accounts {
		if a.Reader != nil {
			names = append(names, a.Name)
		}
	}
	return names
}
