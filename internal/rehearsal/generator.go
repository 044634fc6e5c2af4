package rehearsal

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// channelForms lists, for each channel by number, its name and its aliases.
var channelForms = [10][]string{
	1: {"alipay"}, 2: {"wechat", "mini_program"}, 3: {"pos", "offline"}, 4: {"meituan"}, 5: {"eleme"}, 6: {"youzan"},
	7: {"third_party", "douyin", "jd", "tmall", "xiaohongshu"}, 8: {"other", "app", "web"}, 9: {"koubei"},
}

// sources are systems that issue order numbers.
var sources = []string{"shop-sh", "shop-bj", "shop-cd", "tmall-flagship", "pos-cloud", mallSource}

// mallSource has an account of its own for its orders, where orders come back
// (Options.Life).
const mallSource = "/mall/mini-program"

// generator makes events. Its state is what makes them unique.
type generator struct {
	Options
	rand      *rand.Rand
	zone      *time.Location
	index     int // of the message being made
	serial    int
	originals []*event
	plan      *Plan
	queue     []later // what comes later, by its place
	checkIns  map[string]bool
	// regulars are members who come again and again, at the mall and elsewhere.
	regulars, atMall []string
	// shared is an order number that was used at one source and waits to be
	// used at another, which makes it another order.
	shared       string
	sharedSource string
	kinds        []garbageKind
	kindAt       int
	kindUsed     map[string]int
	padding      string
}

func newGenerator(o Options) *generator {
	g := &generator{
		Options:  o,
		rand:     rand.New(rand.NewPCG(o.Seed, 0x9e3779b97f4a7c15)),
		zone:     time.FixedZone("CST", 8*60*60), // Shanghai has had no summer time since 1991
		checkIns: map[string]bool{},
		kindUsed: map[string]int{},
		padding:  strings.Repeat("积分 padding ", 640), // about 10 kB
	}
	g.kinds = garbageKinds(o.Kylin)
	g.rand.Shuffle(len(g.kinds), func(i, j int) { g.kinds[i], g.kinds[j] = g.kinds[j], g.kinds[i] })
	return g
}

// chance is true in n of 1,000 cases.
func (g *generator) chance(n int) bool { return g.rand.IntN(1000) < n }

func pick[T any](g *generator, from []T) T { return from[g.rand.IntN(len(from))] }

// goodEvent makes an event that must be accepted: 70 % orders, 18 % check-ins,
// 12 % reviews.
func (g *generator) goodEvent() *event {
	switch n := g.rand.IntN(100); {
	case n < 70:
		return g.order()
	case n < 88:
		return g.checkIn()
	default:
		return g.review()
	}
}

// start makes the envelope.
func (g *generator) start(typ string) *event {
	g.serial++
	e := &event{index: g.index, typ: typ, account: accountZhimai, freezeAccount: accountKylin, source: pick(g, sources), binary: g.chance(250), messageID: g.chance(500)}
	e.id = fmt.Sprintf("ev-%d-%08x", g.serial, g.rand.Uint32())
	e.time = g.Now.Add(-time.Duration(g.rand.Int64N(int64(20 * 24 * time.Hour)))).In(g.zone).Truncate(time.Millisecond)
	if g.chance(300) {
		e.time = e.time.UTC()
	}
	e.subject = "points.events." + typ
	if g.chance(300) {
		e.subject += "." + pick(g, []string{"sh01", "bj02", "pos.7"})
	}
	if !e.binary && g.chance(150) {
		e.extra = object{{"traceparent", `"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"`}, {"datacontenttype", `"application/json"`}}
	}
	return e
}

// mostRegulars bounds the members who come again and again; three of ten events
// are theirs.
const mostRegulars = 60

// customer is a member's 18 digits, above 2^53, so that a float would change
// it. One in 200 ends in 000, and no other does.
func (g *generator) customer(e *event) string {
	e.frozen = g.chance(5)
	regulars := &g.regulars
	if e.account == accountMall {
		regulars = &g.atMall
	}
	if !e.frozen && len(*regulars) > 0 && g.chance(300) {
		return (*regulars)[g.rand.IntN(len(*regulars))]
	}
	id := g.newCustomer(e)
	if !e.frozen && len(*regulars) < mostRegulars {
		*regulars = append(*regulars, id)
	}
	return id
}

