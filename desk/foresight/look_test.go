package foresight_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"pointsledger/desk/foresight"
	"pointsledger/ledger"
	"pointsledger/ledger/waiting"
)

// apply has all that is due applied at both vendors.
func (f *fixture) apply() {
	f.t.Helper()
	for _, account := range []string{"zhimai", "kylin"} {
		rows := must(f.book.Claim(f.t.Context(), ledger.Claim{Account: account, Token: 5, Limit: 100, Lease: time.Minute, KeyMemory: time.Hour}))
		heard := make([]ledger.Confirmation, len(rows))
		for i, r := range rows {
			heard[i] = ledger.Confirmation{ID: r.ID, Evidence: ledger.Answered, MemberID: "m"}
		}
		must(f.book.Confirm(f.t.Context(), heard))
	}
}

// parkAll gives everything that is open to a person, after an attempt.
func (f *fixture) parkAll() {
	f.exec(`UPDATE outbox SET state = 'parked', cause = 'refused', attempts = 1, first_sent_at = now()`)
}

// became are the operations of the newest event, as a foresight says it.
func (f *fixture) became() string {
	return one[string](f, `SELECT COALESCE(string_agg(kind || ' ' || recorded_points || ' ' ||
		CASE WHEN recorded_points = 0 THEN 'nothing_to_send' WHEN evidence IS NOT NULL THEN evidence WHEN cause = 'no_vendor_call' THEN 'work_item'
		     WHEN waits_for IS NOT NULL THEN 'waits' ELSE 'sent' END, ', ' ORDER BY id), '')
		FROM operation_status WHERE stream_seq = (SELECT max(stream_seq) FROM operations)`)
}

// foreseen is a foresight in the same words.
func foreseen(s foresight.Foresight, calls []ledger.Kind) string {
	words := make([]string, len(s.Takes))
	for i := range s.Takes {
		t := &s.Takes[i]
		fate := string(t.Fate(calls))
		if t.Waits() {
			fate = "waits"
		}
		words[i] = fmt.Sprintf("%s %d %s", t.Operation.Kind, t.Operation.Points, fate)
	}
	return strings.Join(words, ", ")
}

// What is foreseen of an event is what becomes of it, whatever came before; and
// looking leaves nothing behind.
func TestForesight(t *testing.T) {
	t.Parallel()
	all := []ledger.Kind{ledger.PointsAdd, ledger.PointsDeduct, ledger.FreezePoint, ledger.UnfreezePoint, ledger.ConsumeFrozen}
	pages := []ledger.Kind{ledger.PointsAdd, ledger.FreezePoint}
	for name, c := range map[string]struct {
		calls []ledger.Kind
		play  func(f *fixture)
		event func(f *fixture) ledger.Entry
		want  string
	}{
		"before it was sent": {all, func(f *fixture) { f.record(f.sale()) },
			func(f *fixture) ledger.Entry { return f.refund("R2", 3333) }, "points_deduct 34 netted, unfreeze_point 0 nothing_to_send"},
		"after it was sent": {all, func(f *fixture) { f.record(f.sale()); f.apply() },
			func(f *fixture) ledger.Entry { return f.refund("R2", 3333) }, "points_deduct 34 sent, unfreeze_point 0 nothing_to_send"},
		"the rest": {all, func(f *fixture) { f.record(f.sale()); f.apply(); f.record(f.refund("R1", 3333)) },
			func(f *fixture) ledger.Entry { return f.refund("R2", 6667) }, "points_deduct 66 sent, unfreeze_point 30 sent"},
		"no call": {pages, func(f *fixture) { f.record(f.sale()); f.apply() },
			func(f *fixture) ledger.Entry { return f.cancel("SO-1") }, "points_deduct 100 work_item, unfreeze_point 30 work_item"},
		"parked": {pages, func(f *fixture) { f.record(f.sale()); f.parkAll() },
			func(f *fixture) ledger.Entry { return f.cancel("SO-1") }, "points_deduct 100 waits, unfreeze_point 30 waits"},
		"given up": {all, func(f *fixture) {
			f.record(f.sale())
			f.parkAll()
			f.exec(`WITH g AS (DELETE FROM outbox RETURNING operation_id) INSERT INTO postings (operation_id, kind, evidence, attempts) SELECT operation_id, 'voided', 'manual', 1 FROM g`)
		}, func(f *fixture) ledger.Entry { return f.cancel("SO-1") }, "points_deduct 100 nothing_to_take_back, unfreeze_point 30 nothing_to_take_back"},
		"given up and applied": {all, func(f *fixture) {
			f.record(f.sale())
			f.parkAll()
			f.exec(`WITH g AS (DELETE FROM outbox RETURNING operation_id) INSERT INTO postings (operation_id, kind, evidence, attempts) SELECT operation_id, 'voided', 'manual', 1 FROM g`)
			f.exec(`INSERT INTO corrections (operation_id, kind, evidence, member_id) SELECT operation_id, 'applied_after_void', 'answered', 'm' FROM postings`)
		}, func(f *fixture) ledger.Entry { return f.cancel("SO-1") }, "points_deduct 100 sent, unfreeze_point 30 sent"},
		"spent": {all, func(f *fixture) { f.record(f.sale()); f.apply() },
			func(f *fixture) ledger.Entry { return f.complete() }, "consume_frozen 30 sent"},
		"spent without a call": {pages, func(f *fixture) { f.record(f.sale()); f.apply() },
			func(f *fixture) ledger.Entry { return f.complete() }, "consume_frozen 30 no_call_needed"},
		"cancelled after completed": {all, func(f *fixture) {
			f.record(f.sale())
			f.apply()
			f.record(f.complete())
		}, func(f *fixture) ledger.Entry { return f.cancel("SO-1") }, "points_deduct 100 sent, unfreeze_point 30 work_item"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			c.play(f)
			e := c.event(f)
			before := f.everything()
			saw := f.look(e)
			want(t, "everything", f.everything(), before)
			want(t, "foreseen", foreseen(saw, c.calls), c.want)
			want(t, "the verdict", saw.Verdict.Kind, ledger.Accepted)
			f.record(e)
			for _, account := range []string{"zhimai", "kylin"} {
				must(waiting.New(f.pool, f.book).ReleaseTakeBacks(t.Context(), account, c.calls))
			}
			want(t, "became", f.became(), c.want)
		})
	}
}

