package rehearsal

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// garbageKind makes one kind of message that must be rejected.
type garbageKind struct {
	about string
	code  string
	// most is how many of the kind a plan may hold, 0 for any number: the large
	// ones would fill the memory.
	most int
	// on is the type it starts from, order.paid when empty.
	on   string
	make func(g *generator, e *event) Message
}

// change makes a kind that sets one data field to a raw JSON value.
func change(about, code, name, raw string) garbageKind {
	return garbageKind{about: about, code: code, make: func(_ *generator, e *event) Message {
		e.data = e.data.with(name, raw)
		return e.message()
	}}
}

// remove makes a kind that lacks one data field.
func remove(about, name string) garbageKind {
	return garbageKind{about: about, code: "missing_field", make: func(_ *generator, e *event) Message {
		e.data = e.data.without(name)
		return e.message()
	}}
}

// bytesOf makes a kind whose structured payload is changed as bytes.
func bytesOf(about, code string, edit func(payload []byte) []byte) garbageKind {
	return garbageKind{about: about, code: code, make: func(_ *generator, e *event) Message {
		e.binary = false
		m := e.message()
		m.Payload = edit(m.Payload)
		return m
	}}
}

// renamed makes a kind of another type on the subject of that type.
func renamed(about, code, typ string) garbageKind {
	return garbageKind{about: about, code: code, make: func(_ *generator, e *event) Message {
		e.typ, e.subject = typ, "points.events."+typ
		return e.message()
	}}
}

// atTime makes a kind whose clock is wrong.
func atTime(about string, away time.Duration) garbageKind {
	return garbageKind{about: about, code: "clock", make: func(g *generator, e *event) Message {
		e.time = g.Now.Add(away)
		e.data = e.data.without("businessDate")
		return e.message()
	}}
}

// garbageKinds lists what publishers get wrong.
func garbageKinds(kylin bool) []garbageKind {
	kinds := []garbageKind{
		bytesOf("not JSON", "not_json", func([]byte) []byte { return []byte("ORDER PAID 129.99 CNY") }),
		bytesOf("cut short", "not_json", cutShort),
		bytesOf("empty message", "not_json", func([]byte) []byte { return []byte{} }),
		bytesOf("two events in one message", "not_json", func(p []byte) []byte { return append(append(p, '\n'), p...) }),
		bytesOf("an array", "not_cloudevent", func(p []byte) []byte { return append(append([]byte{'['}, p...), ']') }),
		bytesOf("another version of CloudEvents", "not_cloudevent", func(p []byte) []byte {
			return bytes.Replace(p, []byte(`"specversion":"1.0"`), []byte(`"specversion":"0.3"`), 1)
		}),
		bytesOf("duplicate key", "not_json", func(p []byte) []byte {
			return bytes.Replace(p, []byte(`"amountFen":`), []byte(`"amountFen":1,"amountFen":`), 1)
		}),
		bytesOf("GB18030 bytes", "not_utf8", func(p []byte) []byte {
			// 门店 as old till software writes it.
			return bytes.Replace(p, []byte(`"orderId":"`), []byte("\"shop\":\"\xc3\xc5\xb5\xea\",\"orderId\":\""), 1)
		}),
		change("amount as a string", "bad_type", "amountFen", `"12.50"`),
		change("fractional amount", "bad_type", "amountFen", "1250.5"),
		change("amount 1e400", "bad_type", "amountFen", "1e400"),
		change("negative amount", "out_of_range", "amountFen", "-12999"),
		change("amount null", "missing_field", "amountFen", "null"),
		change("numeric order id", "bad_type", "orderId", "383933091455959041"),
		change("order id with NUL", "bad_type", "orderId", `"SO-1\u00002"`),
		change("numeric customer id", "bad_type", "member", `{"customerId":383933091455959041}`),
		change("member without an id", "missing_field", "member", `{}`),
		change("unknown channel", "unknown_channel", "channel", `"taobao_live"`),
		change("channel number 10", "unknown_channel", "channel", "10"),
		change("points as a fraction", "bad_type", "points", "1.5"),
		remove("no member", "member"),
		remove("no order id", "orderId"),
		remove("no channel", "channel"),
		atTime("two days in the future", 48*time.Hour),
		atTime("500 days old", -500*24*time.Hour),
		renamed("unknown type", "unknown_type", "order.exploded"),
		renamed("refund without its number", "missing_field", "order.refunded"),
		{about: "cancellation of no order", code: "missing_field", make: func(_ *generator, e *event) Message {
			e.typ, e.subject = "order.cancelled", "points.events.order.cancelled"
			e.data = e.data.without("orderId")
			return e.message()
		}},
		{about: "subject of another type", code: "subject_mismatch", make: func(_ *generator, e *event) Message {
			e.subject = "points.events.review.posted"
			return e.message()
		}},
		{about: "over the limit", code: "over_limit", make: func(_ *generator, e *event) Message {
			e.data = e.data.with("amountFen", "10000100").without("points")
			return e.message()
		}},
		{about: "override over the limit", code: "over_limit", make: func(_ *generator, e *event) Message {
			e.data = e.data.with("points", "100001")
			return e.message()
		}},
		{about: "check-in without a day", code: "missing_field", on: typeCheckIn, make: func(_ *generator, e *event) Message {
			e.noTime = true
			e.data = e.data.without("date")
			return e.message()
		}},
		{about: "rating 6", code: "out_of_range", on: typeReview, make: func(_ *generator, e *event) Message {
			e.data = e.data.with("rating", "6")
			return e.message()
		}},
		{about: "20,000 levels deep", code: "too_large", most: 20, make: func(_ *generator, e *event) Message {
			e.data = append(e.data, attribute{"deep", strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)})
			return e.message()
		}},
		{about: "300 kB", code: "too_large", most: 5, make: func(_ *generator, e *event) Message {
			e.data = append(e.data, attribute{"large", quote(strings.Repeat("0123456789", 30_000))})
			return e.message()
		}},
	}
	if kylin {
		kinds = append(kinds, garbageKind{about: "points used without a Kylin member", code: "missing_field", make: func(_ *generator, e *event) Message {
			e.data = e.data.with("pointsUsed", "50").with("member", `{"customerId":"383933091455959041"}`)
			return e.message()
		}})
	}
	return kinds
}

