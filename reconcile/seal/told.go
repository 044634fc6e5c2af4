package seal

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// told compares an operation with what ended it or is to be done.
func (v *verification) told(c *Check, s *story) {
	c.Checked++
	found := func(what string, args ...any) { v.found(c, s.finding(NotTold, what, args...)) }
	posted := s.postingKind != ""
	switch {
	case s.points == 0 && (posted || s.isOpen):
		found("it has nothing to send, and a row that says how that ended or what is to be done")
	case s.points == 0:
	case posted && s.isOpen:
		found("it has ended, and is still to be sent")
	case !posted && !s.isOpen:
		found("nothing says how it ended, and nothing is to be done: a row of postings or outbox is missing")
	}
	left := s.points - s.nettedPoints
	switch {
	case left < 0:
		found("refunds took %d points from it, and it had %d", s.nettedPoints, s.points)
	case posted && valueOr(s.postingPoints, s.points) != left:
		found("its posting says %d points; %d less %d that refunds took are %d", valueOr(s.postingPoints, s.points), s.points, s.nettedPoints, left)
	case s.isOpen && valueOr(s.openPoints, s.points) != left:
		found("outbox would send %d points; %d less %d that refunds took are %d", valueOr(s.openPoints, s.points), s.points, s.nettedPoints, left)
	}
	if s.postingKind == string(ledger.Posted) && s.memberID != "" && s.postingMember != "" && s.postingMember != s.memberID {
		found("its posting is of another member")
	}
	if s.isOpen && s.openTarget != s.target {
		found("outbox would send it to account %s", s.openTarget)
	}
	if s.isOpen && s.memberID != "" && s.openMember != "" && s.openMember != s.memberID {
		found("outbox would send it to another member")
	}
	if s.correctedAt != nil && s.postingKind != string(ledger.Voided) {
		found("it is corrected as voided, and was not voided")
	}
}

func valueOr(n *int64, otherwise int64) int64 {
	if n == nil {
		return otherwise
	}
	return *n
}

// sqlOrphans finds rows of operations that are not there. It reads the tables once.
const sqlOrphans = `
SELECT t.name, t.operation_id FROM (
    SELECT 'postings' AS name, operation_id FROM postings
    UNION ALL SELECT 'outbox', operation_id FROM outbox
    UNION ALL SELECT 'corrections', operation_id FROM corrections
    UNION ALL SELECT 'attempts', operation_id FROM attempts
    UNION ALL SELECT 'reversals', operation_id FROM reversals
    UNION ALL SELECT 'reversals', origin_id FROM reversals) AS t
 WHERE NOT EXISTS (SELECT FROM operations o WHERE o.id = t.operation_id)`

func (v *verification) orphans(ctx context.Context, tx pgx.Tx, c *Check) error {
	rows, err := tx.Query(ctx, sqlOrphans)
	if err != nil {
		return fmt.Errorf("look for rows of no operation: %w", err)
	}
	var f Finding
	_, err = pgx.ForEachRow(rows, []any{&f.Table, &f.ID}, func() error {
		f.Kind, f.What = NotTold, fmt.Sprintf("%s has a row of operation %d, which is not there", f.Table, f.ID)
		v.found(c, f)
		return nil
	})
	if err != nil {
		return fmt.Errorf("look for rows of no operation: %w", err)
	}
	return nil
}

// clocksApart is how far the broker's clock and the database's may be apart. Instants of
// one clock may be Window apart: it may have been set.
const clocksApart = time.Hour

// times compares the instants of an operation with each other.
func (v *verification) times(c *Check, s *story) {
	c.Checked++
	ends := v.At.Add(Window)
	apart := Window
	order := func(early time.Time, earlyWords string, late *time.Time, lateWords string) {
		if late != nil && late.Before(early.Add(-apart)) {
			v.found(c, s.finding(TimesContradict, "%s %s is before %s %s", lateWords, late.UTC().Format(time.RFC3339), earlyWords, early.UTC().Format(time.RFC3339)))
		}
	}
	order(s.eventTime, "its event's time", &s.brokerTime, "the broker's time")
	apart = clocksApart
	order(s.brokerTime, "the broker's time", &s.recordedAt, "recorded_at")
	apart = Window
	order(s.recordedAt, "recorded_at", s.postedAt, "posted_at")
	order(s.recordedAt, "recorded_at", &ends, "now,")
	if s.firstSentAt != nil {
		order(*s.firstSentAt, "first_sent_at", s.postedAt, "posted_at")
	}
	if s.lastAttemptAt != nil {
		order(*s.lastAttemptAt, "an attempt that was made before,", s.postedAt, "posted_at")
	}
	if s.postedAt != nil {
		order(*s.postedAt, "posted_at", s.correctedAt, "corrected_at")
		order(*s.postedAt, "posted_at", &ends, "now,")
	}
}
