package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pointsledger/ledger"
)

// orderModel is an order as a person would reckon it.
type orderModel struct {
	number          string
	points, amount  int64
	refunded        int64 // by refunds that must have been accepted
	sold, cancelled bool
	refunds         int
	givenUp         bool
	balance, lowest int64 // at the vendor
}

// kept is what the member is left with.
func (o *orderModel) kept() int64 {
	if o.cancelled || !o.sold {
		return 0
	}
	return o.points * (o.amount - o.refunded) / o.amount
}

// Any order of sale, refunds, cancellation, claims, answers, lost answers, points that
// are given up, sweeps: at quiet each order has what the formula says, no take-back
// overtakes its grant, and the books are even. Two workers record at the same time.
func TestOrdersKeepWhatTheFormulaSays(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			r := rand.New(rand.NewPCG(seed, 12))
			p := &orderPlay{fixture: f, Rand: r, orders: map[string]*orderModel{}, vendor: map[ledger.BizID]bool{}}
			for i := range 8 {
				o := &orderModel{number: fmt.Sprintf("SO-%d", i), points: 1 + r.Int64N(300), amount: 1 + r.Int64N(5000)}
				p.orders[o.number] = o
				p.names = append(p.names, o.number)
			}
			for range 150 {
				p.step()
			}
			p.settle()
			for _, o := range p.orders {
				want := o.kept()
				if o.givenUp {
					want = 0
				}
				if o.balance != want {
					t.Errorf("%+v: the member has %d points, want %d: %s", *o, o.balance, want, f.life(o.number))
				}
				if o.lowest < 0 {
					t.Errorf("%s: a take-back overtook its grant: %d", o.number, o.lowest)
				}
			}
			want(t, "trial balance", one[int](f, `SELECT COALESCE(sum(balance_points), 0)::int FROM trial_balance`), 0)
			want(t, "pending at quiet", one[int](f, `SELECT COALESCE(sum(abs(balance_points)), 0)::int FROM trial_balance WHERE account LIKE '%:pending'`), 0)
			want(t, "open at quiet", one[int](f, `SELECT count(*)::int FROM outbox`), 0)
		})
	}
}

// orderPlay plays what may happen.
type orderPlay struct {
	*fixture
	*rand.Rand
	orders map[string]*orderModel
	names  []string
	sent   []ledger.Entry // to be delivered again
	held   []ledger.Claimed
	vendor map[ledger.BizID]bool // applied
	token  ledger.LeaseToken
}

func (p *orderPlay) any() *orderModel { return p.orders[p.names[p.IntN(len(p.names))]] }

func (p *orderPlay) step() {
	o := p.any()
	switch p.IntN(12) {
	case 0, 1:
		if !o.sold {
			e := p.sale(o.number, 0)
			e.Event.Operations[0].Points, e.Event.Operations[0].AmountFen = ledger.Points(o.points), &o.amount
			if p.IntN(2) == 0 {
				e.Event.Operations[0].HeldUntil = time.Now().Add(time.Hour)
			}
			p.record(e)
			o.sold = true
		}
	case 2, 3:
		o.refunds++
		share := p.Int64N(o.amount/2 + 1)
		// What is too much before the sale came is found when it comes; the model
		// does without.
		if o.refunded+share <= o.amount || o.sold && !o.cancelled {
			e := p.refund(o.number, fmt.Sprint(o.number, "/", o.refunds), share)
			p.deliver(e)
			if o.refunded+share <= o.amount {
				o.refunded += share
			}
		}
	case 4:
		if p.IntN(3) == 0 {
			p.deliver(p.cancel(o.number))
			o.cancelled = true
		}
	case 5:
		if len(p.sent) > 0 { // again, beside another worker
			e := p.sent[p.IntN(len(p.sent))]
			done := make(chan error)
			go func() { _, err := p.Record(p.t.Context(), []ledger.Entry{e}); done <- err }()
			p.record(e)
			if err := <-done; err != nil {
				p.t.Error(err)
			}
		}
	case 6:
		p.exec(`UPDATE outbox SET held_until = now(), next_attempt_at = now() WHERE held_until > now() AND operation_id % 3 = $1`, p.IntN(3))
	case 7, 8:
		p.token++
		p.held = append(p.held, p.claim(p.token, 1+p.IntN(3))...)
	case 9:
		p.answer()
	case 10:
		p.sweep()
	case 11:
		p.give(o)
	}
}

func (p *orderPlay) deliver(e ledger.Entry) {
	p.record(e)
	p.sent = append(p.sent, e)
}

// answer lets a call that is under way end: applied and heard, or applied and the
// answer lost, to be found applied later.
func (p *orderPlay) answer() {
	if len(p.held) == 0 {
		return
	}
	c := p.held[0]
	p.held = p.held[1:]
	p.apply(c)
	if p.IntN(3) == 0 {
		p.exec(`UPDATE outbox SET state = 'pending', in_doubt = true, attempts = attempts + 1, lease_token = NULL, lease_until = NULL, quiet_since = now() WHERE operation_id = $1`, int64(c.ID))
		return
	}
	must(p.Confirm(p.t.Context(), []ledger.Confirmation{{ID: c.ID, Evidence: ledger.Answered, MemberID: "383933091455959041"}}))
}

// apply is the vendor, which knows keys.
func (p *orderPlay) apply(c ledger.Claimed) {
	if p.vendor[c.BizID] {
		return
	}
	p.vendor[c.BizID] = true
	o := p.orders[c.BusinessKey]
	if c.Kind == ledger.PointsAdd {
		o.balance += int64(c.Points)
	} else {
		o.balance -= int64(c.Points)
	}
	o.lowest = min(o.lowest, o.balance)
}

// give lets a person give up a grant that was never sent.
func (p *orderPlay) give(o *orderModel) {
	if p.IntN(6) > 0 || o.givenUp {
		return
	}
	var n int
	err := p.pool.QueryRow(p.t.Context(), `WITH g AS (DELETE FROM outbox x USING operations o WHERE o.id = x.operation_id AND o.business_key = $1 AND o.kind = 'points_add'
		AND x.state = 'pending' AND x.first_sent_at IS NULL RETURNING x.operation_id, x.points),
		v AS (INSERT INTO postings (operation_id, kind, evidence, attempts, points) SELECT operation_id, 'voided', 'manual', 0, points FROM g RETURNING 1)
		SELECT count(*) FROM v`, o.number).Scan(&n)
	if err != nil {
		p.t.Fatal(err)
	}
	o.givenUp = n > 0
}

// settle lets all end: sales that never came come, holds are over, all is applied.
func (p *orderPlay) settle() {
	for _, o := range p.orders {
		if !o.sold {
			e := p.sale(o.number, 0)
			e.Event.Operations[0].Points, e.Event.Operations[0].AmountFen = ledger.Points(o.points), &o.amount
			p.record(e)
			o.sold = true
		}
	}
	for len(p.held) > 0 {
		p.answer()
	}
	for range 5 {
		p.sweep()
		p.exec(`UPDATE outbox SET held_until = NULL, next_attempt_at = now() WHERE state = 'pending'`)
		p.token++
		p.held = p.claim(p.token, 1000)
		for _, c := range p.held {
			p.apply(c)
			must(p.Confirm(p.t.Context(), []ledger.Confirmation{{ID: c.ID, Evidence: ledger.Answered, MemberID: "383933091455959041"}}))
		}
	}
	want(p.t, "waiting at quiet", one[int](p.fixture, `SELECT count(*)::int FROM waiting`), 0)
}
