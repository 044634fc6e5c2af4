package match_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pointsledger/ledger"
	"pointsledger/reconcile/match"
)

var (
	from  = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	until = from.AddDate(0, 0, 1)
)

// crowd is a member of few amounts within an hour at the end of the window, so that
// everything meets everything.
func crowd(random *rand.Rand) (match.Member, match.Known) {
	known := match.Known{References: random.IntN(2) == 0, From: from, Until: until, Slack: time.Duration(1+random.IntN(5)) * time.Minute,
		Lag: time.Duration(random.IntN(3)) * time.Minute, SoleSource: random.IntN(2) == 0}
	m := match.Member{Account: "zhimai", ID: "1", ReadAt: until.Add(time.Duration(random.IntN(60)-20) * time.Minute)}
	when := func() time.Time { return until.Add(time.Duration(random.IntN(3600)-3000) * time.Second) }
	points := func() int64 { return []int64{10, 20, -10}[random.IntN(3)] }
	for i := range random.IntN(8) {
		at := when()
		biz := ledger.NewBizID("pa", "zhimai", fmt.Sprint(i))
		p := match.Posting{ID: ledger.OperationID(i + 1), BizID: string(biz), Reference: ledger.ReferenceOf(biz), Reason: fmt.Sprintf("订单%d #%s", i, ledger.ReferenceOf(biz)), Points: points(),
			State: match.State(random.IntN(3)), ByHand: random.IntN(5) == 0, SentAt: at, EndedAt: at.Add(time.Second), Reached: random.IntN(4) > 0, Elsewhere: random.IntN(9) == 0, Parked: random.IntN(2) == 0}
		if p.State == match.Open {
			p.EndedAt = time.Time{}
		}
		m.Postings = append(m.Postings, p)
	}
	for i := range random.IntN(9) {
		r := match.Record{ID: int64(i + 1), Points: points(), Text: "消费积分", At: when()}
		if random.IntN(9) == 0 {
			r.At = time.Time{}
		}
		if n := len(m.Postings); n > 0 && random.IntN(2) == 0 {
			of := &m.Postings[random.IntN(n)]
			if r.Text = of.Reason; random.IntN(3) > 0 {
				r.Points, r.At = of.Points, of.SentAt
			}
			if random.IntN(5) == 0 { // cut off
				r.Text = of.Reason[:len("订单")+1]
			}
		} else if random.IntN(4) == 0 {
			r.Stray = &match.Stray{Account: []string{"zhimai", "north"}[random.IntN(2)], MemberID: fmt.Sprint(1 + random.IntN(2)), Counts: random.IntN(2) == 0,
				Posting: match.Posting{ID: ledger.OperationID(100 + i), BizID: fmt.Sprint("stray", i), Points: r.Points, State: match.State(random.IntN(3)), SentAt: when(), EndedAt: when()}}
			r.Text = "#" + ledger.ReferenceOf(ledger.BizID(fmt.Sprint("stray", i)))
		}
		m.Records = append(m.Records, r)
	}
	if random.IntN(3) == 0 {
		balance, told := int64(10*random.IntN(5)), int64(10*random.IntN(5))
		m.Balance, m.Told = &balance, &told
	}
	return m, known
}

// Whatever meets: each record is claimed once and each posting at most once, and the sides of
// items and pairs add up to the totals.
func TestSidesAddUp(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20_000) {
		m, known := crowd(rand.New(rand.NewPCG(seed, 1)))
		out := match.Compare(&m, &known)
		if err := addUp(&m, &out); err != nil {
			t.Fatalf("seed %d: %v\n%+v\n%+v", seed, err, m, out)
		}
	}
}

func addUp(m *match.Member, out *match.Outcome) error {
	postings, records := map[ledger.OperationID]*match.Posting{}, map[int64]*match.Record{}
	for i := range m.Postings {
		postings[m.Postings[i].ID] = &m.Postings[i]
	}
	for i := range m.Records {
		records[m.Records[i].ID] = &m.Records[i]
	}
	claims, claimed := map[ledger.OperationID]int{}, map[int64]int{}
	var ledgerPoints, vendorPoints, counted int64
	for _, c := range out.Matches {
		switch claimed[c.Record]++; c.How {
		case match.ByReference, match.Proposed:
			ledgerPoints += postings[c.Operation].Points
			claims[c.Operation]++
			vendorPoints += records[c.Record].Points
			counted++
		case match.InItem, match.OnItsWay:
			vendorPoints += records[c.Record].Points
			counted++
			if c.Item < 0 {
				return fmt.Errorf("record %d is of no item", c.Record)
			}
		case match.NotOurs:
			counted++
		}
	}
	for id, n := range claimed {
		if n != 1 {
			return fmt.Errorf("record %d is claimed %d times", id, n)
		}
	}
	if len(claimed) != len(records) || counted != out.Records {
		return fmt.Errorf("%d of %d records are claimed, %d of %d are counted", len(claimed), len(records), counted, out.Records)
	}
	for i := range out.Items {
		it := &out.Items[i]
		if it.Key == "" || it.Evidence == "" || it.Step == "" {
			return fmt.Errorf("item %d says too little", i)
		}
		if it.Kind == match.BalanceDiffers {
			continue
		}
		var sum int64
		for _, id := range it.Records {
			sum += records[id].Points
		}
		if sum != it.VendorPoints {
			return fmt.Errorf("item %d has records of %d points", i, sum)
		}
		ledgerPoints += it.LedgerPoints
		for _, id := range it.Operations {
			if claims[id]++; postings[id] == nil && id < 100 {
				return fmt.Errorf("item %d has operation %d, which is not there", i, id)
			}
		}
	}
	for id, n := range claims {
		if n > 1 {
			return fmt.Errorf("operation %d is claimed %d times", id, n)
		}
	}
	if ledgerPoints != out.LedgerPoints || vendorPoints != out.VendorPoints {
		return fmt.Errorf("the sides are %d and %d", ledgerPoints, vendorPoints)
	}
	return nil
}

