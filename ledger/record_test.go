package ledger_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
)

func TestRecordCountsAnEventOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first := f.event("SO-1")
	want(t, "first", f.record(first)[0].Kind, ledger.Accepted)

	redelivered := f.record(first)[0]
	want(t, "same message again", redelivered.Kind, ledger.Duplicate)
	want(t, "redelivered", redelivered.Redelivered, true)

	published := f.record(f.event("SO-1"))[0]
	want(t, "published again", published.Kind, ledger.Duplicate)
	want(t, "redelivered", published.Redelivered, false)

	want(t, "operations", one[int](f, `SELECT count(*) FROM operations`), 1)
	want(t, "outbox rows", one[int](f, `SELECT count(*) FROM outbox`), 1)
}

func TestRecordTwiceInOneBatch(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	conflicting := f.event("SO-1")
	conflicting.Event.Content = `{"amountFen":1,"orderId":"SO-1"}`
	verdicts := f.record(f.event("SO-1"), f.event("SO-1"), conflicting)
	want(t, "first", verdicts[0].Kind, ledger.Accepted)
	want(t, "second", verdicts[1].Kind, ledger.Duplicate)
	want(t, "third", verdicts[2].Kind, ledger.Rejected)
	want(t, "code", verdicts[2].Rejection.Code, ledger.Conflict)
	want(t, "operations", one[int](f, `SELECT count(*) FROM operations`), 1)
	want(t, "rejects", one[int](f, `SELECT count(*) FROM rejects`), 1)
}

func TestRecordConflict(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.event("SO-1"))
	// The other event would also freeze points: nothing of it may be inserted.
	other := f.event("SO-1")
	other.Event.ID = "late"
	other.Event.Content = `{"amountFen":99,"orderId":"SO-1"}`
	other.Event.Operations = append(other.Event.Operations, orders.Operation("kylin", "SO-1", 5))
	v := f.record(other)[0]
	want(t, "verdict", v.Kind, ledger.Rejected)
	for _, part := range []string{`"e1"`, `"late"`, "amountFen 10000 before, 99 now", "SO-1"} {
		if !strings.Contains(v.Rejection.Reason, part) {
			t.Errorf("reason lacks %q: %s", part, v.Rejection.Reason)
		}
	}
	want(t, "operations", one[int](f, `SELECT count(*) FROM operations`), 1)
	want(t, "reject", one[string](f, `SELECT reason_code || ' ' || event_id || ' ' || convert_from(payload, 'UTF8') FROM rejects`),
		`conflict late {"orderId":"SO-1"}`)
}

func TestRecordRepeatIsDuplicate(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.event("SO-1"))
	other := f.event("SO-1")
	other.Event.Content = `{"amountFen":99,"orderId":"SO-1"}`
	other.Event.RepeatIsDuplicate = true
	want(t, "verdict", f.record(other)[0].Kind, ledger.Duplicate)
}

// A field that only one rule version declares is a change of the rules.
func TestRecordComparesWhatBothDeclare(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.event("SO-1"))
	later := f.event("SO-1")
	later.Event.Content = `{"amountFen":10000,"orderId":"SO-1","rating":5}`
	want(t, "field declared since", f.record(later)[0].Kind, ledger.Duplicate)
	later = f.event("SO-1")
	later.Event.Content = `{"amountFen":10001,"orderId":"SO-1","rating":5}`
	want(t, "and another amount", f.record(later)[0].Kind, ledger.Rejected)
}

// Rules that have grown an operation since do not grant it for an old event.
func TestRecordOldEventUnderNewRules(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.event("SO-1"))
	again := f.event("SO-1")
	again.Event.Operations = append(again.Event.Operations, orders.Operation("kylin", "SO-1", 5))
	want(t, "verdict", f.record(again)[0].Kind, ledger.Duplicate)
	want(t, "operations", one[int](f, `SELECT count(*) FROM operations`), 1)
}

func TestRecordNothingToSend(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	e := f.event("SO-1")
	e.Event.Operations[0].Points = 0
	e.Event.Operations[0].MemberID = ""
	f.record(e)
	want(t, "state", one[string](f, `SELECT state FROM operation_status`), "nothing to send")
	want(t, "outbox rows", one[int](f, `SELECT count(*) FROM outbox`), 0)
}

