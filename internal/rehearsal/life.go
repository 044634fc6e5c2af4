package rehearsal

import (
	"fmt"
	"slices"
	"time"
)

// What comes back: messages about an earlier order.
const (
	typeRefund   = "order.refunded"
	typeCancel   = "order.cancelled"
	typeComplete = "order.completed"
)

// Order is an order that something came back of, and what must be left of it. In which
// order its messages are recorded makes no difference.
type Order struct {
	// Source and OrderID name it; Grant and Freeze are the accounts that gave points and
	// froze some, Freeze empty when nothing was frozen.
	Source, OrderID string
	Grant, Freeze   string
	// AmountFen was paid, and Points follow from it.
	AmountFen, Points int64
	// Refunded is the sum of all accepted refunds, in fen, at most AmountFen.
	Refunded             int64
	Cancelled, Completed bool
	// Accepted counts the accepted messages about it, by their type.
	Accepted map[string]int
}

// Keeps is what the member keeps of its points: ⌊P × (A − Σ) ÷ A⌋, nothing of a
// cancelled one.
func (o *Order) Keeps() int64 {
	if o.Cancelled {
		return 0
	}
	return o.Points * (o.AmountFen - o.Refunded) / o.AmountFen // at most 10^5 × 10^7
}

// releases: its freeze is to be released, as nothing is left of the order.
func (o *Order) releases() bool { return o.Cancelled || o.Refunded == o.AmountFen }

// origins is how many operations the order has.
func (o *Order) origins() int {
	if o.Freeze == "" {
		return 1
	}
	return 2
}

// accept notes an accepted message about the order.
func (o *Order) accept(typ string, fen int64) {
	switch typ {
	case typeRefund:
		o.Refunded += fen
	case typeCancel:
		o.Cancelled = true
	case typeComplete:
		o.Completed = true
	}
	o.Accepted[typ]++
}

// later is a message that is made when its turn has come.
type later struct {
	at   int
	make func() Message
}

// queueUp lets a message come so many messages later at the earliest.
func (g *generator) queueUp(gap int, make func() Message) {
	next := later{g.index + gap, make}
	at, _ := slices.BinarySearchFunc(g.queue, next.at+1, func(l later, at int) int { return l.at - at })
	g.queue = slices.Insert(g.queue, at, next)
}

// gap is mostly short, so that what comes back meets its grant under way.
func (g *generator) gap() int {
	if g.chance(600) {
		return 1 + g.rand.IntN(4)
	}
	return 5 + g.rand.IntN(60)
}

// good makes the next message that is neither a repeat nor wrong.
func (g *generator) good() Message {
	if len(g.queue) > 0 && g.queue[0].at <= g.index {
		next := g.queue[0]
		g.queue = g.queue[1:]
		return next.make()
	}
	e := g.goodEvent()
	if !g.Life || !g.comesBack(e) {
		return g.accepted(e)
	}
	o := &Order{Source: e.source, OrderID: e.businessKey, Grant: e.account, AmountFen: e.amount, Points: e.points, Accepted: map[string]int{}}
	if e.pointsUsed > 0 {
		o.Freeze = e.freezeAccount
	}
	// What begins near the end would leave a refund without its order.
	if g.chance(150) && g.Events-g.index > 250 && len(g.originals) > 0 {
		g.queueUp(1+g.rand.IntN(20), func() Message { return g.accepted(e) })
		if g.chance(300) {
			return g.about(o, e, typeCancel, 0)
		}
		return g.about(o, e, typeRefund, g.part(o.AmountFen))
	}
	g.story(o, e)
	return g.accepted(e)
}

// comesBack chooses the orders that something comes back of: one in eight, but half of
// the mall's, whose account has calls for it, and most of those that froze points.
func (g *generator) comesBack(e *event) bool {
	switch {
	case e.typ != typeOrder || e.member == "" || e.amount < 2:
		return false
	case e.account == accountMall:
		return g.chance(500)
	}
	return g.chance(120) || e.pointsUsed > 0 && g.chance(600)
}

// accepted emits a good event.
func (g *generator) accepted(e *event) Message {
	e.index = g.index
	m := e.message()
	m.Expect = Expect{Verdict: Accepted, About: e.about, Of: -1}
	g.plan.Truth = append(g.plan.Truth, e.truth()...)
	g.originals = append(g.originals, e)
	return m
}

