package waiting

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// sqlFindCorrected finds take-backs that ended because their origin had been given up,
// of origins that the vendor has applied all the same, and that have no further one:
// of one fact and origin the later operation is the further one (corrections,
// reversals_origin_idx, postings_pkey, operations_one_per_fact). Locks nothing.
const sqlFindCorrected = `
SELECT t.id, t.target, t.kind, t.biz_id, t.reason, t.reference, t.fact_key, g.biz_id
  FROM corrections c
  JOIN reversals r ON r.origin_id = c.operation_id AND NOT r.netted
  JOIN postings p ON p.operation_id = ANY (ARRAY[r.operation_id]) AND p.kind = 'voided' AND p.evidence = 'nothing_to_take_back'
 CROSS JOIN LATERAL (SELECT * FROM operations WHERE id = r.operation_id OFFSET 0) AS t
 CROSS JOIN LATERAL (SELECT biz_id FROM operations WHERE id = r.origin_id OFFSET 0) AS g
 WHERE NOT EXISTS (SELECT 1 FROM reversals f
                    CROSS JOIN LATERAL (SELECT fact_key FROM operations WHERE id = f.operation_id OFFSET 0) AS o
                    WHERE f.origin_id = r.origin_id AND f.operation_id > t.id AND o.fact_key = t.fact_key OFFSET 0)
 ORDER BY t.id
 LIMIT $1`

// sqlTakeBackFurther records what a take-back would have taken once more, under a key of
// its own; it waits for its origin, which has ended, so that it goes the way of every
// other. It takes no further part of the origin's amount: what is kept was counted by the
// first. No row means that another worker has done it (operations_one_per_key).
const sqlTakeBackFurther = `
WITH recorded AS (
    INSERT INTO operations (target, kind, biz_id, business_key, member_id, member_code, points, source_type, points_channel, reason, reference,
                            business_date, shop_code, amount_fen, mapping_version, event_source, event_id, event_type, event_time,
                            event_subject, stream_seq, broker_time, data, fact_key, fact_leg)
    SELECT target, kind, $2, business_key, member_id, member_code, points, source_type, points_channel, $3, $4,
           business_date, shop_code, amount_fen, mapping_version, event_source, event_id, event_type, event_time,
           event_subject, stream_seq, broker_time, data, fact_key, (SELECT max(fact_leg) + 1 FROM operations WHERE fact_key = o.fact_key)
      FROM operations o
     WHERE id = $1
    ON CONFLICT ON CONSTRAINT operations_one_per_key DO NOTHING
    RETURNING id, target
), tied AS (
    INSERT INTO reversals (operation_id, origin_id, amount_fen, kept_before, kept_after, netted, ends)
    SELECT n.id, r.origin_id, 0, r.kept_before, r.kept_after, false, false
      FROM recorded n
     CROSS JOIN reversals r
     WHERE r.operation_id = $1
)
INSERT INTO outbox (operation_id, target, state, waits_for)
SELECT n.id, n.target, 'pending', r.origin_id
  FROM recorded n
 CROSS JOIN reversals r
 WHERE r.operation_id = $1`

// correctedMost is how many corrections are followed at once.
const correctedMost = 100

// takeBack is one that ended with nothing to take back.
type takeBack struct {
	id                ledger.OperationID
	account           string
	kind              ledger.Kind
	bizID, origin     ledger.BizID
	reason, reference string
	fact              [16]byte
}

// FurtherBizID is the dedup key of the take-back that follows a correction, from the key
// of the one that found nothing to take back.
func FurtherBizID(first, origin ledger.OperationKey, fact ledger.FactKey) ledger.BizID {
	return ledger.NewBizID(string(first.BizID[:ledger.LegChars]), first.Account, fact.String(), string(origin.BizID), "applied after a void")
}

// TakeBackCorrected takes back what had been given up, so that nothing was taken from it,
// and was applied by the vendor all the same; it says how many operations that were.
func (w *Waiting) TakeBackCorrected(ctx context.Context) (further int, err error) {
	rows, err := w.pool.Query(ctx, sqlFindCorrected, correctedMost)
	if err != nil {
		return 0, fmt.Errorf("find take-backs of corrected voids: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t takeBack, err error) {
		return t, row.Scan(&t.id, &t.account, &t.kind, &t.bizID, &t.reason, &t.reference, &t.fact, &t.origin)
	})
	if err != nil {
		return 0, fmt.Errorf("find take-backs of corrected voids: %w", err)
	}
	var errs []error
	for i := range found {
		t := &found[i]
		id := FurtherBizID(ledger.OperationKey{Account: t.account, BizID: t.bizID}, ledger.OperationKey{Account: t.account, BizID: t.origin}, t.fact)
		reference := ledger.ReferenceOf(id)
		reason := strings.TrimSuffix(t.reason, t.reference) + reference
		tag, err := w.pool.Exec(ctx, sqlTakeBackFurther, int64(t.id), string(id), reason, reference)
		if err != nil {
			errs = append(errs, fmt.Errorf("take back what was applied after a void (operation %d): %w", t.id, err))
			continue
		}
		further += int(tag.RowsAffected())
	}
	return further, errors.Join(errs...)
}
