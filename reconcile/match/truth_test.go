package match_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pointsledger/ledger"
	"pointsledger/reconcile/match"
)

// what became of a posting at a vendor that shows what it did, with whatever text.
type fate struct{ applied, others int }

// shops makes some postings of few amounts in some minutes, and what a vendor made of them:
// it lost some, applied some twice or with other points, and some texts were edited.
func shops(random *rand.Rand, known *match.Known) (m match.Member, fates map[ledger.OperationID]fate) {
	m = match.Member{Account: "zhimai", ID: "1", ReadAt: until.Add(time.Hour)}
	fates = map[ledger.OperationID]fate{}
	record := func(points int64, text string, at time.Time) {
		m.Records = append(m.Records, match.Record{ID: int64(len(m.Records) + 1), Points: points, Text: text, At: at})
	}
	for i := range 1 + random.IntN(6) {
		at := from.Add(6*time.Hour + time.Duration(random.IntN(900))*time.Second)
		biz := ledger.NewBizID("pa", "zhimai", fmt.Sprint(i))
		p := match.Posting{ID: ledger.OperationID(i + 1), BizID: string(biz), Reference: ledger.ReferenceOf(biz), Reason: fmt.Sprintf("订单%d #%s", i, ledger.ReferenceOf(biz)),
			Points: int64(10 * (1 + random.IntN(2))), State: match.Posted, SentAt: at, EndedAt: at.Add(time.Second), Reached: true}
		text := p.Reason
		if !known.References || random.IntN(5) == 0 {
			text = "消费积分"
		}
		var f fate
		for range []int{1, 1, 1, 0, 2}[random.IntN(5)] {
			points := p.Points
			if random.IntN(6) == 0 {
				points += 5
				f.others++
			}
			f.applied++
			record(points, text, at.Add(time.Duration(random.IntN(60))*time.Second))
		}
		fates[p.ID] = f
		m.Postings = append(m.Postings, p)
	}
	for range random.IntN(3) { // other sources, and spent points
		record([]int64{10, 20, -10, 33}[random.IntN(4)], "门店活动", from.Add(6*time.Hour+time.Duration(random.IntN(900))*time.Second))
	}
	return m, fates
}

// It is right or says that it cannot tell: what it calls lost has no record of its points,
// what it calls other points or twice is, and what it closes by reference is a pair.
func TestRightOrAmbiguous(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20_000) {
		random := rand.New(rand.NewPCG(seed, 2))
		known := match.Known{References: seed%2 == 0, From: from, Until: until, Slack: 2 * time.Minute}
		m, fates := shops(random, &known)
		out := match.Compare(&m, &known)
		for i := range out.Items {
			it := &out.Items[i]
			f, wrong := fates[it.Operation], false
			switch it.Kind {
			case match.OnlyInLedger:
				wrong = f.applied > f.others || known.References && f.others > 0 && !edited(&m, it.Operation)
			case match.AmountDiffers:
				wrong = f.others != 1 || f.applied != 1
			case match.AppliedTwice:
				wrong = f.applied < 2
			case match.Ambiguous:
			default:
				wrong = true
			}
			if wrong {
				t.Fatalf("seed %d: %s of operation %d, %+v\n%+v\n%+v", seed, it.Kind, it.Operation, f, m, out)
			}
		}
		for _, c := range out.Matches {
			if c.How == match.ByReference && (fates[c.Operation].applied != 1 || fates[c.Operation].others != 0) {
				t.Fatalf("seed %d: operation %d is closed, %+v\n%+v", seed, c.Operation, fates[c.Operation], m)
			}
		}
	}
}

// edited tells that no record shows the operation's reference.
func edited(m *match.Member, id ledger.OperationID) bool {
	for i := range m.Postings {
		if p := &m.Postings[i]; p.ID == id {
			for _, r := range m.Records {
				if r.Text == p.Reason {
					return false
				}
			}
		}
	}
	return true
}
