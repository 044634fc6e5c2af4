package books_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/desk"
	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
)

// places says, apart from the code, what each kind takes from and gives to.
var places = map[ledger.Kind][2]string{
	ledger.PointsAdd: {"issued", "credited"}, ledger.PointsDeduct: {"credited", "issued"}, ledger.FreezePoint: {"vendor_balance", "frozen"},
	ledger.UnfreezePoint: {"frozen", "vendor_balance"}, ledger.ConsumeFrozen: {"frozen", "spent"},
}

// moved is what the test notes when something happens: points from one place to another.
type moved struct {
	op       *played
	movement string
	from, to string
	points   int64
}

// played is an operation as the test knows it.
type played struct {
	order  *order
	kind   ledger.Kind
	points int64 // as recorded
	left   int64 // to be sent: less what was netted
	day    string
	event  string
	origin *played // what it takes from
	// state is new, out (a worker had it), parked, posted, voided or corrected; waits
	// and due for what takes back, before and after a sweep.
	state string
	id    ledger.OperationID
}

func (p *played) account() string {
	if p.kind == ledger.PointsAdd || p.kind == ledger.PointsDeduct {
		return "zhimai"
	}
	return "kylin"
}

// order is a sale of a person at a shop.
type order struct {
	name, shop string
	person     int
	coded      bool // a scanned code, at zhimai
	resolved   bool
	channel    int
	amount     int64
	refunded   int64
	cancelled  bool
	ended      bool
	grant      *played
	freeze     *played
}

func (o *order) kept() int64 { return o.grant.points * (o.amount - o.refunded) / o.amount }

// world plays orders on a ledger and keeps a list of what happened.
type world struct {
	*rand.Rand
	t      *testing.T
	pool   *pgxpool.Pool
	book   *ledger.Store
	desk   *desk.Desk
	seq    uint64
	token  ledger.LeaseToken
	orders []*order
	ops    []*played
	list   []moved
	// marks are instants, and how much of the list had happened then.
	marks []mark
}

