package ledger_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/ledger/waiting"
)

// sale is a paid order of 10,000 fen: 100 points at zhimai, and a freeze at kylin if
// asked for.
func (f *fixture) sale(order string, freeze ledger.Points) ledger.Entry {
	e := f.event(order)
	if freeze > 0 {
		e.Event.Operations = append(e.Event.Operations, orders.Operation("kylin", order, freeze))
	}
	amount := int64(10_000)
	for i := range e.Event.Operations {
		e.Event.Operations[i].AmountFen = &amount
	}
	return e
}

// about is an event about a sale.
func (f *fixture) about(typ, order, id string, shareFen *int64) ledger.Entry {
	f.seq++
	e := orders.Paid(f.seq, order)
	e.Message.Subject, e.Event.Type, e.Event.Operations = "points.events."+typ, typ, nil
	e.Event.FactKey = ledger.NewFactKey("shop-sh", typ, id)
	e.Event.Content = fmt.Sprintf(`{"id":%q,"orderId":%q}`, id, order)
	if shareFen != nil {
		e.Event.Content = fmt.Sprintf(`{"amountFen":%d,"id":%q,"orderId":%q}`, *shareFen, id, order)
	}
	e.Event.Refers = &ledger.Referral{Origins: []ledger.FactKey{ledger.NewFactKey("shop-sh", "order.paid", order)}, Origin: "order.paid " + order,
		Consumes: typ == "order.completed", ShareFen: shareFen, BusinessKey: order, BusinessDate: "2026-11-20", MappingVersion: "test",
		Texts: map[ledger.Kind]string{ledger.PointsDeduct: "订单" + order + "退款扣回积分"}}
	return e
}

func (f *fixture) refund(order, id string, fen int64) ledger.Entry {
	return f.about("order.refunded", order, id, &fen)
}

func (f *fixture) cancel(order string) ledger.Entry {
	return f.about("order.cancelled", order, order, nil)
}

func (f *fixture) complete(order string) ledger.Entry {
	return f.about("order.completed", order, order, nil)
}

// life is what the ledger says of an order, one word for each operation.
func (f *fixture) life(order string) string {
	return one[string](f, `SELECT COALESCE(string_agg(kind || ' ' || points || ' ' || state || COALESCE(' ' || evidence, COALESCE(' ' || cause, '')), ', ' ORDER BY stream_seq, id), '')
		FROM operation_status WHERE business_key = $1`, order)
}

// post claims what is due at an account and has all of it applied.
func (f *fixture) post(account string) {
	f.t.Helper()
	claimed := must(f.Claim(f.t.Context(), ledger.Claim{Account: account, Token: 5, Limit: 100, Lease: time.Minute, KeyMemory: time.Hour}))
	heard := make([]ledger.Confirmation, len(claimed))
	for i, c := range claimed {
		heard[i] = ledger.Confirmation{ID: c.ID, Evidence: ledger.Answered, MemberID: "383933091455959041"}
	}
	must(f.Confirm(f.t.Context(), heard))
}

func (f *fixture) waiting() *waiting.Waiting { return waiting.New(f.pool, f.Store) }

func (f *fixture) sweep() {
	f.t.Helper()
	must(f.waiting().Join(f.t.Context()))
	for _, account := range []string{"zhimai", "kylin"} {
		must(f.waiting().ReleaseTakeBacks(f.t.Context(), account, f.offered))
	}
}