// part is a part of an amount, and less than all of it.
func (g *generator) part(amount int64) int64 { return 1 + g.rand.Int64N(amount-1) }

// story queues what comes back of an order.
func (g *generator) story(o *Order, e *event) {
	after, left := g.gap(), o.AmountFen
	next := func(typ string, fen int64) {
		g.queueUp(after, func() Message { return g.about(o, e, typ, fen) })
		after += g.gap()
	}
	parts := func(n int) {
		for ; n > 0 && left > 1; n-- {
			fen := g.part(left)
			left -= fen
			next(typeRefund, fen)
		}
	}
	switch n := g.rand.IntN(100); {
	case o.Freeze != "" && n < 45: // the goods stay
		next(typeComplete, 0)
		if n < 10 {
			next(typeCancel, 0)
		}
	case n < 60:
		parts(1 + g.rand.IntN(3))
	case n < 75: // all of it, in one or two refunds
		parts(g.rand.IntN(2))
		next(typeRefund, left)
	case n < 83:
		parts(1)
		g.queueUp(after, func() Message { return g.tooMuch(o, e) })
	case n < 95:
		parts(g.rand.IntN(2))
		next(typeCancel, 0)
	default:
		parts(g.rand.IntN(2))
		next(typeComplete, 0)
	}
}

// about emits an accepted message about an order, and queues what goes wrong with it.
func (g *generator) about(o *Order, sale *event, typ string, fen int64) Message {
	e := g.follow(sale, typ, fen)
	if len(o.Accepted) == 0 {
		g.plan.Orders = append(g.plan.Orders, o)
	}
	o.accept(typ, fen)
	g.plan.Counts.Operations += o.origins()
	if typ == typeComplete {
		g.plan.Counts.Operations += 1 - o.origins()
	}
	if g.chance(200) {
		g.queueUp(1+g.rand.IntN(8), func() Message { return g.again(e) })
	}
	if typ == typeRefund && g.chance(120) {
		g.queueUp(3+g.rand.IntN(8), func() Message { return g.otherRefund(e, fen) })
	}
	m := e.message()
	m.Expect = Expect{Verdict: Accepted, About: "about order " + o.OrderID, Of: -1}
	return m
}

// returnDesk is a system that issues refunds of orders of other systems.
const returnDesk = "return-desk"

// follow makes an event about a sale.
func (g *generator) follow(sale *event, typ string, fen int64) *event {
	g.serial++
	e := &event{index: g.index, typ: typ, source: sale.source, binary: g.chance(250), messageID: g.chance(500), subject: "points.events." + typ}
	e.id = fmt.Sprintf("ev-%d-%08x", g.serial, g.rand.Uint32())
	e.time = g.Now.Add(-time.Duration(g.rand.Int64N(int64(time.Hour)))).In(g.zone).Truncate(time.Millisecond)
	e.data = object{{"orderId", quote(sale.businessKey)}}
	if typ != typeRefund {
		return e
	}
	e.data = append(e.data, attribute{"refundId", quote(fmt.Sprintf("RF-%d", g.serial))}, attribute{"amountFen", number(fen)})
	if g.chance(150) {
		e.data = append(e.data, attribute{"orderSource", quote(sale.source)})
		e.source = returnDesk
	}
	return e
}

// tooMuch is a refund of more than was paid, whatever was refunded before.
func (g *generator) tooMuch(o *Order, sale *event) Message {
	m := g.follow(sale, typeRefund, o.AmountFen+1+g.rand.Int64N(1000)).message()
	m.Expect = Expect{Verdict: Rejected, Code: "over_refunded", About: "a refund of more than was paid", Of: sale.index}
	return m
}

// again repeats a message about an order, written differently.
func (g *generator) again(e *event) Message {
	var kinds []repeatKind
	for _, k := range repeatKinds() {
		if k.anyType {
			kinds = append(kinds, k)
		}
	}
	kind := pick(g, kinds)
	m := kind.make(g, e.copyOf())
	m.Expect = Expect{Verdict: Duplicate, About: "repeat: " + kind.about, Of: e.index}
	return m
}

// otherRefund has the number of an earlier refund and another amount.
func (g *generator) otherRefund(e *event, fen int64) Message {
	c := e.copyOf()
	c.data = c.data.with("amountFen", number(fen+1))
	newIdentity(g, c)
	m := c.message()
	m.Expect = Expect{Verdict: Rejected, Code: "conflict", About: "same key, another amount", Of: e.index}
	return m
}
