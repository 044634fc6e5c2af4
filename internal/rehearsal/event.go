package rehearsal

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	accountZhimai = "zhimai"
	accountKylin  = "kylin"
	accountMall   = "mall"

	kindAdd      = "points_add"
	kindFreeze   = "freeze_point"
	kindDeduct   = "points_deduct"
	kindUnfreeze = "unfreeze_point"
	kindConsume  = "consume_frozen"

	typeOrder   = "order.paid"
	typeCheckIn = "member.checked_in"
	typeReview  = "review.posted"
)

// attribute is one JSON member with its value as it will be written. Order
// and doubles matter here, so it is no map.
type attribute struct {
	name string
	raw  string
}

type object []attribute

func (o object) text() string {
	var b strings.Builder
	b.WriteByte('{')
	for i, a := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(quote(a.name) + ":" + a.raw)
	}
	b.WriteByte('}')
	return b.String()
}

func (o object) index(name string) int {
	return slices.IndexFunc(o, func(a attribute) bool { return a.name == name })
}

// with returns a copy in which the named value is raw, added when absent.
func (o object) with(name, raw string) object {
	c := slices.Clone(o)
	if i := c.index(name); i >= 0 {
		c[i].raw = raw
		return c
	}
	return append(c, attribute{name, raw})
}

// without returns a copy that lacks the name.
func (o object) without(name string) object {
	return slices.DeleteFunc(slices.Clone(o), func(a attribute) bool { return a.name == name })
}

// quote writes a JSON string, other than json.Marshal without escaping < > &.
func quote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic("a string always encodes: " + err.Error())
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// event is a good event and what it must lead to.
type event struct {
	index             int // of its message
	typ, source, id   string
	time              time.Time
	noTime            bool
	subject           string
	binary            bool
	messageID         bool
	data              object
	extra             object // unknown envelope fields, structured mode only
	about             string
	channel           int
	businessKey       string
	member, code      string // at Zhimai; both empty is an anonymous sale
	points            int64  // at Zhimai, or the mall's account
	amount            int64  // of an order, in fen
	account           string // that grants, and freezeAccount that freezes
	freezeAccount     string
	kylinMember       string
	pointsUsed        int64 // frozen when above 0
	anySource, frozen bool
}

// truth lists the operations that must come of the event.
func (e *event) truth() []Expected {
	op := Expected{Account: e.account, Kind: kindAdd, Type: e.typ, Source: e.source, BusinessKey: e.businessKey, Points: e.points,
		Member: e.member, Code: e.code, Frozen: e.frozen && e.points > 0, Message: e.index}
	if e.anySource {
		op.Source = ""
	}
	all := []Expected{op}
	if e.pointsUsed > 0 {
		op.Account, op.Kind, op.Points, op.Member, op.Code, op.Frozen = e.freezeAccount, kindFreeze, e.pointsUsed, e.kylinMember, "", false
		all = append(all, op)
	}
	return all
}

func (e *event) envelope() object {
	o := object{{"specversion", `"1.0"`}, {"id", quote(e.id)}, {"source", quote(e.source)}, {"type", quote(e.typ)}}
	if !e.noTime {
		o = append(o, attribute{"time", quote(e.time.Format(time.RFC3339Nano))})
	}
	o = append(o, e.extra...)
	return append(o, attribute{"data", e.data.text()})
}

// message renders the event in its mode.
func (e *event) message() Message {
	m := Message{Subject: e.subject, Header: map[string][]string{}}
	if e.messageID {
		m.Header["Nats-Msg-Id"] = []string{e.source + "/" + e.id}
	}
	if !e.binary {
		m.Payload = []byte(e.envelope().text())
		if e.index%3 == 0 { // publishers set it or not
			m.Header["content-type"] = []string{"application/cloudevents+json; charset=UTF-8"}
		}
		return m
	}
	m.Payload = []byte(e.data.text())
	m.Header["content-type"] = []string{"application/json"}
	m.Header["ce-specversion"] = []string{"1.0"}
	m.Header["ce-id"] = []string{e.id}
	m.Header["ce-source"] = []string{e.source}
	m.Header["ce-type"] = []string{e.typ}
	if !e.noTime {
		m.Header["ce-time"] = []string{e.time.Format(time.RFC3339Nano)}
	}
	return m
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
