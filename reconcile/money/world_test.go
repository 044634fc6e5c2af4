package money

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// world writes lives of points into a ledger's tables, with days of its own choice.
type world struct {
	*rand.Rand
	t      *testing.T
	pool   *pgxpool.Pool
	id     int64
	batch  *pgx.Batch
	grants []*granted
	used   map[Day]usedUp // at zhimai
	// byDay and reckoned are kept by the other reckoning.
	byDay    map[Day][]*granted
	reckoned map[string]int64
}

// granted is a grant as the test knows it.
type granted struct {
	id      int64
	fact    string
	leg     int
	vendor  string
	shop    string
	day     Day
	amount  int64 // 0: none
	points  int64
	left    int64
	changes []changed
}

// changed is what took points from a grant, on a day.
type changed struct {
	day    Day
	points int64
}

func newWorld(t *testing.T, pool *pgxpool.Pool, seed uint64) *world {
	return &world{Rand: rand.New(rand.NewPCG(seed, 6)), t: t, pool: pool, batch: &pgx.Batch{}, used: map[Day]usedUp{}, reckoned: map[string]int64{}}
}

const firstDay = Day("2026-01-10")

// date is n days after the first.
func date(n int) Day {
	t, _ := time.Parse(time.DateOnly, string(firstDay))
	return Day(t.AddDate(0, 0, n).Format(time.DateOnly))
}

const sqlOperation = `INSERT INTO operations (id, target, kind, biz_id, business_key, member_id, points, source_type, points_channel, reason, reference, business_date, shop_code,
	amount_fen, mapping_version, event_source, event_id, event_type, event_time, event_subject, stream_seq, broker_time, data, fact_key, fact_leg)
	OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4, $5, $6, $7, 1, 3, 'r', 'R', $8::date, $9, $10, 'test', 's', $5, 'order.paid', now(), 's', $1, now(), '{}', $11, $12)`

func (w *world) operation(vendor, kind string, points int64, day Day, shop string, amount int64, fact string, leg int) int64 {
	w.id++
	day = w.late(w.id, "accepted", day)
	var shopCode, amountFen any
	if shop != "" {
		shopCode = shop
	}
	if amount > 0 {
		amountFen = amount
	}
	w.batch.Queue(sqlOperation, w.id, vendor, kind, fmt.Sprintf("%028d", w.id), fmt.Sprint("O", w.id), fmt.Sprint("M", w.id%7), points, string(day), shopCode, amountFen, fact, leg)
	return w.id
}

// sell grants points of a sale, at one or two vendor accounts, or of nothing that was sold.
func (w *world) sell(n int) {
	day, shop := date(n), []string{"", "S1", "S2"}[w.IntN(3)]
	amount := 1 + w.Int64N(50_000)
	if w.IntN(5) == 0 {
		amount = 0
	}
	fact := w.fact()
	for leg, vendor := range []string{"zhimai", "north"} {
		if leg == 1 && w.IntN(4) > 0 {
			continue
		}
		g := &granted{fact: fact, leg: leg, vendor: vendor, shop: shop, day: day, amount: amount, points: 1 + w.Int64N(800)}
		g.left = g.points
		g.id = w.operation(vendor, "points_add", g.points, day, shop, amount, fact, leg)
		w.grants = append(w.grants, g)
	}
}

func (w *world) any() *granted { return w.grants[w.IntN(len(w.grants))] }

// refund takes a part or all from a grant; its day may be before the grant's by mistake, or behind the day when it was given up. Sometimes it is given up
// later, and sometimes applied after all.
func (w *world) refund(n int) {
	g := w.any()
	if g.left == 0 {
		return
	}
	points := g.left
	if w.IntN(3) > 0 {
		points = 1 + w.Int64N(g.left)
	}
	day := date(n - w.IntN(3)*w.IntN(3))
	netted := w.IntN(2) == 0
	id := w.operation(g.vendor, "points_deduct", points, day, g.shop, 0, w.fact(), 0)
	w.batch.Queue(`INSERT INTO reversals (operation_id, origin_id, kept_before, kept_after, netted, ends) VALUES ($1, $2, $3, $4, $5, false)`, id, g.id, g.left, g.left-points, netted)
	g.left -= points
	day = max(day, g.day)
	g.changes = append(g.changes, changed{day, points})
	switch {
	case netted:
		w.end(id, "posted", "netted", points, day)
	case w.IntN(3) == 0:
		n += w.IntN(5) - 3
		w.end(id, "voided", "manual", points, date(n))
		at := max(date(n), day)
		g.changes = append(g.changes, changed{at, -points})
		if w.IntN(2) == 0 {
			again := date(n + w.IntN(3))
			w.correct(id, again)
			g.changes = append(g.changes, changed{max(again, at), points})
		} else {
			g.left += points
		}
	}
}

