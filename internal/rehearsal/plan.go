package rehearsal

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Options says what to make.
type Options struct {
	// Events is how many messages; 0 makes an empty plan.
	Events int
	// Seed decides everything: the same options give the same bytes.
	Seed uint64
	// Now is about when the messages will be published; event times lie before
	// it, and the wrong clocks at least a day beside what is allowed. Zero
	// means time.Now. Publish within hours: scanned codes grow old.
	Now time.Time
	// Kylin says that the account kylin is on: some orders spend points. Off,
	// such an order would be a reject, so there is none.
	Kylin bool
	// Life: orders come back, in part or whole, and some are of a shop whose account,
	// mall, has calls for that. It needs the configuration of [Config].
	Life bool
}

// Verdict is what must become of a message.
type Verdict string

const (
	Accepted  Verdict = "accepted"
	Duplicate Verdict = "duplicate"
	Rejected  Verdict = "rejected"
)

// Expect is what must become of a message, and why.
type Expect struct {
	Verdict Verdict
	// Code is the reject code, empty unless Rejected.
	Code string
	// About says in words what is special ("repeat with another field order").
	About string
	// Of is the index of the message that this one repeats or contradicts, -1
	// for every other. It is always smaller than the message's own.
	Of int
	// Differs: a repeat that says otherwise than the first and counts as the same. What
	// the first says is done, so it must be recorded before.
	Differs bool
}

// Message is one message to publish.
type Message struct {
	Subject string
	Header  map[string][]string
	Payload []byte
	Expect  Expect
}

// Expected is one operation that must be in the ledger.
type Expected struct {
	// Account is the vendor account: zhimai, kylin or mall.
	Account string
	// Kind is points_add or freeze_point.
	Kind string
	// Type is the event's type.
	Type string
	// Source is the event's source. Empty for types whose key belongs to the
	// programme (member.checked_in): any source may stand in the ledger.
	Source string
	// BusinessKey is orderId, reviewId, or customerId/date.
	BusinessKey string
	// Points is what the member gets or what is frozen; 0 is nothing to send.
	Points int64
	// Member is the member's id at the account, empty for an anonymous sale.
	Member string
	// Code is the scanned code when the event holds one instead of the id.
	Code string
	// Frozen: the simulator refuses this member (an id that ends in 000), so
	// the operation must end parked unless Points is 0.
	Frozen bool
	// Message is the index of the message it comes from.
	Message int
}

// Counts sums up a plan. Accepted + Duplicates + Rejected is the number of
// messages.
type Counts struct {
	Accepted       int
	Duplicates     int
	Rejected       int
	RejectedByCode map[string]int
	// Operations is the number of expected operations. NothingToSend is how many
	// of them have 0 points, Parked how many a frozen member refuses, both without
	// those of orders that come back: how much each takes back is their order's.
	Operations    int
	NothingToSend int
	Parked        int
	// ZhimaiPoints and KylinPoints are the sums that must reach the vendors,
	// without what is parked, what comes back, and the account mall.
	ZhimaiPoints int64
	KylinPoints  int64
}

// Plan is the traffic and its truth.
type Plan struct {
	Messages []Message
	Truth    []Expected
	// Orders are those that something came back of (Options.Life).
	Orders []*Order
	Counts Counts
}

// The mix, in parts per thousand of all messages. Rounded up, so that also a
// small plan has some of each.
const (
	duplicatePerMille = 70
	conflictPerMille  = 10
	garbagePerMille   = 35
)

type slot int

const (
	slotGood slot = iota
	slotDuplicate
	slotConflict
	slotGarbage
)

// Generate makes a plan. It needs about 1 kB for each message.
func Generate(o Options) *Plan {
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	g := newGenerator(o)
	p := &Plan{Counts: Counts{RejectedByCode: map[string]int{}}}
	g.plan = p
	slots := layOut(max(o.Events, 0), g.rand)
	p.Messages = make([]Message, 0, len(slots))
	for _, s := range slots {
		g.index = len(p.Messages)
		var m Message
		switch s {
		case slotGood:
			m = g.good()
		case slotDuplicate:
			m = g.repeat()
		case slotConflict:
			m = g.contradiction()
		case slotGarbage:
			m = g.garbage()
		}
		p.Messages = append(p.Messages, m)
		p.Counts.message(m.Expect)
	}
	for _, e := range p.Truth {
		p.Counts.operation(e)
	}
	return p
}

// layOut decides the order. A good event comes first, so that every repeat has
// something before it.
func layOut(n int, r *rand.Rand) []slot {
	slots := make([]slot, n)
	at := n - 1
	for _, part := range []struct {
		kind     slot
		perMille int
	}{{slotDuplicate, duplicatePerMille}, {slotGarbage, garbagePerMille}, {slotConflict, conflictPerMille}} {
		for count := (n*part.perMille + 999) / 1000; count > 0 && at > 0; count, at = count-1, at-1 {
			slots[at] = part.kind
		}
	}
	if n > 1 {
		r.Shuffle(n-1, func(i, j int) { slots[i+1], slots[j+1] = slots[j+1], slots[i+1] })
	}
	return slots
}

func (c *Counts) message(e Expect) {
	switch e.Verdict {
	case Accepted:
		c.Accepted++
	case Duplicate:
		c.Duplicates++
	case Rejected:
		c.Rejected++
		c.RejectedByCode[e.Code]++
	}
}

func (c *Counts) operation(e Expected) {
	c.Operations++
	switch {
	case e.Points == 0:
		c.NothingToSend++
	case e.Frozen:
		c.Parked++
	case e.Account == accountKylin:
		c.KylinPoints += e.Points
	case e.Account == accountZhimai:
		c.ZhimaiPoints += e.Points
	}
}

// Differences says in words where other counts differ from these: what a run
// did against what the plan wants. Only what is decided before any vendor call
// is compared: verdicts, reject codes, operations, nothing to send.
func (c Counts) Differences(got Counts) []string {
	var found []string
	differ := func(what string, want, got int) {
		if want != got {
			found = append(found, fmt.Sprintf("%s: want %d, got %d", what, want, got))
		}
	}
	differ("accepted", c.Accepted, got.Accepted)
	differ("duplicates", c.Duplicates, got.Duplicates)
	differ("rejected", c.Rejected, got.Rejected)
	differ("operations", c.Operations, got.Operations)
	differ("nothing to send", c.NothingToSend, got.NothingToSend)
	codes := map[string]int{}
	for code := range c.RejectedByCode {
		codes[code] = 0
	}
	for code := range got.RejectedByCode {
		codes[code] = 0
	}
	for _, code := range sortedNames(codes) {
		differ("rejected as "+code, c.RejectedByCode[code], got.RejectedByCode[code])
	}
	return found
}
