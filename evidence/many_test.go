package evidence_test

import (
	"fmt"
	"testing"
	"time"

	"pointsledger/evidence"
	"pointsledger/ledger"
)

// manyOf is a member with n operations, all of which its records show, and one
// more that they do not show.
func manyOf(n int) (evidence.Operation, evidence.Reading, []evidence.Issued) {
	now := time.Now()
	reading := evidence.Reading{Complete: true, BeganAt: now}
	var issued []evidence.Issued
	for i := range n {
		reference := ledger.ReferenceOf(ledger.NewBizID("pa", fmt.Sprint(i)))
		o := evidence.Issued{Reference: reference, Reason: fmt.Sprintf("订单SO-%d #%s", i, reference), Points: 100, Confirmed: true}
		o.SentAt = now.Add(-time.Duration(i) * time.Minute)
		o.ConfirmedAt = o.SentAt
		issued = append(issued, o)
		reading.Records = append(reading.Records, evidence.Record{Award: true, Points: 100, Text: o.Reason, At: o.SentAt})
	}
	reference := ledger.ReferenceOf(ledger.NewBizID("pa", "sought"))
	return evidence.Operation{MemberID: "1", Reference: reference, Reason: "订单SO-sought #" + reference, Points: 100,
		FirstSentAt: now.Add(-time.Hour), QuietSince: now.Add(-50 * time.Minute)}, reading, issued
}

// A judgement of a member that holds most of a shop's sales costs about what its
// lists cost to read: eight times as many operations cost far less than the
// square of it, 64 times. The best of five times each is compared, so that a busy
// machine does not matter.
func TestJudgeOfAMemberWithMany(t *testing.T) {
	t.Parallel()
	known := evidence.Knowledge{References: evidence.ReferencesShown, QuietAfter: time.Minute, Zone: evidence.Zone{Known: true}}
	least := func(n int) time.Duration {
		op, reading, issued := manyOf(n)
		best := time.Hour
		for range 5 {
			began := time.Now()
			if j := evidence.Judge(op, reading, issued, known); j.Verdict != evidence.Absent {
				t.Fatalf("%+v", j)
			}
			best = min(best, time.Since(began))
		}
		return best
	}
	if few, many := least(500), least(4000); many > 30*few {
		t.Errorf("500 operations take %v, and 4,000 take %v", few, many)
	}
}