// The life of an order's points, by what came when. What was not sent is lessened,
// what was sent is taken back behind it, and the books are even all the time.
func TestLifeOfAnOrder(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		play func(f *fixture)
		want string
	}{
		"refund of a part before it was sent": {func(f *fixture) {
			f.record(f.sale("SO", 0))
			f.record(f.refund("SO", "R1", 2500))
		}, "points_add 75 waiting, points_deduct 25 posted netted"},
		"refund of all before it was sent": {func(f *fixture) {
			f.record(f.sale("SO", 0))
			f.record(f.refund("SO", "R1", 2500), f.refund("SO", "R2", 7500))
		}, "points_add 0 voided reversed, points_deduct 25 posted netted, points_deduct 75 posted netted"},
		"refund after it was sent": {func(f *fixture) {
			f.record(f.sale("SO", 0))
			f.post("zhimai")
			f.record(f.refund("SO", "R1", 3333))
			f.sweep()
		}, "points_add 100 posted answered, points_deduct 34 waiting"},
		"refund while it is being sent waits for it": {func(f *fixture) {
			f.record(f.sale("SO", 0))
			f.claim(1, 10)
			f.record(f.refund("SO", "R1", 3333))
			f.sweep()
		}, "points_add 100 sending, points_deduct 34 waiting for its origin"},
		"refund that waited when commits were lost is a person's": {func(f *fixture) {
			f.record(f.refund("SO", "R1", 2500))
			f.exec(`UPDATE waiting SET referral = referral || '{"MayBeDone": true}'`)
			f.record(f.refund("SO", "R2", 2500)) // this one comes later
			must(f.RecordRebuilt(f.t.Context(), []ledger.Entry{f.sale("SO", 0)}, ledger.Rebuilt{}))
			f.sweep()
		}, "points_deduct 25 parked in doubt rebuilt, points_deduct 25 waiting for its origin, points_add 100 parked in doubt rebuilt"},
		"refund that was read again before its sale is a person's": {func(f *fixture) {
			refund := f.refund("SO", "R1", 2500)
			must(f.RecordRebuilt(f.t.Context(), []ledger.Entry{refund}, ledger.Rebuilt{}))
			must(f.RecordRebuilt(f.t.Context(), []ledger.Entry{f.sale("SO", 0)}, ledger.Rebuilt{}))
			f.sweep()
		}, "points_deduct 25 parked in doubt rebuilt, points_add 100 parked in doubt rebuilt"},
		"refund of what the vendor turned away waits for it": {func(f *fixture) {
			f.record(f.sale("SO", 0))
			row := f.claim(1, 10)[0]
			must(f.Settle(f.t.Context(), []ledger.Change{{ID: row.ID, Token: 1, State: ledger.Pending, Cause: ledger.CauseUnauthorised, Unsent: true,
				Attempt: &ledger.Attempt{Outcome: "unauthorised", HTTPStatus: 401}}}))
			f.record(f.refund("SO", "R1", 2500))
			f.sweep()
		}, "points_add 100 waiting unauthorised, points_deduct 25 waiting for its origin"},
		"a netted grant sends what is left": {func(f *fixture) {
			f.record(f.sale("SO", 0))
			f.record(f.refund("SO", "R1", 2500))
			if claimed := f.claim(1, 10); len(claimed) != 1 || claimed[0].Points != 75 {
				f.t.Errorf("claimed %+v", claimed)
			}
		}, "points_add 75 sending, points_deduct 25 posted netted"},
		"cancelled after a refund takes the rest": {func(f *fixture) {
			f.record(f.sale("SO", 0))
			f.post("zhimai")
			f.record(f.refund("SO", "R1", 2500), f.cancel("SO"), f.refund("SO", "R2", 9000))
			f.sweep()
		}, "points_add 100 posted answered, points_deduct 25 waiting, points_deduct 75 waiting, points_deduct 0 nothing to send"},
		"refunds after a cancellation, of more than can be counted": {func(f *fixture) {
			f.record(f.sale("SO", 0), f.cancel("SO"))
			for _, id := range []string{"R1", "R2", "R3"} {
				f.record(f.refund("SO", id, math.MaxInt64))
			}
		}, "points_add 0 voided reversed, points_deduct 100 posted netted, points_deduct 0 nothing to send, points_deduct 0 nothing to send, points_deduct 0 nothing to send"},
		"of what a person gave up there is nothing to take back": {func(f *fixture) {
			f.record(f.sale("SO", 0))
			f.claim(1, 10)
			f.exec(`UPDATE outbox SET state = 'parked', cause = 'refused', lease_token = NULL, lease_until = NULL`)
			f.record(f.cancel("SO"))
			f.exec(`WITH g AS (DELETE FROM outbox WHERE waits_for IS NULL RETURNING operation_id) INSERT INTO postings (operation_id, kind, evidence, attempts) SELECT operation_id, 'voided', 'manual', 1 FROM g`)
			f.sweep()
		}, "points_add 100 voided manual, points_deduct 100 voided nothing_to_take_back"},
		"a refund before its sale waits for it": {func(f *fixture) {
			f.record(f.refund("SO", "R1", 5000))
			f.sweep()
			f.record(f.sale("SO", 0))
			f.sweep()
		}, "points_deduct 50 posted netted, points_add 50 waiting"},
		"a freeze that was not sent is voided": {func(f *fixture) {
			f.record(f.sale("SO", 30))
			f.record(f.cancel("SO"))
		}, "points_add 0 voided reversed, freeze_point 0 voided reversed, points_deduct 100 posted netted, unfreeze_point 30 posted netted"},
		"a freeze is spent when the order is completed": {func(f *fixture) {
			f.record(f.sale("SO", 30))
			f.post("zhimai")
			f.post("kylin")
			f.record(f.complete("SO"))
			f.sweep()
		}, "points_add 100 posted answered, freeze_point 30 posted answered, consume_frozen 30 waiting"},
		"completed after cancelled": {func(f *fixture) {
			f.record(f.sale("SO", 30))
			f.post("zhimai")
			f.post("kylin")
			f.record(f.cancel("SO"), f.complete("SO"))
			f.sweep()
		}, "points_add 100 posted answered, freeze_point 30 posted answered, points_deduct 100 waiting, unfreeze_point 30 waiting, consume_frozen 0 nothing to send"},
		"cancelled after completed is for a person": {func(f *fixture) {
			f.record(f.sale("SO", 30))
			f.post("zhimai")
			f.post("kylin")
			f.record(f.complete("SO"), f.cancel("SO"))
			f.sweep()
		}, "points_add 100 posted answered, freeze_point 30 posted answered, consume_frozen 30 waiting, points_deduct 100 waiting, unfreeze_point 30 parked no_vendor_call"},
		"a part of it leaves a freeze": {func(f *fixture) {
			f.record(f.sale("SO", 30))
			f.record(f.refund("SO", "R1", 9999))
		}, "points_add 0 voided reversed, freeze_point 30 waiting, points_deduct 100 posted netted, unfreeze_point 0 nothing to send"},
		"an order without a freeze is completed": {func(f *fixture) {
			f.record(f.sale("SO", 0))
			f.record(f.complete("SO"))
		}, "points_add 100 waiting, consume_frozen 0 nothing to send"},
		"where the vendor has no call a person takes back": {func(f *fixture) {
			f.offered = []ledger.Kind{ledger.PointsAdd, ledger.FreezePoint}
			f.record(f.sale("SO", 30))
			f.post("zhimai")
			f.post("kylin")
			f.record(f.complete("SO"), f.refund("SO", "R1", 1))
			f.sweep()
		}, "points_add 100 posted answered, freeze_point 30 posted answered, consume_frozen 30 voided no_call_needed, points_deduct 1 parked no_vendor_call, unfreeze_point 0 nothing to send"},
		"held, and refunded meanwhile": {func(f *fixture) {
			e := f.sale("SO", 0)
			e.Event.Operations[0].HeldUntil = time.Now().Add(time.Hour)
			if verdicts, leased, err := f.RecordLeased(f.t.Context(), []ledger.Entry{e}, []ledger.RecordLease{{Account: "zhimai", Token: 4, Lease: time.Minute}}); err != nil || len(leased) > 0 || verdicts[0].Kind != ledger.Accepted {
				f.t.Errorf("what is held was handed over: %v %v %v", verdicts, leased, err)
			}
			f.record(f.refund("SO", "R1", 5000))
			f.exec(`UPDATE outbox SET next_attempt_at = now()`) // whatever is done to it
			if claimed := f.claim(1, 10); len(claimed) > 0 {
				f.t.Errorf("what is held was claimed: %v", claimed)
			}
		}, "points_add 50 held, points_deduct 50 posted netted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			c.play(f)
			want(t, "life", f.life("SO"), c.want)
			want(t, "trial balance", one[int](f, `SELECT COALESCE(sum(balance_points), 0)::int FROM trial_balance`), 0)
			want(t, "pending at the end", one[int](f, `SELECT count(*)::int FROM trial_balance WHERE account LIKE '%:pending' AND balance_points < 0`), 0)
		})
	}
}

