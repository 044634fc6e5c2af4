package rehearsal

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// repeatKind makes one kind of repeat: the same business fact, published again
// by a program that may write it differently.
type repeatKind struct {
	about string
	// anyType: it also repeats a message about an order (Options.Life).
	anyType bool
	// differs: it says otherwise than the first, and counts as the same.
	differs bool
	// fits says whether the original can be repeated this way; nil is always.
	fits func(e *event) bool
	make func(g *generator, e *event) Message
}

func sameKind(about string, fits func(*event) bool, edit func(g *generator, e *event)) repeatKind {
	return repeatKind{about: about, fits: fits, make: func(g *generator, e *event) Message {
		edit(g, e)
		return e.message()
	}}
}

// ofAny makes a kind that repeats events of any type.
func ofAny(kind repeatKind) repeatKind {
	kind.anyType = true
	return kind
}

// differing makes a kind that says otherwise than the first.
func differing(kind repeatKind) repeatKind {
	kind.differs = true
	return kind
}

// newIdentity is what a shop's job does that is run twice: another id, some
// minutes later, within the same day.
func newIdentity(g *generator, e *event) {
	g.serial++
	e.id = fmt.Sprintf("again-%d-%08x", g.serial, g.rand.Uint32())
	later := e.time.Add(time.Duration(1+g.rand.IntN(40)) * time.Minute)
	if later.Before(g.Now) && later.In(g.zone).Day() == e.time.In(g.zone).Day() {
		e.time = later
	}
}

func repeatKinds() []repeatKind {
	return []repeatKind{
		ofAny(sameKind("the same bytes", nil, func(*generator, *event) {})),
		ofAny(sameKind("new id and time, same data", nil, newIdentity)),
		sameKind("other unknown fields", nil, func(g *generator, e *event) {
			newIdentity(g, e)
			e.data = append(e.data.without("cashier").without("unknownNote"), attribute{"terminal", number(g.rand.Int64N(99))}, attribute{"retry", "true"})
			e.extra = object{{"partitionkey", quote(e.source)}}
		}),
		ofAny(sameKind("another field order", nil, func(g *generator, e *event) {
			e.data = slices.Clone(e.data)
			g.rand.Shuffle(len(e.data), func(i, j int) { e.data[i], e.data[j] = e.data[j], e.data[i] })
		})),
		sameKind("the channel's number", nil, func(_ *generator, e *event) {
			e.data = e.data.with("channel", number(int64(e.channel)))
		}),
		sameKind("another name of the channel", nil, func(g *generator, e *event) {
			e.data = e.data.with("channel", quote(pick(g, channelForms[e.channel])))
		}),
		sameKind("null for absent fields", nil, func(_ *generator, e *event) {
			for _, name := range []string{"points", "shopCode"} {
				if e.data.index(name) < 0 {
					e.data = e.data.with(name, "null")
				}
			}
		}),
		sameKind("the other mode", func(e *event) bool { return len(e.extra) == 0 }, func(_ *generator, e *event) { e.binary = !e.binary }),
		{about: "escaped characters", anyType: true, make: func(_ *generator, e *event) Message {
			m := e.message()
			m.Payload = escape(m.Payload)
			return m
		}},
		{about: "a byte order mark", anyType: true, make: func(_ *generator, e *event) Message {
			m := e.message()
			m.Payload = append([]byte("\xef\xbb\xbf"), m.Payload...)
			return m
		}},
		differing(sameKind("a second check-in that day, elsewhere", func(e *event) bool { return e.typ == typeCheckIn }, func(g *generator, e *event) {
			newIdentity(g, e)
			e.source = pick(g, sources)
			e.data = e.data.with("channel", number(1+g.rand.Int64N(9))).with("shopCode", quote("SH-777"))
		})),
	}
}

// escape writes every character beyond ASCII as \u, as many JSON writers do.
func escape(payload []byte) []byte {
	var b strings.Builder
	for _, r := range string(payload) {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		}
	}
	return []byte(b.String())
}

// before picks an event that was published before, often a recent one: such a
// repeat falls into the same batch.
func (g *generator) before() *event {
	n := len(g.originals)
	if g.chance(300) {
		return g.originals[n-1-g.rand.IntN(min(n, 5))]
	}
	return g.originals[g.rand.IntN(n)]
}

// copyOf is an event to change; repeats carry no Nats-Msg-Id, so that the
// broker cannot hide them.
func (e *event) copyOf() *event {
	c := *e
	c.messageID = false
	return &c
}

// repeat makes a message that must be a duplicate.
func (g *generator) repeat() Message {
	original := g.before()
	kinds := repeatKinds()
	kind := pick(g, kinds)
	for kind.fits != nil && !kind.fits(original) {
		kind = pick(g, kinds)
	}
	m := kind.make(g, original.copyOf())
	m.Expect = Expect{Verdict: Duplicate, About: "repeat: " + kind.about, Of: original.index, Differs: kind.differs}
	return m
}

// contradiction makes a message with the key of an earlier one and other
// content. Check-ins have none: their key alone decides, so with nothing but
// check-ins before it becomes a repeat.
func (g *generator) contradiction() Message {
	original := g.before()
	for range 20 {
		if original.typ != typeCheckIn {
			break
		}
		original = g.before()
	}
	if original.typ == typeCheckIn {
		return g.repeat()
	}
	e := original.copyOf()
	about := "another channel"
	switch {
	case g.chance(250):
		other := 1 + e.channel%9
		e.data = e.data.with("channel", number(int64(other)))
	case e.typ == typeOrder:
		about = "another amount"
		e.data = e.data.with("amountFen", otherAmount(e.data[e.data.index("amountFen")].raw))
	default:
		about = "another order"
		e.data = e.data.with("orderId", quote("SO-ANOTHER"))
	}
	if g.chance(500) {
		newIdentity(g, e)
	}
	m := e.message()
	m.Expect = Expect{Verdict: Rejected, Code: "conflict", About: "same key, " + about, Of: original.index}
	return m
}

// otherAmount differs from an amount and keeps within the limit. For a large
// one the same points come of it: content counts, not the rule's result.
func otherAmount(raw string) string {
	amount, err := strconv.ParseInt(raw, 10, 64)
	if err != nil {
		panic("the generator wrote the amount itself: " + err.Error())
	}
	if amount < 1_000_000 {
		return number(2*amount + 1)
	}
	return number(amount ^ 1)
}