func (g *generator) newCustomer(e *event) string {
	tail := g.rand.IntN(999_999)
	if tail%1000 == 0 {
		tail++
	}
	if e.frozen {
		tail -= tail % 1000
	}
	digits := fmt.Sprintf("%012d%06d", 383_933_091_455+g.rand.Int64N(1_000_000), tail)
	if g.chance(20) {
		e.about = "customer id with leading zeros"
		return "000" + digits[3:]
	}
	return digits
}

// memberOf fills in who gets the points: mostly a customer id, sometimes a
// scanned code, sometimes nobody.
func (g *generator) memberOf(e *event, anonymous bool) {
	switch n := g.rand.IntN(100); {
	case anonymous && n < 6:
		e.data = append(e.data, attribute{"member", "null"})
		e.about = "anonymous sale"
	case n < 16:
		e.member = g.customer(e)
		e.code = "UC" + e.member
		// A code must be resolved within 24 hours of the sale.
		e.time = g.Now.Add(-time.Duration(g.rand.Int64N(int64(2 * time.Hour)))).In(g.zone).Truncate(time.Millisecond)
		e.data = append(e.data, attribute{"member", object{{"userCode", quote(e.code)}}.text()})
	default:
		e.member = g.customer(e)
		e.data = append(e.data, attribute{"member", object{{"customerId", quote(e.member)}}.text()})
	}
}

// channelOf adds the channel by name, number or alias.
func (g *generator) channelOf(e *event) {
	e.channel = 1 + g.rand.IntN(9)
	e.data = append(e.data, attribute{"channel", g.channelForm(e.channel)})
}

func (g *generator) channelForm(channel int) string {
	if g.chance(200) {
		return number(int64(channel))
	}
	return quote(pick(g, channelForms[channel]))
}

func (g *generator) shopOf(e *event) {
	if g.chance(500) {
		e.data = append(e.data, attribute{"shopCode", quote(pick(g, []string{"SH-001", "BJ-017", "成都-03"}))})
	}
}

// overrideOf sometimes lets the event itself say the points.
func (g *generator) overrideOf(e *event) {
	if g.chance(60) {
		e.points = g.rand.Int64N(500)
		e.data = append(e.data, attribute{"points", number(e.points)})
	}
}

// oddNumber is an order or review number, one in 20 of them odd.
func (g *generator) oddNumber(e *event, prefix string) string {
	plain := fmt.Sprintf("%s%d%04d", prefix, g.serial, g.rand.IntN(10_000))
	switch g.rand.IntN(160) {
	case 0:
		e.about = "18 digits, beyond 2^53"
		return fmt.Sprintf("9007199254%08d", g.serial)
	case 1:
		e.about = "leading zeros"
		return fmt.Sprintf("000%09d", g.serial)
	case 2:
		e.about = "emoji in the number"
		return plain + "-🎁👍🏽"
	case 3:
		e.about = "Chinese in the number"
		return "订单-" + plain
	case 4:
		e.about = "64 characters"
		return plain + strings.Repeat("x", 64-len(plain))
	case 5:
		e.about = "quotes, slash and backslash in the number"
		return plain + `"/\<&>`
	case 6:
		if g.shared != "" && g.sharedSource != e.source {
			n := g.shared
			g.shared = ""
			e.about = "order number of another source"
			return n
		}
	case 7:
		if prefix == "SO-" {
			g.shared, g.sharedSource = plain, e.source
		}
	}
	return plain
}

// oddExtras sometimes adds fields that nobody declared.
func (g *generator) oddExtras(e *event) {
	switch {
	case g.chance(4):
		e.about = "10 kB of unknown fields"
		e.data = append(e.data, attribute{"unknownNote", quote(g.padding)})
	case g.chance(30):
		e.data = append(e.data, attribute{"cashier", `{"name":"王芳","float":1.5e300,"list":[1,null,true]}`})
	}
}

