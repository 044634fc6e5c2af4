package seal

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// story is all that the ledger says of one operation.
type story struct {
	id                                                int64
	target, kind, bizID, businessKey                  string
	memberID, memberCode                              string
	points                                            int64
	sourceType, channel                               int16
	reason, reference, businessDate, shop             string
	amountFen                                         *int64
	version, source, eventID, typ                     string
	eventTime, brokerTime, recordedAt                 time.Time
	streamSeq                                         int64
	data                                              string
	factKey                                           *[16]byte
	factLeg                                           *int16
	originID, keptBefore, keptAfter                   *int64
	shareFen                                          *int64
	netted                                            *bool
	originTarget, originKind, originBizID             string
	originMember, originCode, originShop              string
	originSourceType, originChannel                   int16
	nettedPoints                                      int64
	postingKind, evidence                             string
	postingMember                                     string
	postingPoints                                     *int64
	postedAt, firstSentAt, correctedAt, lastAttemptAt *time.Time
	isOpen                                            bool
	openPoints                                        *int64
	openTarget, openMember                            string
}

// sqlStories reads each operation with what ended it or is to be done, in the order of
// the ids. It reads the whole of the tables once, so the planner is left alone.
const sqlStories = `
SELECT o.id, o.target, o.kind, o.biz_id, o.business_key, COALESCE(o.member_id, ''), COALESCE(o.member_code, ''), o.points,
       COALESCE(o.source_type, 0), COALESCE(o.points_channel, 0), o.reason, o.reference, to_char(o.business_date, 'YYYY-MM-DD'), COALESCE(o.shop_code, ''),
       o.amount_fen, o.mapping_version, o.event_source, o.event_id, o.event_type, o.event_time, o.broker_time, o.recorded_at, o.stream_seq, o.data,
       o.fact_key, o.fact_leg, r.origin_id, r.kept_before, r.kept_after, r.amount_fen, r.netted,
       COALESCE(g.target, ''), COALESCE(g.kind, ''), COALESCE(g.biz_id, ''), COALESCE(g.member_id, ''), COALESCE(g.member_code, ''), COALESCE(g.shop_code, ''),
       COALESCE(g.source_type, 0), COALESCE(g.points_channel, 0),
       COALESCE((SELECT sum(t.points) FROM reversals v JOIN operations t ON t.id = v.operation_id WHERE v.origin_id = o.id AND v.netted), 0)::bigint,
       COALESCE(p.kind, ''), COALESCE(p.evidence, ''), COALESCE(p.member_id, ''), p.points, p.posted_at, p.first_sent_at, c.corrected_at,
       (SELECT max(a.at) FROM attempts a WHERE a.operation_id = o.id AND a.outcome NOT IN ('applied', 'already_applied')
           AND COALESCE(a.error, '') NOT LIKE 'stray outbox row removed%'),
       x.operation_id IS NOT NULL, x.points, COALESCE(x.target, ''), COALESCE(x.resolved_member_id, '')
  FROM operations o
  LEFT JOIN reversals r ON r.operation_id = o.id
  LEFT JOIN operations g ON g.id = r.origin_id
  LEFT JOIN postings p ON p.operation_id = o.id
  LEFT JOIN corrections c ON c.operation_id = o.id
  LEFT JOIN outbox x ON x.operation_id = o.id
 ORDER BY o.id`

// stories hands over each operation; only one is in memory.
func (v *verification) stories(ctx context.Context, tx pgx.Tx, f func(*story)) error {
	rows, err := tx.Query(ctx, sqlStories)
	if err != nil {
		return fmt.Errorf("read operations: %w", err)
	}
	var s story
	_, err = pgx.ForEachRow(rows, []any{&s.id, &s.target, &s.kind, &s.bizID, &s.businessKey, &s.memberID, &s.memberCode, &s.points,
		&s.sourceType, &s.channel, &s.reason, &s.reference, &s.businessDate, &s.shop,
		&s.amountFen, &s.version, &s.source, &s.eventID, &s.typ, &s.eventTime, &s.brokerTime, &s.recordedAt, &s.streamSeq, &s.data,
		&s.factKey, &s.factLeg, &s.originID, &s.keptBefore, &s.keptAfter, &s.shareFen, &s.netted,
		&s.originTarget, &s.originKind, &s.originBizID, &s.originMember, &s.originCode, &s.originShop, &s.originSourceType, &s.originChannel,
		&s.nettedPoints, &s.postingKind, &s.evidence, &s.postingMember, &s.postingPoints, &s.postedAt, &s.firstSentAt, &s.correctedAt,
		&s.lastAttemptAt, &s.isOpen, &s.openPoints, &s.openTarget, &s.openMember}, func() error {
		f(&s)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read operations: %w", err)
	}
	return nil
}

// finding is one about the operation.
func (s *story) finding(kind, what string, args ...any) Finding {
	return Finding{Kind: kind, Table: "operations", ID: s.id, BusinessKey: s.businessKey, What: fmt.Sprintf("operations %d: ", s.id) + fmt.Sprintf(what, args...)}
}
