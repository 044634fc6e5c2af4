package seal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/ledger"
)

// ActCover is a person's act: what verify named was looked into, and stands.
const ActCover = "seal cover"

// Coverable are the findings of these kinds that an act can cover; of none named, those
// that came late and those that were lost: Inserted and LostCommits.
func (r *Result) Coverable(kinds ...string) (found []Finding) {
	if len(kinds) == 0 {
		kinds = []string{Inserted, LostCommits}
	}
	for _, f := range r.Findings {
		if f.covers != nil && slices.Contains(kinds, f.Kind) {
			found = append(found, f)
		}
	}
	return found
}

// CoverableKinds are the kinds of findings that an act can cover.
func CoverableKinds() []string { return slices.Clone(coverable) }

// filterMost bounds what an act says of what it covers.
const filterMost = 20

// sqlCover keeps what an act covers, by row and content: what is edited later is named
// again. What is covered already stays.
const sqlCover = `
INSERT INTO seal_covers (table_name, row_id, digest, action_id)
SELECT table_name, row_id, digest, $4 FROM unnest($1::text[], $2::bigint[], $3::bytea[]) AS c (table_name, row_id, digest)
ON CONFLICT ON CONSTRAINT seal_covers_pkey DO NOTHING`

// Cover covers findings by an act of a person, who has looked into them, and returns the
// act's id. They stay shown, as covered.
func Cover(ctx context.Context, pool *pgxpool.Pool, actor, reason string, findings []Finding) (act int64, err error) {
	var tables, named []string
	var ids []int64
	var digests [][]byte
	for _, f := range findings {
		if f.covers == nil {
			continue
		}
		table, id := f.coverTable(), f.coverID()
		tables, ids, digests = append(tables, table), append(ids, id), append(digests, f.covers)
		if len(named) < filterMost {
			named = append(named, fmt.Sprintf("%s %d", table, id))
		}
	}
	if len(ids) == 0 {
		return 0, ErrNothingToCover
	}
	filter := strings.Join(named, ", ")
	if more := len(ids) - len(named); more > 0 {
		filter += fmt.Sprintf(" and %d more", more)
	}
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if act, err = ledger.RecordActOn(ctx, tx, ledger.Act{Actor: actor, Name: ActCover, Filter: filter, Reason: reason, SetSize: int64(len(ids)), Result: "covered"}); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, sqlCover, tables, ids, digests, act)
		return err
	})
	var refused *pgconn.PgError
	const insufficientPrivilege, readOnly = "42501", "25006"
	switch {
	case errors.As(err, &refused) && (refused.Code == insufficientPrivilege || refused.Code == readOnly):
		return 0, ErrMayNotCover
	case err != nil:
		return 0, fmt.Errorf("cover what verify named: %w", err)
	}
	return act, nil
}
