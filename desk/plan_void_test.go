package desk_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"pointsledger/desk"
	"pointsledger/ledger"
)

// voidPlan stores a plan of what a filter chooses.
func voidPlan(t *testing.T, s *desk.Desk, f desk.OpenFilter) desk.Plan {
	t.Helper()
	plan, err := s.CreatePlan(t.Context(), desk.NewPlan{Kind: desk.PlanOfVoid, Actor: "lin", FilterText: "all parked", Choose: &f})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// void carries a plan out.
func void(t *testing.T, s *desk.Desk, plan desk.Plan, acceptInDoubt bool) (sum desk.VoidCount) {
	t.Helper()
	run, err := s.BeginPlan(t.Context(), desk.PlanStart{Plan: plan, Act: desk.ActVoid, Actor: "lin", Reason: "ticket 81"})
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	for more := true; more; {
		var batch desk.VoidCount
		if batch, more, err = run.VoidBatch(t.Context(), acceptInDoubt); err != nil {
			t.Fatal(err)
		}
		sum.Add(batch)
	}
	return sum
}

const sqlPostingOf = `
SELECT COALESCE((SELECT p.kind || ' ' || p.evidence || ' ' || p.attempts
                   FROM postings p JOIN operations o ON o.id = p.operation_id WHERE o.business_key = $1), 'open')`

func TestVoid(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	f.park("SO-1", 0, false)
	f.park("SO-2", time.Minute, true)
	f.record(f.event("SO-3"))
	sending := f.claim(7, 1)[0]
	f.record(f.event("SO-4"))

	plan := voidPlan(t, s, desk.OpenFilter{})
	total, groups, err := s.PreviewVoid(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "preview", fmt.Sprint(total.Operations, total.Members, total.Points, total.InDoubt, len(groups)), "2 1 200 1 1")
	want(t, "group", groups[0].Account+" "+string(groups[0].Cause)+" "+string(groups[0].Kind), "zhimai refused points_add")
	want(t, "nothing changed", one[int](f, `SELECT count(*) FROM outbox`), 4)

	want(t, "without doubt", void(t, s, plan, false), desk.VoidCount{Voided: 1, Points: 100, Refused: 1})
	want(t, "SO-1", one[string](f, sqlPostingOf, "SO-1"), "voided manual 7")
	want(t, "in doubt, refused", one[string](f, sqlPostingOf, "SO-2"), "open")
	want(t, "operations of the action", one[string](f, `SELECT string_agg(business_key, ' ') FROM action_operations JOIN operations ON id = operation_id`), "SO-1")
	// The plan has decided: another word needs another plan.
	want(t, "the same plan again", void(t, s, plan, true), desk.VoidCount{})
	want(t, "with doubt", void(t, s, voidPlan(t, s, desk.OpenFilter{InDoubt: true}), true), desk.VoidCount{Voided: 1, Points: 100, InDoubt: 1})
	want(t, "SO-2", one[string](f, sqlPostingOf, "SO-2"), "voided manual 7")

	want(t, "others are left alone", one[string](f, `SELECT string_agg(state, ' ' ORDER BY operation_id) FROM outbox`), "sending pending")
	confirmed, err := f.Confirm(t.Context(), heard(sending))
	want(t, "what was being sent is posted", confirmed.Posted == 1 && err == nil, true)
	want(t, "trial balance", one[int](f, `SELECT COALESCE(sum(balance_points), 0)::bigint FROM trial_balance`), 0)
	want(t, "points given back", one[int](f, `SELECT sum(points)::bigint FROM entries WHERE movement = 'voided' AND account = 'zhimai:issued:1'`), 200)
}

// A row that was parked when the plan was made and is not any more is left as
// it is; one that somebody is changing stays to be done.
func TestVoidLooksAgain(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	for i := range 5 {
		f.park(fmt.Sprintf("SO-%d", i), 0, false)
	}
	plan := voidPlan(t, s, desk.OpenFilter{})
	key := `operation_id = (SELECT id FROM operations WHERE business_key = $1)`
	f.exec(`UPDATE outbox SET state = 'pending', cause = 'replayed' WHERE `+key, "SO-0")
	f.exec(`UPDATE outbox SET state = 'sending', lease_token = 5, lease_until = now() + interval '1 minute', first_sent_at = now() WHERE `+key, "SO-1")
	id := one[int64](f, `SELECT id FROM operations WHERE business_key = 'SO-2'`)
	if _, err := f.Confirm(t.Context(), []ledger.Confirmation{{ID: ledger.OperationID(id), Evidence: ledger.Answered, MemberID: "42"}}); err != nil {
		t.Fatal(err)
	}
	tx, err := f.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context())
	if _, err := tx.Exec(t.Context(), `UPDATE outbox SET attempts = 9 WHERE `+key, "SO-3"); err != nil {
		t.Fatal(err)
	}
	want(t, "first", void(t, s, plan, false), desk.VoidCount{Voided: 1, Points: 100, Skipped: 3})
	want(t, "rows", one[string](f, `SELECT string_agg(business_key || ' ' || state, ', ' ORDER BY id) FROM outbox JOIN operations ON id = operation_id`),
		"SO-0 pending, SO-1 sending, SO-3 parked")
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(t, "again", void(t, s, plan, false), desk.VoidCount{Voided: 1, Points: 100})
	want(t, "SO-3", one[string](f, sqlPostingOf, "SO-3"), "voided manual 9")
}

