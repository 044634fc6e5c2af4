package books

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
)

// sqlPersonIDs finds by what other ids the events about a member named the same person,
// as for a grant and a freeze (operations_member_idx). No rows means that they named
// none.
const sqlPersonIDs = `
SELECT DISTINCT v.id
  FROM operations o
  JOIN operation_status s ON s.id = o.id
 CROSS JOIN LATERAL (VALUES (s.published_customer_id), (s.published_member_id)) AS v(id)
 WHERE o.member_id = @member AND v.id IS NOT NULL`

// sqlPersonOperations finds a person's operations: those that name the member; those by
// another id of the person whose own event names nobody else; those that went to one of
// the ids without naming it, as by a scanned code (which reads postings, corrections and
// outbox as a whole); and what takes back from any of them.
const sqlPersonOperations = `
WITH named AS (
    SELECT o.id
      FROM operations o
      JOIN operation_status s ON s.id = o.id
     WHERE o.member_id = ANY (@ids::text[])
       AND (o.member_id = @member OR (COALESCE(s.published_customer_id = ANY (@ids), true) AND COALESCE(s.published_member_id = ANY (@ids), true)))
    UNION
    SELECT o.id FROM postings p JOIN operations o ON o.id = p.operation_id WHERE p.member_id = ANY (@ids) AND o.member_id IS DISTINCT FROM p.member_id
    UNION
    SELECT o.id FROM corrections c JOIN operations o ON o.id = c.operation_id WHERE c.member_id = ANY (@ids) AND o.member_id IS DISTINCT FROM c.member_id
    UNION
    SELECT o.id FROM outbox x JOIN operations o ON o.id = x.operation_id WHERE x.resolved_member_id = ANY (@ids) AND o.member_id IS NULL
)
SELECT id FROM named
UNION
SELECT r.operation_id FROM reversals r JOIN named n ON n.id = r.origin_id`

// person finds a member's ids, the one asked for first, and the operations about them.
func person(ctx context.Context, tx pgx.Tx, member string) (ids []string, operations []int64, err error) {
	others, err := collect(ctx, tx, sqlPersonIDs, pgx.StrictNamedArgs{"member": member}, pgx.RowTo[string])
	if err != nil {
		return nil, nil, err
	}
	slices.Sort(others)
	ids = []string{member}
	for _, id := range others {
		if id != member {
			ids = append(ids, id)
		}
	}
	operations, err = collect(ctx, tx, sqlPersonOperations, pgx.StrictNamedArgs{"ids": ids, "member": member}, pgx.RowTo[int64])
	if err == nil && len(operations) == 0 {
		err = ErrNobody
	}
	return ids, operations, err
}