// Two that are alike are told apart by the beginning of their text, where that is shown.
func TestTextTellsWhichIsWhich(t *testing.T) {
	t.Parallel()
	known := match.Known{From: from, Until: until, Slack: 2 * time.Minute}
	m := match.Member{Account: "zhimai", ID: "1", ReadAt: until}
	for i := range 2 {
		m.Postings = append(m.Postings, match.Posting{ID: ledger.OperationID(i + 1), BizID: fmt.Sprint(i), Reference: fmt.Sprint("R", i), Reason: fmt.Sprintf("订单SO-%d #R", i), Points: 10,
			State: match.Posted, SentAt: from.Add(time.Hour), EndedAt: from.Add(time.Hour), Reached: true})
	}
	m.Records = []match.Record{{ID: 1, Points: 10, Text: "订单SO-1", At: from.Add(time.Hour)}}
	out := match.Compare(&m, &known)
	if len(out.Items) != 1 || out.Items[0].Kind != match.OnlyInLedger || out.Items[0].Operation != 1 || out.Proposed != 1 {
		t.Errorf("%+v", out)
	}
	m.Records[0].Text = "订单"
	if out := match.Compare(&m, &known); len(out.Items) != 1 || out.Items[0].Kind != match.Ambiguous {
		t.Errorf("%+v", out)
	}
}

// A vendor that begins to show references, or ceases, does not make an item of every record
// from before or after that.
func TestReferencesThatBegin(t *testing.T) {
	t.Parallel()
	known := match.Known{References: true, From: from, Until: until, Slack: 2 * time.Minute, ShownFrom: from.Add(12 * time.Hour)}
	m := match.Member{Account: "zhimai", ID: "1", ReadAt: until}
	for i, at := range []time.Time{from.Add(time.Hour), from.Add(13 * time.Hour)} {
		m.Postings = append(m.Postings, match.Posting{ID: ledger.OperationID(i + 1), BizID: fmt.Sprint(i), Reference: fmt.Sprint("R", i), Points: 10, State: match.Posted, SentAt: at, EndedAt: at, Reached: true})
		m.Records = append(m.Records, match.Record{ID: int64(i + 1), Points: 10, Text: "消费积分", At: at})
	}
	out := match.Compare(&m, &known)
	if len(out.Items) != 1 || out.Items[0].Kind != match.Ambiguous || out.Items[0].Operation != 2 || out.Proposed != 2 {
		t.Errorf("%+v", out)
	}
}

// Points that the balance has, and that a posting without a record explains, are no further
// difference: the record is missing.
func TestBalanceExplainsAMissingRecord(t *testing.T) {
	t.Parallel()
	known := match.Known{References: true, From: from, Until: until, Slack: 2 * time.Minute}
	for told, want := range map[int64]int{100: 1, 90: 2} { // 10 more than that nobody explains
		balance := int64(200)
		m := match.Member{Account: "zhimai", ID: "1", ReadAt: until, Balance: &balance, Told: &told,
			Postings: []match.Posting{{ID: 1, BizID: "b", Reference: "R", Points: 100, State: match.Posted, SentAt: from, EndedAt: from, Reached: true}}}
		out := match.Compare(&m, &known)
		if len(out.Items) != want || out.Items[0].Kind != match.OnlyInLedger || strings.Contains(out.Items[0].Evidence, "the record is missing") != (want == 1) || out.LedgerPoints != 100 || out.VendorPoints != 0 {
			t.Errorf("told %d: %+v", told, out)
		}
		if want == 2 && (out.Items[1].Kind != match.BalanceDiffers || out.Items[1].VendorPoints-out.Items[1].LedgerPoints != 110) {
			t.Errorf("told %d: %+v", told, out.Items[1])
		}
	}
}