func TestRecordPoisonCostsOnlyItself(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var batch []ledger.Entry
	for i := range 1000 {
		batch = append(batch, f.event(fmt.Sprintf("SO-%d", i)))
	}
	batch[617].Event.Operations[0].PointsChannel = 77
	for i, v := range f.record(batch...) {
		kind := ledger.Accepted
		if i == 617 {
			kind = ledger.Rejected
		}
		if v.Kind != kind {
			t.Fatalf("event %d: got %v, want %v", i, v.Kind, kind)
		}
	}
	want(t, "operations", one[int](f, `SELECT count(*) FROM operations`), 999)
	want(t, "reject", one[string](f, `SELECT reason_code || ' ' || stream_seq FROM rejects`), "out_of_range 618")
	if reason := one[string](f, `SELECT reason FROM rejects`); !strings.Contains(reason, "operations_points_channel_range") {
		t.Errorf("the reason does not name the constraint: %s", reason)
	}
}

// What cannot be stored as text is kept as bytes, and named all the same.
func TestRecordRejectKeepsBytes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	e := f.event("SO-1")
	e.Event, e.Rejection = nil, ledger.Rejectf(ledger.NotUTF8, "bad byte \xff and \x00")
	e.Message.Payload = []byte("\xff\x00{")
	e.Message.Subject = "points.events.\xff"
	e.Source = "a\x00b"
	f.record(e)
	f.record(e) // redelivered
	want(t, "rejects", one[int](f, `SELECT count(*) FROM rejects`), 1)
	want(t, "payload", string(one[[]byte](f, `SELECT payload FROM rejects`)), "\xff\x00{")
	want(t, "source", one[string](f, `SELECT event_source FROM rejects`), "a\uFFFDb")
}

// Several workers record the same keys at once: each key once, no deadlock,
// and every event gets a verdict.
func TestRecordConcurrently(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const workers, orders = 6, 200
	batches := make([][]ledger.Entry, workers)
	for w := range batches {
		for i := range orders {
			// Each worker sees the keys in another order.
			batches[w] = append(batches[w], f.event(fmt.Sprintf("SO-%d", (i*7+w*31)%orders)))
		}
	}
	accepted := make([]int, workers)
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			verdicts, err := f.Record(t.Context(), batches[w])
			if err != nil {
				t.Error(err)
			}
			for _, v := range verdicts {
				if v.Kind == ledger.Accepted {
					accepted[w]++
				}
			}
		})
	}
	group.Wait()
	sum := 0
	for _, n := range accepted {
		sum += n
	}
	want(t, "accepted over all workers", sum, orders)
	want(t, "operations", one[int](f, `SELECT count(*) FROM operations`), orders)
}

