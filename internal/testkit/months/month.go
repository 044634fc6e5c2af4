package months

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"pointsledger/ledger"
)

// Config says what kind of month it is.
type Config struct {
	Seed uint64
	// Postings are of Members, and Faults are planted, as many of each kind.
	Postings, Members, Faults int
	// Zone is the programme's, in which days are days.
	Zone *time.Location
	// From is the first day.
	From time.Time
	// Days is the length of the window; 0 is 30.
	Days int
	// Hidden: the vendor shows no references.
	Hidden bool
	// Others is the share of records of other sources, beside redemptions.
	Others float64
}

// Posting is what the ledger has of a grant.
type Posting struct {
	ID               int64
	Member           string
	Points           int64
	Order            string
	BizID            ledger.BizID
	Reference        string
	Reason           string
	SentAt, PostedAt time.Time
	Voided           bool
}

// Record is what the vendor has.
type Record struct {
	Member string
	// Points are below zero when they were spent.
	Points int64
	Text   string
	At     time.Time
}

// Fault is what was planted.
type Fault struct {
	Kind Kind
	// Postings are those of the ledger, by their ids; Records those at the vendor, by their
	// places.
	Postings []int64
	Records  []int
}

// Kind is a kind of fault.
type Kind string

// The faults, and what is to be found of them where references are shown.
const (
	Lost          Kind = "lost at the vendor"
	Twice         Kind = "applied twice"
	OtherAmount   Kind = "other amount"
	OtherMember   Kind = "other member"
	ByHand        Kind = "granted by hand"
	Edited        Kind = "text edited"
	EqualLost     Kind = "two equal within a minute, one lost, one edited"
	LostAtEdge    Kind = "lost at midnight of the window's end"
	LostAtClock   Kind = "lost in the hour that comes twice"
	VoidedApplied Kind = "voided, and applied"
	Unknown       Kind = "a reference that was never issued"
)

// Kinds are all of them, with what each is called where references are shown.
func Kinds() map[Kind]string {
	return map[Kind]string{Lost: "only_in_ledger", Twice: "applied_twice", OtherAmount: "amount_differs", OtherMember: "wrong_member", ByHand: "only_at_vendor", Edited: "ambiguous",
		EqualLost: "ambiguous", LostAtEdge: "only_in_ledger", LostAtClock: "only_in_ledger", VoidedApplied: "voided_but_applied", Unknown: "only_at_vendor"}
}

// order is that in which they are planted.
var order = []Kind{Lost, Twice, OtherAmount, OtherMember, ByHand, Edited, EqualLost, LostAtEdge, LostAtClock, VoidedApplied, Unknown}

// Month is what both sides have, and what is wrong between them.
type Month struct {
	Config
	Postings []Posting
	Records  []Record
	Faults   []Fault
	// From and Until are the window's instants.
	Begins, Ends time.Time

	random *rand.Rand
	// busy are the members of a fault, each of one: what two of them do to each other is
	// nobody's truth.
	busy map[string]bool
}

// New makes a month. The same configuration makes the same.
func New(c Config) *Month {
	if c.Days == 0 {
		c.Days = 30
	}
	m := &Month{Config: c, random: rand.New(rand.NewPCG(c.Seed, 13)), busy: map[string]bool{}}
	year, month, day := c.From.Date()
	m.Begins = time.Date(year, month, day, 0, 0, 0, 0, c.Zone)
	m.Ends = time.Date(year, month, day+c.Days, 0, 0, 0, 0, c.Zone)
	m.past()
	for i := range c.Postings {
		member := m.member(i % c.Members)
		at := m.sometime()
		m.grant(member, m.points(), at)
		switch {
		case m.random.Float64() < 0.02: // twice the same, all right
			m.grant(member, m.Postings[len(m.Postings)-1].Points, at.Add(time.Duration(20+m.random.IntN(30))*time.Second))
		case m.random.Float64() < 0.2: // spent
			m.Records = append(m.Records, Record{member, -m.points(), "积分兑换优惠券", m.sometime()})
		case m.random.Float64() < c.Others:
			m.Records = append(m.Records, Record{member, m.odd(), "门店活动赠送", m.sometime()})
		}
	}
	m.edges()
	for i := range c.Faults {
		m.plant(order[i%len(order)])
	}
	slices.SortStableFunc(m.Postings, func(a, b Posting) int { return a.PostedAt.Compare(b.PostedAt) })
	return m
}