// giveUp has a person void what is left of a grant, and sometimes the vendor say that it was applied.
func (w *world) giveUp(n int) {
	g := w.any()
	if g.left == 0 || g.leg < 0 {
		return
	}
	n -= w.IntN(4)
	w.end(g.id, "voided", "manual", g.left, date(n))
	at := max(date(n), g.day)
	g.changes = append(g.changes, changed{at, g.left})
	if w.IntN(2) == 0 {
		again := date(n + w.IntN(5)*w.IntN(5))
		w.correct(g.id, again)
		g.changes = append(g.changes, changed{max(again, at), -g.left})
	}
	g.left = 0 // nothing more happens to it
}

// noon of a day in the programme's zone; of every other one it is still, or already, another day in UTC.
func (w *world) noon(day Day) time.Time {
	zone, _ := time.LoadLocation(usualZone)
	t, _ := time.ParseInLocation(time.DateOnly, string(day), zone)
	return t.Add([]time.Duration{0, time.Hour, 23*time.Hour + 59*time.Minute}[w.IntN(3)])
}

func (w *world) end(id int64, kind, evidence string, points int64, day Day) {
	day = w.late(id, "ended", day)
	w.batch.Queue(`INSERT INTO postings (operation_id, kind, evidence, member_id, attempts, posted_at, points) VALUES ($1, $2, $3, 'M', 0, $4, $5)`, id, kind, evidence, w.noon(day), points)
}

func (w *world) correct(id int64, day Day) {
	day = w.late(id, "corrected", day)
	w.batch.Queue(`INSERT INTO corrections (operation_id, kind, evidence, member_id, corrected_at) VALUES ($1, 'applied_after_void', 'answered', 'M', $2)`, id, w.noon(day))
}

// late says of one in eight that its own date was locked, and gives that: it is booked on day all the same.
func (w *world) late(id int64, part string, day Day) (own Day) {
	if w.IntN(8) > 0 {
		return day
	}
	t, _ := time.Parse(time.DateOnly, string(day))
	own = Day(t.AddDate(0, 0, -1-w.IntN(40)).Format(time.DateOnly))
	w.batch.Queue(`INSERT INTO late_entries (operation_id, part, own_date, accounting_date) VALUES ($1, $2, $3::date, $4::date)`, id, part, string(own), string(day))
	return own
}

// write brings all to the database.
func (w *world) write() {
	w.t.Helper()
	if err := w.pool.SendBatch(w.t.Context(), w.batch).Close(); err != nil {
		w.t.Fatal(err)
	}
	w.batch = &pgx.Batch{}
}

// redemptions gives what the test decided, in no order of days.
func (w *world) redemptions() Redemptions {
	return func(yield func(Redemption, error) bool) {
		for day, u := range w.used {
			for _, r := range []Redemption{{Day: day, Member: "M1", Shop: "S1", Points: u.redeemed - u.redeemed/3}, {Day: day, Member: "M2", Points: u.redeemed / 3}, {Day: day, Points: u.expired, Expired: true}} {
				if r.Points > 0 && !yield(r, nil) {
					return
				}
			}
		}
	}
}

// play lets days go by.
func play(t *testing.T, pool *pgxpool.Pool, seed uint64, days int) *world {
	w := newWorld(t, pool, seed)
	for n := range days {
		for range 1 + w.IntN(5) {
			w.sell(n)
		}
		if w.IntN(3) == 0 {
			w.refund(n)
		}
		if w.IntN(9) == 0 {
			w.giveUp(n)
		}
		if w.IntN(2) == 0 {
			w.used[date(n)] = usedUp{redeemed: w.Int64N(900), expired: w.Int64N(3) * w.Int64N(100)}
		}
	}
	w.write()
	return w
}

// fact is a key of a fact.
func (w *world) fact() string {
	return fmt.Sprintf("%08x-0000-4000-8000-%012x", w.Uint32(), w.Uint64()>>16)
}