// A refund that came twice is one; one that contradicts is a conflict; more than
// was paid is refused; each of them also while the sale has not come.
func TestRefundsThatAreNoFurtherRefunds(t *testing.T) {
	t.Parallel()
	for _, waits := range []bool{false, true} {
		f := newFixture(t)
		if !waits {
			f.record(f.sale("SO", 0))
		}
		first := f.refund("SO", "R1", 6000)
		other := f.refund("SO", "R1", 7000)
		more := f.refund("SO", "R2", 4001)
		want(t, "first", f.record(first)[0].Kind, ledger.Accepted)
		again := first
		again.Message.Seq, again.Message.BrokerTime = 900, again.Message.BrokerTime.Add(time.Second)
		if v := f.record(first, again); v[0].Kind != ledger.Duplicate || !v[0].Redelivered || v[1].Kind != ledger.Duplicate || v[1].Redelivered {
			t.Errorf("waits %v: repeats: %+v", waits, v)
		}
		if v := f.record(other)[0]; v.Kind != ledger.Rejected || v.Rejection.Code != ledger.Conflict {
			t.Errorf("waits %v: another amount: %+v", waits, v)
		}
		v := f.record(more)[0]
		if waits {
			want(t, "more than was paid, before the sale", v.Kind, ledger.Accepted)
			f.record(f.sale("SO", 0))
			f.sweep()
			want(t, "waiting", one[int](f, `SELECT count(*)::int FROM waiting`), 0)
		} else if v.Kind != ledger.Rejected || v.Rejection.Code != ledger.OverRefunded {
			t.Errorf("more than was paid: %+v", v)
		}
		want(t, "rejects", one[string](f, `SELECT string_agg(reason_code, ' ' ORDER BY reason_code) FROM rejects`), "conflict over_refunded")
		life := "points_add 40 waiting, points_deduct 60 posted netted"
		if waits {
			life = "points_deduct 60 posted netted, points_add 40 waiting"
		}
		want(t, "life", f.life("SO"), life)
	}
}