// everything is what the ledger holds.
func (f *fixture) everything() string {
	return one[string](f, `SELECT concat_ws('/', (SELECT count(*) FROM operations), (SELECT string_agg(x::text, ' ' ORDER BY operation_id) FROM outbox x),
		(SELECT count(*) FROM postings), (SELECT count(*) FROM reversals), (SELECT count(*) FROM waiting), (SELECT count(*) FROM rejects))`)
}

// The numbers of the formula are those that are recorded.
func TestForesightNumbers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.sale(), f.refund("R1", 2500))
	e := f.refund("R2", 1000)
	saw := f.look(e)
	take := saw.Takes[0]
	if take.OriginPoints != 100 || *take.OriginFen != 10_000 || take.OriginKind != ledger.PointsAdd || take.RefundedFen != 3500 || take.KeptBefore != 75 || take.KeptAfter != 65 ||
		take.Operation.Points != 10 || take.State != "waiting" || take.Ended {
		t.Errorf("got %+v", take)
	}
}

// What an event would not add is said, and so is a sale that is not known. A sale that
// somebody has locked is looked at all the same.
func TestForesightOfWhatIsKnown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.sale())
	f.record(f.refund("R1", 4000))
	other := f.cancel("SO-2")
	early := f.cancel("SO-3")
	f.record(early)
	tx := must(f.pool.Begin(t.Context()))
	defer tx.Rollback(t.Context())
	key := ledger.NewFactKey("shop-sh", "order.paid", "SO-1")
	if _, err := tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock($1), (SELECT count(*) FROM (SELECT 1 FROM outbox FOR UPDATE) l)`,
		int64(binary.BigEndian.Uint64(key[:8]))); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		entry ledger.Entry
		kind  ledger.VerdictKind
		code  ledger.RejectCode
		waits bool
	}{
		"too much":           {f.refund("R2", 6001), ledger.Rejected, ledger.OverRefunded, false},
		"all that is left":   {f.refund("R2", 6000), ledger.Accepted, "", false},
		"the same again":     {f.refund("R1", 4000), ledger.Duplicate, "", false},
		"with another share": {f.refund("R1", 4001), ledger.Rejected, ledger.Conflict, false},
		"no sale":            {other, ledger.Accepted, "", true},
		"waits already":      {early, ledger.Duplicate, "", true},
		"the sale again":     {f.sale(), ledger.Duplicate, "", false},
	} {
		saw := f.look(c.entry)
		var code ledger.RejectCode
		if saw.Verdict.Rejection != nil {
			code = saw.Verdict.Rejection.Code
		}
		if saw.Verdict.Kind != c.kind || code != c.code || saw.Waits != c.waits || (len(saw.Takes) > 0) != (name == "all that is left") {
			t.Errorf("%s: %+v", name, saw)
		}
	}
}
