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
// square of it, 64 times. The best of twelve times each is compared, taken in turns and
// beside no other test of the package, so that a busy machine does not matter.
func TestJudgeOfAMemberWithMany(t *testing.T) {
	known := evidence.Knowledge{References: evidence.ReferencesShown, QuietAfter: time.Minute, Zone: evidence.Zone{Known: true}}
	sizes := [2]int{500, 4000}
	best := [2]time.Duration{time.Hour, time.Hour}
	for range 12 {
		for i, n := range sizes {
			op, reading, issued := manyOf(n)
			began := time.Now()
			if j := evidence.Judge(op, reading, issued, known); j.Verdict != evidence.Absent {
				t.Fatalf("%+v", j)
			}
			best[i] = min(best[i], time.Since(began))
		}
	}
	if best[1] > 30*best[0] {
		t.Errorf("500 operations take %v, and 4,000 take %v", best[0], best[1])
	}
}