// What waits for long is shown as a reject once, and that is closed when the sale comes.
func TestWhatWaitsForLongIsShown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.refund("SO", "R1", 6000), f.refund("SX", "R9", 6000))
	want(t, "shown at once", must(f.waiting().Name(t.Context())), 0)
	f.exec(`UPDATE waiting SET waits_since = now() - interval '25 hours' WHERE business_key = 'SO'`)
	want(t, "shown", must(f.waiting().Name(t.Context())), 1)
	want(t, "shown again", must(f.waiting().Name(t.Context())), 0)
	want(t, "numbers taken", one[int](f, `SELECT pg_sequence_last_value(pg_get_serial_sequence('rejects', 'id')::regclass)::int`), 1)
	f.record(f.sale("SO", 0))
	f.sweep()
	want(t, "open rejects", one[int](f, `SELECT count(*)::int FROM rejects WHERE resolved_at IS NULL`), 0)
	want(t, "waiting", one[int](f, `SELECT count(*)::int FROM waiting`), 1)
}

// A refund of too much that waited for long is still a person's when its sale comes.
func TestRefundOfTooMuchThatWaitedStaysOpen(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.refund("SO", "R1", 10_001))
	f.exec(`UPDATE waiting SET waits_since = now() - interval '25 hours'`)
	want(t, "shown", must(f.waiting().Name(t.Context())), 1)
	f.record(f.sale("SO", 0))
	f.sweep()
	want(t, "waiting", one[int](f, `SELECT count(*)::int FROM waiting`), 0)
	want(t, "open rejects", one[int](f, `SELECT count(*)::int FROM rejects WHERE resolved_at IS NULL`), 1)
	want(t, "life", f.life("SO"), "points_add 100 waiting")
}

// An event that the database refuses when its sale has come waits on, alone, and is
// named by the error.
func TestRefusedEventHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`ALTER TABLE reversals ADD CONSTRAINT theirs CHECK (kept_after <> 70)`)
	for i, fen := range []int64{6000, 3000, 5000, 2000} {
		order := fmt.Sprintf("SO-%d", i)
		f.record(f.refund(order, "R"+order, fen))
		f.record(f.sale(order, 0))
	}
	joined, err := f.waiting().Join(t.Context())
	if joined != 3 || err == nil || !strings.Contains(err.Error(), f.refund("SO-1", "RSO-1", 3000).Event.FactKey.String()) {
		t.Errorf("joined %d, %v", joined, err)
	}
	want(t, "waiting", one[string](f, `SELECT string_agg(business_key, ' ') FROM waiting`), "SO-1")
	f.exec(`ALTER TABLE reversals DROP CONSTRAINT theirs`)
	want(t, "joined when it is mended", must(f.waiting().Join(t.Context())), 1)
	want(t, "life", f.life("SO-1"), "points_deduct 30 posted netted, points_add 70 waiting")
}