func TestLedgerIsInsertOnly(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.event("SO-1"))
	row := f.claim(1, 1)[0]
	if _, err := f.Confirm(t.Context(), []ledger.Confirmation{{ID: row.ID, Evidence: ledger.Answered, MemberID: row.MemberID}}); err != nil {
		t.Fatal(err)
	}
	reject := f.event("SO-2")
	reject.Event, reject.Rejection = nil, ledger.Rejectf(ledger.Clock, "x")
	f.record(reject)
	f.exec(`INSERT INTO attempts (operation_id, outcome, duration_ms) VALUES ($1, 'unknown', 1)`, row.ID)
	act, err := f.RecordAct(t.Context(), ledger.Act{Actor: "a", Name: "b", Reason: "c", SetSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	f.exec(`INSERT INTO action_operations (operation_id, action_id) VALUES ($1, $2)`, row.ID, act)
	f.exec(`INSERT INTO mappings (version, text) VALUES ('v1', 'text')`)
	f.exec(`INSERT INTO mapping_withdrawals (version, actor, reason, action_id) VALUES ('v1', 'a', 'c', $1)`, act)
	f.exec(`INSERT INTO budget_excesses (operation_id, bound, day, limit_points, spent_points) VALUES ($1, 'member', '2026-11-20', 1, 0)`, row.ID)
	f.exec(`INSERT INTO request_shapes (hash, shape) VALUES ('h', '{}')`)
	f.exec(`INSERT INTO corrections (operation_id, kind, evidence, member_id) SELECT operation_id, 'applied_after_void', 'answered', '1' FROM postings`)
	f.exec(`INSERT INTO reversals (operation_id, origin_id, kept_before, kept_after, netted, ends) VALUES ($1, $1, 1, 0, false, false)`, row.ID)
	f.record(orders.Declared(90, "2026-11-19", "d1", 1, 100))
	f.exec(`INSERT INTO period_acts (act, through, actor, reason, zone) VALUES ('lock', '2020-01-01', 'a', 'c', 'UTC')`)
	f.exec(`INSERT INTO late_entries (operation_id, part, own_date, accounting_date) VALUES ($1, 'accepted', '2020-01-01', '2020-01-02')`, row.ID)
	f.exec(`INSERT INTO reconcile_remarks (item_key, what, text, said_by) VALUES ('k', 'note', '', 'a')`)
	f.exec(`INSERT INTO seal_batches (number, form, sealed_at, since, complete, operations_upto, acts_upto, previous, hash) VALUES (1, 1, now(), now(), false, 0, 0, decode(repeat('00', 32), 'hex'), decode(repeat('01', 32), 'hex'))`)
	f.exec(`INSERT INTO seal_lists (number, table_name, ids, digests) VALUES (1, 'postings', '{}', '')`)
	f.exec(`INSERT INTO seal_covers (table_name, row_id, digest, action_id) VALUES ('postings', 1, '', $1)`, act)
	f.exec(`INSERT INTO point_values (text, used_through) VALUES ('v', '2020-01-01')`)
	f.exec(`INSERT INTO journal_vouchers (format, target, business_date, shop_code, number, lines) VALUES ('csv', 'zhimai', '2020-01-01', '', '1', '[]')`)
	f.exec(`INSERT INTO redemption_days (target, business_date, redeemed_points, expired_points) VALUES ('zhimai', '2020-01-01', 0, 0)`)
	assign := func(column string) string {
		if column == "reason" {
			return "reason = reason || '!'"
		}
		return column + " = " + column
	}
	columns := map[string]string{"operations": "points", "postings": "attempts", "corrections": "evidence", "attempts": "duration_ms",
		"mappings": "text", "operation_kinds": "enters", "reversals": "netted", "mapping_withdrawals": "reason", "budget_excesses": "spent_points", "request_shapes": "shape", "ops_actions": "reason", "action_operations": "action_id", "rejects": "reason",
		"declarations": "orders", "period_acts": "reason", "late_entries": "part", "reconcile_remarks": "text", "seal_batches": "form", "seal_lists": "digests", "seal_covers": "digest", "point_values": "text", "journal_vouchers": "number", "redemption_days": "redeemed_points"}
	guarded := one[[]string](f, `
		SELECT array_agg(DISTINCT c.relname::text) FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
		 WHERE g.tgname ~ '_no_truncate$' AND c.relnamespace = current_schema()::regnamespace`)
	for _, table := range guarded {
		if columns[table] == "" {
			t.Errorf("table %s is guarded and not tried here", table)
		}
	}
	for table, column := range columns {
		for _, sql := range []string{"UPDATE " + table + " SET " + assign(column), "DELETE FROM " + table, "TRUNCATE " + table + " CASCADE"} {
			if _, err := f.pool.Exec(t.Context(), sql); err == nil || !strings.Contains(err.Error(), "refused") && !strings.Contains(err.Error(), "only the resolution") {
				t.Errorf("%s: got %v, want a refusal", sql, err)
			}
		}
	}
	f.exec(`UPDATE rejects SET resolved_at = now(), resolved_by = 'ops', resolution = 'dismissed'`)
	if _, err := f.pool.Exec(t.Context(), `UPDATE rejects SET resolution = 'other'`); err == nil {
		t.Error("a resolved reject was resolved again")
	}
}

// A stream that was made again begins at sequence 1: its rejects are others,
// also while the runner still knows the old stream's time of creation.
func TestRecordRejectsOfARemadeStream(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first := f.event("SO-1")
	first.Event, first.Rejection = nil, ledger.Rejectf(ledger.Clock, "x")
	second := first
	second.Message.BrokerTime = first.Message.BrokerTime.Add(time.Hour)
	f.record(first, second)
	f.record(second, first)
	want(t, "rejects", one[int](f, `SELECT count(*) FROM rejects`), 2)
}

// A large batch is recorded in parts at the same time. Of two events that
// contradict each other the first is still the one that counts.
func TestRecordPartsKeepTheOrderOfAKey(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const orders = 200
	var batch []ledger.Entry
	for i := range orders {
		batch = append(batch, f.event(fmt.Sprintf("SO-%d", i)))
	}
	for i := range orders {
		other := f.event(fmt.Sprintf("SO-%d", i))
		other.Event.Content = `{"amountFen":1}`
		batch = append(batch, other)
	}
	for i, v := range f.record(batch...) {
		if i < orders && v.Kind != ledger.Accepted || i >= orders && v.Kind != ledger.Rejected {
			t.Fatalf("event %d: verdict %+v", i, v)
		}
	}
	want(t, "operations", one[int](f, `SELECT count(*) FROM operations`), orders)
	want(t, "conflicts", one[int](f, `SELECT count(*) FROM rejects WHERE reason_code = 'conflict'`), orders)
}