func (g *generator) order() *event {
	e := g.start(typeOrder)
	if g.Life && e.source == mallSource {
		e.account, e.freezeAccount = accountMall, accountMall
	}
	e.businessKey = g.oddNumber(e, "SO-")
	e.data = object{{"orderId", quote(e.businessKey)}}
	g.memberOf(e, true)
	g.channelOf(e)
	amount := g.rand.Int64N(60_000)
	switch {
	case g.chance(30):
		amount = g.rand.Int64N(100) // no full yuan
	case g.chance(20):
		amount = 1_000_000 + g.rand.Int64N(9_000_000)
	case g.chance(5):
		amount = 10_000_099 // 100,000 points, just within the limit
	}
	e.points, e.amount = amount/100, amount
	e.data = append(e.data, attribute{"amountFen", number(amount)})
	g.overrideOf(e)
	g.shopOf(e)
	if g.Life && g.chance(120) {
		e.noTime = true // the broker's counts, so that it is held for a while
	} else if g.chance(200) {
		e.data = append(e.data, attribute{"businessDate", quote(e.time.In(g.zone).Format(time.DateOnly))})
	}
	if e.member == "" {
		e.points = 0
	} else if g.chance(100) {
		g.spendPoints(e)
	}
	g.oddExtras(e)
	return e
}

// spendPoints lets the order use points of the member, which Kylin knows by an
// id of its own.
func (g *generator) spendPoints(e *event) {
	used := g.rand.Int64N(300)
	if !g.Kylin {
		used = 0
	}
	e.data = append(e.data, attribute{"pointsUsed", number(used)})
	if used == 0 {
		return
	}
	e.pointsUsed = used
	e.kylinMember = fmt.Sprintf("m%016x%015x", g.rand.Uint64(), g.rand.Uint64()>>4|1) // never ends in 000
	if e.account == accountMall {
		e.kylinMember = e.member // one id for both
	}
	identity := object{{"memberId", quote(e.kylinMember)}, {"customerId", quote(e.member)}}
	if e.code != "" {
		identity[1] = attribute{"userCode", quote(e.code)}
	}
	e.data = e.data.with("member", identity.text())
}

// checkIn makes the first check-in of a member on a day.
func (g *generator) checkIn() *event {
	e := g.start(typeCheckIn)
	e.anySource = true
	// Within the day, so that a repeat some minutes later has the same date.
	local := e.time.In(g.zone)
	e.time = time.Date(local.Year(), local.Month(), local.Day(), 8+g.rand.IntN(12), g.rand.IntN(60), g.rand.IntN(60), 0, g.zone).AddDate(0, 0, -1)
	date := e.time.Format(time.DateOnly)
	e.member = g.customer(e)
	for g.checkIns[e.member+date] {
		e.member = g.customer(e)
	}
	g.checkIns[e.member+date] = true
	e.businessKey = e.member + "/" + date
	e.data = object{{"member", object{{"customerId", quote(e.member)}}.text()}}
	g.channelOf(e)
	e.points = 5
	if g.chance(400) {
		e.data = append(e.data, attribute{"date", quote(date)})
		e.noTime = g.chance(250)
	}
	g.overrideOf(e)
	g.shopOf(e)
	g.oddExtras(e)
	return e
}

func (g *generator) review() *event {
	e := g.start(typeReview)
	e.businessKey = g.oddNumber(e, "RV-")
	e.data = object{{"reviewId", quote(e.businessKey)}}
	g.memberOf(e, false)
	g.channelOf(e)
	e.points = 10
	if g.chance(600) {
		photo := g.chance(500)
		if photo {
			e.points = 20
		}
		e.data = append(e.data, attribute{"hasPhoto", fmt.Sprint(photo)})
	}
	e.data = append(e.data, attribute{"rating", number(1 + g.rand.Int64N(5))})
	if g.chance(500) {
		e.data = append(e.data, attribute{"orderId", quote(fmt.Sprintf("SO-%d", g.rand.IntN(1_000_000)))})
	}
	g.overrideOf(e)
	g.shopOf(e)
	g.oddExtras(e)
	return e
}