type mark struct {
	at time.Time
	n  int
}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	pool, err := database.OpenWorkerPool(t.Context(), testkit.Postgres(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	book := ledger.New(pool)
	return &world{Rand: rand.New(rand.NewPCG(seed, 13)), t: t, pool: pool, book: book, desk: desk.New(pool, book)}
}

func customer(person int) string { return fmt.Sprintf("38393309145595904%d", person) }
func memberID(person int) string { return fmt.Sprintf("K:%d", person) }

func (w *world) day() string { return fmt.Sprintf("2026-11-%d", 20+w.IntN(3)) }

func (w *world) move(op *played, movement, from, to string, points int64) {
	if points > 0 {
		w.list = append(w.list, moved{op, movement, from, to, points})
	}
}

func (w *world) accept(op *played) {
	op.left, op.event = op.points, fmt.Sprint("e", w.seq)
	w.ops = append(w.ops, op)
	w.move(op, "accepted", places[op.kind][0], "pending", op.points)
}

func (w *world) record(e ledger.Entry) {
	w.t.Helper()
	verdicts, err := w.book.Record(w.t.Context(), []ledger.Entry{e})
	if err != nil {
		w.t.Fatal(err)
	}
	if verdicts[0].Kind != ledger.Accepted {
		w.t.Fatalf("not accepted: %+v", verdicts[0])
	}
}

// sell records an order of a person, with a freeze in one of two.
func (w *world) sell() {
	w.seq++
	o := &order{name: fmt.Sprintf("SO-%d", w.seq), shop: fmt.Sprintf("S%d", w.IntN(2)), person: w.IntN(2), coded: w.IntN(5) == 0, channel: 2 + w.IntN(2), amount: 1 + w.Int64N(5000)}
	e := orders.Paid(w.seq, o.name)
	day := w.day()
	op := &e.Event.Operations[0]
	op.Points, op.PointsChannel, op.ShopCode, op.AmountFen, op.BusinessDate = ledger.Points(1+w.IntN(300)), o.channel, o.shop, &o.amount, day
	op.MemberID = customer(o.person)
	member := fmt.Sprintf(`{"customerId":%q,"memberId":%q,"userCode":null}`, customer(o.person), memberID(o.person))
	if o.coded {
		op.MemberID, op.MemberCode = "", "UC"+o.name
		member = fmt.Sprintf(`{"customerId":null,"memberId":%q,"userCode":%q}`, memberID(o.person), op.MemberCode)
	}
	if w.IntN(4) == 0 {
		op.HeldUntil = time.Now().Add(time.Hour)
	}
	o.grant = &played{order: o, kind: ledger.PointsAdd, points: int64(op.Points), day: day, state: "new"}
	if w.IntN(2) == 0 {
		freeze := orders.Operation("kylin", o.name, ledger.Points(1+w.IntN(90)))
		freeze.ShopCode, freeze.AmountFen, freeze.BusinessDate, freeze.MemberID = o.shop, &o.amount, day, memberID(o.person)
		freeze.SourceType, freeze.PointsChannel = 0, 0
		e.Event.Operations = append(e.Event.Operations, freeze)
		o.freeze = &played{order: o, kind: ledger.FreezePoint, points: int64(freeze.Points), day: day, state: "new"}
	}
	e.Event.Content = fmt.Sprintf(`{"amountFen":%d,"channel":%d,"member":%s,"orderId":%q}`, o.amount, o.channel, member, o.name)
	w.record(e)
	w.accept(o.grant)
	if o.freeze != nil {
		w.accept(o.freeze)
	}
	w.orders = append(w.orders, o)
}

// takes notes what an event takes from an operation: from what was not sent at once.
func (w *world) takes(from *played, kind ledger.Kind, points int64, day string) {
	if points == 0 {
		return
	}
	op := &played{order: from.order, kind: kind, points: points, day: day, origin: from, state: "waits"}
	if from.state != "new" || kind == ledger.ConsumeFrozen {
		w.accept(op)
		return
	}
	op.state = "netted"
	w.ops = append(w.ops, op)
	w.move(op, "netted", "pending", places[kind][1], points)
	if from.left -= points; from.left == 0 {
		from.state = "gone"
	}
}

// about records an event about an order.
func (w *world) about(o *order, typ string, share *int64) (day string) {
	w.seq++
	e := orders.Refunded(w.seq, o.name, fmt.Sprint(o.name, "/", w.seq), share)
	day = w.day()
	e.Event.Type, e.Event.Refers.BusinessDate, e.Event.Refers.Consumes = typ, day, typ == "order.completed"
	w.record(e)
	return day
}

func (w *world) refund(o *order) {
	if o.cancelled || o.refunded >= o.amount-1 || o.grant.state == "voided" || o.grant.state == "corrected" {
		return
	}
	share, before := 1+w.Int64N(o.amount-1-o.refunded), o.kept()
	day := w.about(o, "order.refunded", &share)
	o.refunded += share
	w.takes(o.grant, ledger.PointsDeduct, before-o.kept(), day)
}

func (w *world) cancel(o *order) {
	if o.cancelled || o.freeze != nil && o.ended || given(o.grant) || o.freeze != nil && given(o.freeze) {
		return
	}
	day := w.about(o, "order.cancelled", nil)
	w.takes(o.grant, ledger.PointsDeduct, o.kept(), day)
	o.cancelled = true
	if o.freeze != nil {
		o.ended = true
		w.takes(o.freeze, ledger.UnfreezePoint, o.freeze.points, day)
	}
}

func given(p *played) bool { return p.state == "voided" || p.state == "corrected" }

func (w *world) complete(o *order) {
	if o.freeze == nil || o.ended || o.cancelled || given(o.freeze) {
		return
	}
	day := w.about(o, "order.completed", nil)
	o.ended = true
	w.takes(o.freeze, ledger.ConsumeFrozen, o.freeze.points, day)
}
