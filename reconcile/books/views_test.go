package books_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/desk"
	"pointsledger/desk/workitems"
	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/ledger/waiting"
)

// rejected records a message that could not be accepted.
func (w *world) rejected(code ledger.RejectCode, source, typ, payload string) {
	w.t.Helper()
	w.seq++
	e := ledger.Entry{Message: orders.Paid(w.seq, "none").Message, Rejection: ledger.Rejectf(code, "a test"), Source: source, Type: typ, ID: fmt.Sprint("e", w.seq)}
	e.Message.Payload = []byte(payload)
	if _, err := w.book.Record(w.t.Context(), []ledger.Entry{e}); err != nil {
		w.t.Fatal(err)
	}
}

func lines(w *world, sql string) []string {
	w.t.Helper()
	rows, err := w.pool.Query(w.t.Context(), sql)
	if err != nil {
		w.t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

func wantLines(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got\n%q\nwant\n%q", what, got, want)
	}
}

// A rejected event has its order and member as far as its bytes tell, and says whether
// the order is in the ledger, and since when.
func TestRejectStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	sale := func(order string) { w.seq++; w.record(orders.Paid(w.seq, order)) }
	refund := func(order, id string) ledger.Entry {
		w.seq++
		share := int64(1)
		e := orders.Refunded(w.seq, order, id, nil)
		e.Event.Type, e.Event.Content = "order.refunded", fmt.Sprintf(`{"amountFen":%d,"orderId":%q,"refundId":%q}`, share, order, id)
		return e
	}
	sale("SO-1")
	w.rejected(ledger.Conflict, "shop-sh", "order.paid", `{"specversion":"1.0","data":{"orderId":"SO-1","member":{"customerId":"7"}}}`)
	w.rejected(ledger.BadType, "shop-sh", "order.paid", `{"orderId":"SO-2","member":{"memberId":"K:2"}}`)
	w.rejected(ledger.BadType, "shop-sh", "order.paid", `{"orderId":"SO-3","member":null}`)
	w.rejected(ledger.BadType, "shop-bj", "order.paid", `{"orderId":"SO-1"}`)
	w.rejected(ledger.OriginUnknown, "refunds", "order.refunded", `{"orderId":"SO-1","refundId":"RF-1","orderSource":"shop-sh"}`)
	w.rejected(ledger.OverRefunded, "shop-sh", "order.refunded", `{"orderId":"SO-1","refundId":"RF-2"}`)
	w.rejected(ledger.NotJSON, "", "", "\xff{")
	w.rejected(ledger.BadType, "shop-sh", "order.paid", `["orderId"]`)
	w.rejected(ledger.BadType, "shop-sh", "order.paid", `{"orderId":"a\u0000b"}`)
	sale("SO-2")
	w.record(refund("SO-1", "RF-2"))
	wantLines(t, "rejects", lines(w, `SELECT concat_ws(' ', reason_code, COALESCE(order_id, '-'), COALESCE(member_id, '-'), granted_points,
		CASE WHEN operation_id IS NULL THEN 'none' WHEN settled_later THEN 'later' ELSE 'before' END) FROM reject_status ORDER BY id`),
		"conflict SO-1 7 0 before", "bad_type SO-2 K:2 100 later", "bad_type SO-3 - 0 none", "bad_type SO-1 - 0 none", "origin_unknown SO-1 - 0 none",
		"over_refunded SO-1 - 0 later", "not_json - - 0 none", "bad_type - - 0 none", "bad_type - - 0 none")
}

// What refunds have not taken back is listed until it is; what was netted never is.
func TestRefundsOwed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	amount, share := int64(10_000), int64(2500)
	sale := func(order string) {
		w.seq++
		e := orders.Paid(w.seq, order)
		e.Event.Operations[0].AmountFen = &amount
		w.record(e)
	}
	refund := func(order string) { w.seq++; w.record(orders.Refunded(w.seq, order, "R-"+order, &share)) }
	sale("SO-1")
	refund("SO-1") // netted
	for _, order := range []string{"SO-2", "SO-3", "SO-4"} {
		sale(order)
	}
	rows, err := w.book.Claim(t.Context(), ledger.Claim{Account: "zhimai", Token: 1, Limit: 10, Lease: time.Minute, KeyMemory: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row.BusinessKey != "SO-1" {
			refund(row.BusinessKey)
		}
		if row.BusinessKey == "SO-4" {
			continue // no answer yet
		}
		if _, err := w.book.Confirm(t.Context(), []ledger.Confirmation{{ID: row.ID, Evidence: ledger.Answered, MemberID: row.MemberID}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := waiting.New(w.pool, w.book).ReleaseTakeBacks(t.Context(), "zhimai", nil); err != nil {
		t.Fatal(err)
	}
	answer := func(order string, result workitems.Result) {
		t.Helper()
		keys := lines(w, `SELECT biz_id FROM work_items WHERE business_key = '`+order+`'`)
		if len(keys) != 1 {
			t.Fatalf("%s: %v", order, keys)
		}
		done, err := workitems.New(w.pool).Settle(t.Context(), []workitems.Answer{{BizID: ledger.BizID(keys[0]), Result: result, Note: "has left"}}, desk.Decision{Actor: "lin", Reason: "ticket 81"}, "work.csv")
		if err != nil || done.Operations != 1 {
			t.Fatalf("settle: %+v, %v", done, err)
		}
	}
	const owed = `SELECT concat_ws(' ', business_key, points, amount_fen, why, member_id) FROM refunds_owed ORDER BY business_key`
	const who = " 383933091455959041"
	wantLines(t, "owed", lines(w, owed), "SO-2 25 2500 by_hand"+who, "SO-3 25 2500 by_hand"+who, "SO-4 25 2500 waits_for_origin"+who)
	answer("SO-2", workitems.Done)
	answer("SO-3", workitems.NotPossible)
	wantLines(t, "reported", lines(w, owed), "SO-3 25 2500 given_up"+who, "SO-4 25 2500 waits_for_origin"+who)
}