// The vendor confirms what a person has given up: kept, counted, and the
// posting stays.
func TestConfirmAfterVoidByHand(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	f.record(f.event("SO-1"))
	row := f.claim(1, 1)[0]
	f.exec(`UPDATE outbox SET state = 'parked', cause = 'attempts_exhausted', in_doubt = true, lease_token = NULL, lease_until = NULL`)
	want(t, "voided", void(t, s, voidPlan(t, s, desk.OpenFilter{}), true).Voided, 1)
	confirmed, err := f.Confirm(t.Context(), heard(row))
	if err != nil {
		t.Fatal(err)
	}
	want(t, "posted", confirmed.Posted, 0)
	want(t, "after the void", len(confirmed.AfterVoid), 1)
	want(t, "posting", one[string](f, sqlPostingOf, "SO-1"), "voided manual 0")
	want(t, "kept", one[int](f, `SELECT count(*) FROM attempts WHERE outcome = 'applied'`), 1)
}

// A person gives up what workers hear confirmed at the same moment: each
// operation ends once, and no confirmation is lost.
func TestVoidAndConfirmAtOnce(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	const n = 3000
	f.parkMany(n)
	plan := voidPlan(t, s, desk.OpenFilter{})
	var all []ledger.Confirmation
	for id := range n {
		all = append(all, ledger.Confirmation{ID: ledger.OperationID(id + 1), Evidence: ledger.Answered, MemberID: "42"})
	}
	var posted, afterVoid int
	var heard sync.WaitGroup
	heard.Go(func() {
		for from := 0; from < n; from += 100 {
			confirmed, err := f.Confirm(t.Context(), all[from:from+100])
			if err != nil {
				t.Error(err)
			}
			posted += confirmed.Posted
			afterVoid += len(confirmed.AfterVoid)
		}
	})
	voided := int(void(t, s, plan, false).Voided)
	heard.Wait()
	want(t, "each ended once", posted+voided, n)
	want(t, "each void was heard of", afterVoid, voided)
	want(t, "posted", one[int](f, `SELECT count(*) FROM postings WHERE kind = 'posted'`), posted)
	want(t, "voided", one[int](f, `SELECT count(*) FROM postings WHERE kind = 'voided'`), voided)
	want(t, "open", one[int](f, `SELECT count(*) FROM outbox`), 0)
}

func TestSettleByHand(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	f.park("SO-1", time.Minute, true)
	coded := f.event("SO-2")
	coded.Event.Operations[0].MemberID, coded.Event.Operations[0].MemberCode = "", "UC77"
	f.record(coded)
	f.exec(`UPDATE outbox SET state = 'parked', cause = 'member_unresolved' WHERE state = 'pending'`)
	f.record(f.event("SO-3"))
	sending := f.claim(7, 1)[0]
	f.record(f.event("SO-4"))
	id := func(order string) ledger.OperationID {
		return ledger.OperationID(one[int64](f, `SELECT id FROM operations WHERE business_key = $1`, order))
	}
	settle := func(order string) error {
		_, err := s.SettleByHand(t.Context(), desk.HandSettlement{Decision: desk.Decision{Actor: "lin", Reason: "asked by the shop"}, ID: id(order),
			Evidence: "Ms Wu, ticket 5512", Filter: order})
		return err
	}
	for order, state := range map[string]string{"SO-2": "parked", "SO-3": "sending", "SO-4": "pending"} {
		var refused *desk.NotParkedError
		if err := settle(order); !errors.As(err, &refused) || refused.State != state || (refused.Why != "") != (order == "SO-2") {
			t.Errorf("%s: %v", order, err)
		}
	}
	want(t, "nothing recorded", one[int](f, `SELECT count(*) FROM ops_actions`), 0)
	if err := settle("SO-1"); err != nil {
		t.Fatal(err)
	}
	want(t, "posting", one[string](f, `SELECT concat_ws('|', kind, evidence, member_id, attempts, vendor_message) FROM postings`),
		"posted|manual|383933091455959041|7|Ms Wu, ticket 5512")
	want(t, "action", one[string](f, `SELECT concat_ws('|', actor, action, filter, reason, set_size, result) FROM ops_actions`),
		"lin|settle|SO-1|asked by the shop|1|posted by hand; evidence: Ms Wu, ticket 5512")
	want(t, "operation of the action", one[int](f, `SELECT count(*) FROM action_operations`), 1)
	var refused *desk.NotParkedError
	if err := settle("SO-1"); !errors.As(err, &refused) || refused.State != "posted" {
		t.Errorf("a second time: %v", err)
	}
	if confirmed, err := f.Confirm(t.Context(), heard(sending)); err != nil || confirmed.Posted != 1 {
		t.Errorf("what was being sent: %+v %v", confirmed, err)
	}
	for _, h := range []desk.HandSettlement{
		{ID: id("SO-2"), Evidence: "x"}, {ID: id("SO-2"), Decision: desk.Decision{Actor: "lin", Reason: "x"}}, {ID: 99, Decision: desk.Decision{Actor: "lin", Reason: "x"}, Evidence: "x"},
	} {
		if _, err := s.SettleByHand(t.Context(), h); err == nil {
			t.Errorf("settled: %+v", h)
		}
	}
}