func (m *Month) member(n int) string { return fmt.Sprintf("3839330914%08d", n) }

// points of a sale; those of other sources are none of these.
func (m *Month) points() int64 { return 10 * int64(1+m.random.IntN(40)) }

func (m *Month) odd() int64 { return 10*int64(1+m.random.IntN(40)) + 7 }

func (m *Month) sometime() time.Time {
	return m.Begins.Add(time.Duration(m.random.Int64N(int64(m.Ends.Sub(m.Begins)) - int64(2*time.Minute)))).Truncate(time.Millisecond)
}

// past gives every member a record of long before, so that lists go back.
func (m *Month) past() {
	for n := range m.Members {
		m.Records = append(m.Records, Record{m.member(n), 7, "开卡礼", m.Begins.AddDate(0, -3, 0)})
	}
}

// post adds a posting that has no record.
func (m *Month) post(member string, points int64, at time.Time) *Posting {
	id := int64(len(m.Postings) + 1)
	order := fmt.Sprintf("SO-%07d", id)
	biz := ledger.NewBizID("pa", "zhimai", "shop-sh", "order.paid", order, "pa")
	reference := ledger.ReferenceOf(biz)
	m.Postings = append(m.Postings, Posting{ID: id, Member: member, Points: points, Order: order, BizID: biz, Reference: reference,
		Reason: "订单" + order + " #" + reference, SentAt: at, PostedAt: at.Add(time.Duration(50+m.random.IntN(900)) * time.Millisecond)})
	return &m.Postings[len(m.Postings)-1]
}

// record adds the vendor's record of a posting, which tells whole seconds.
func (m *Month) record(p *Posting, edit func(*Record)) int {
	r := Record{p.Member, p.Points, p.Reason, p.SentAt.Add(20 * time.Millisecond).Truncate(time.Second)}
	if m.Hidden {
		r.Text = "消费积分"
	}
	if edit != nil {
		edit(&r)
	}
	m.Records = append(m.Records, r)
	return len(m.Records) - 1
}

func (m *Month) grant(member string, points int64, at time.Time) {
	p := m.post(member, points, at)
	m.record(p, nil)
}

// edges are postings at the ends of the window and in the hour that comes twice, which are
// all right: in it and shown outside, outside and shown in it.
func (m *Month) edges() {
	for i := range min(m.Members, 40) {
		member := m.member(i)
		near := time.Duration(i+1) * 100 * time.Millisecond
		m.grant(member, 1000+int64(i), m.Begins.Add(-near)) // of the month before
		m.grant(member, 2000+int64(i), m.Begins.Add(near))
		m.grant(member, 3000+int64(i), m.Ends.Add(-near))
		p := m.post(member, 4000+int64(i), m.Ends.Add(-time.Second)) // shown half a minute later
		m.record(p, func(r *Record) { r.At = m.Ends.Add(30 * time.Second) })
		m.grant(member, 5000+int64(i), m.Ends.Add(near))
		if at, twice := m.twiceHour(); twice {
			m.grant(member, 6000+int64(i), at.Add(time.Duration(i)*time.Second))
			m.grant(member, 6000+int64(i), at.Add(time.Hour+time.Duration(i)*time.Second))
		}
	}
}

// twiceHour is the first of two hours that have one name, when clocks are set back in the
// window; elsewhere the night of its middle.
func (m *Month) twiceHour() (at time.Time, twice bool) {
	for at = m.Begins; at.Before(m.Ends); at = at.Add(time.Hour) {
		_, before := at.Zone()
		if _, after := at.Add(time.Hour).Zone(); after < before {
			return at, true
		}
	}
	return m.Begins.Add(m.Ends.Sub(m.Begins) / 2).Truncate(24 * time.Hour), false
}
