package match_test

import (
	"fmt"
	"testing"
	"time"

	"pointsledger/ledger"
	"pointsledger/reconcile/match"
)

// A shop may book all its anonymous sales on one member, of equal points, where records
// show no references and no zone is known: any may be any, and that is said in seconds.
func TestMemberWithMany(t *testing.T) {
	t.Parallel()
	const many = 10_000
	from := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	known := match.Known{From: from, Until: from.AddDate(0, 1, 0), Slack: 26 * time.Hour}
	for lost, kind := range map[int]match.Kind{0: "", 1: match.Ambiguous} {
		m := match.Member{Account: "zhimai", ID: "1", ReadAt: known.Until}
		for i := range many {
			at := from.Add(time.Duration(i) * 200 * time.Second)
			m.Postings = append(m.Postings, match.Posting{ID: ledger.OperationID(i + 1), BizID: fmt.Sprint(i), Reference: fmt.Sprintf("R%012d", i), Reason: fmt.Sprintf("SO-%d", i), Points: 10,
				State: match.Posted, SentAt: at, EndedAt: at.Add(time.Second), Reached: true})
			if i >= lost {
				m.Records = append(m.Records, match.Record{ID: int64(i + 1), Points: 10, Text: "消费积分", At: at})
			}
		}
		began := time.Now()
		out := match.Compare(&m, &known)
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("it took %v", took)
		}
		switch {
		case lost == 0 && (out.Proposed != many || len(out.Items) != 0):
			t.Errorf("all there: %+v, %d items", out.Totals, len(out.Items))
		case lost == 1 && (len(out.Items) != 1 || out.Items[0].Kind != kind || out.LedgerPoints-out.VendorPoints != 10):
			t.Errorf("one lost: %+v, %d items", out.Totals, len(out.Items))
		}
	}
}