func TestResolveByHand(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	for _, order := range []string{"SO-1", "SO-doubt", "SO-resolved", "SO-pending"} {
		coded := f.event(order)
		coded.Event.Operations[0].MemberID, coded.Event.Operations[0].MemberCode = "", "UC77"
		f.record(coded)
	}
	key := ` WHERE operation_id = (SELECT id FROM operations WHERE business_key = $1)`
	f.exec(`UPDATE outbox SET state = 'parked', cause = 'member_unresolved'`)
	f.exec(`UPDATE outbox SET state = 'pending'`+key, "SO-pending")
	f.exec(`UPDATE outbox SET in_doubt = true, first_sent_at = now()`+key, "SO-doubt")
	f.exec(`UPDATE outbox SET resolved_member_id = '7'`+key, "SO-resolved")
	f.park("SO-recorded", 0, false)
	resolve := func(order, member string) error {
		_, err := s.ResolveByHand(t.Context(), desk.HandResolution{Decision: desk.Decision{Actor: "lin", Reason: "the shop knows her"}, MemberID: member, Filter: order,
			ID: ledger.OperationID(one[int64](f, `SELECT id FROM operations WHERE business_key = $1`, order))})
		return err
	}
	before := one[string](f, `SELECT string_agg(x::text, ' ' ORDER BY operation_id) FROM outbox x`)
	for _, order := range []string{"SO-doubt", "SO-resolved", "SO-pending", "SO-recorded"} {
		var refused *desk.NotParkedError
		if err := resolve(order, "42"); !errors.As(err, &refused) || (refused.Why == "") != (order == "SO-pending") {
			t.Errorf("%s: %v", order, err)
		}
	}
	for _, member := range []string{"", "12a", " 42", "１２", "-1", "123456789012345678901234567890123"} {
		if resolve("SO-1", member) == nil {
			t.Errorf("member %q is accepted", member)
		}
	}
	want(t, "rows", one[string](f, `SELECT string_agg(x::text, ' ' ORDER BY operation_id) FROM outbox x`), before)
	want(t, "nothing recorded", one[int](f, `SELECT count(*) FROM ops_actions`), 0)

	const longest = "00345678901234567890123456789012"
	if err := resolve("SO-1", longest); err != nil {
		t.Fatal(err)
	}
	want(t, "still parked", one[string](f, `SELECT state || ' ' || resolved_member_id FROM outbox`+key, "SO-1"), "parked "+longest)
	want(t, "action", one[string](f, `SELECT concat_ws('|', action, filter, reason, result) FROM ops_actions`), "resolve|SO-1|the shop knows her|member "+longest)
	if _, err := s.ResolveByHand(t.Context(), desk.HandResolution{Decision: desk.Decision{Actor: "lin", Reason: "r"}, MemberID: "a\x00b", AnyID: true, ID: 1}); err == nil {
		t.Error("a member id with a NUL is accepted")
	}
	if err := resolve("SO-1", "43"); err == nil {
		t.Error("an operation changed its member")
	}
	f.exec(`UPDATE outbox SET state = 'pending', next_attempt_at = now()`+key, "SO-1")
	for _, row := range f.claim(1, 10) {
		if row.BusinessKey == "SO-1" && row.MemberID != longest {
			t.Errorf("claimed for %q", row.MemberID)
		}
	}
}

// What was taken from a grant before it was sent is given up by nobody: the preview and
// the count are of what is left.
func TestVoidCountsWhatIsLeft(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	f.park("SO-1", 0, false)
	f.exec(`UPDATE outbox SET points = 40`)
	plan := voidPlan(t, s, desk.OpenFilter{})
	total, groups, err := s.PreviewVoid(t.Context(), plan)
	if err != nil || total.Points != 40 || groups[0].Points != 40 {
		t.Errorf("preview %+v %+v, %v", total, groups, err)
	}
	want(t, "given up", void(t, s, plan, false), desk.VoidCount{Voided: 1, Points: 40})
	want(t, "counted", one[int](f, `SELECT COALESCE(p.points, 0)::int FROM postings p`), 40)
}