// cutShort loses the end of the message, as a full buffer does. It cuts before
// the data's end, at a place where no character is split.
func cutShort(payload []byte) []byte {
	at := len(payload) / 2
	for at > 0 && payload[at] >= 0x80 {
		at--
	}
	return payload[:at]
}

// garbage takes the kinds in turn, so that also a small plan has many of them.
func (g *generator) garbage() Message {
	kind := g.kinds[g.kindAt%len(g.kinds)]
	for g.kindAt++; kind.most > 0 && g.kindUsed[kind.about] >= kind.most; g.kindAt++ {
		kind = g.kinds[g.kindAt%len(g.kinds)]
	}
	g.kindUsed[kind.about]++
	m := kind.make(g, g.plainEvent(kind.on))
	m.Expect = Expect{Verdict: Rejected, Code: kind.code, About: kind.about, Of: -1}
	return m
}

// plainEvent is a valid event without any oddity, to be broken. It is not in
// the truth; its key is used by no other event.
func (g *generator) plainEvent(typ string) *event {
	if typ == "" {
		typ = typeOrder
	}
	e := g.start(typ)
	if g.Life && e.source == mallSource {
		e.source, e.account = sources[0], accountZhimai // the mall takes members that Kylin does not
	}
	e.subject = "points.events." + typ
	member := object{{"customerId", quote(g.customer(e))}}.text()
	switch typ {
	case typeOrder:
		e.data = object{{"orderId", quote(fmt.Sprintf("BAD-%d", g.serial))}, {"amountFen", number(100 + g.rand.Int64N(60_000))}}
	case typeReview:
		e.data = object{{"reviewId", quote(fmt.Sprintf("BAD-%d", g.serial))}, {"rating", "5"}}
	}
	e.data = append(e.data, attribute{"member", member}, attribute{"channel", g.channelForm(1 + g.rand.IntN(9))})
	return e
}
