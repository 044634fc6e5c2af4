package desk_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pointsledger/desk"
	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
)

// replayFixture is a fixture whose desk also has the operator's connections.
func replayFixture(t *testing.T) (*fixture, *desk.Desk) {
	t.Helper()
	f := newFixture(t)
	pool, err := database.OpenReplayPool(t.Context(), f.pool.Config().ConnString())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return f, desk.New(pool, ledger.New(pool))
}

// park records an order and parks it: refused, sent the given time ago (0:
// never), in doubt or not.
func (f *fixture) park(order string, sentAgo time.Duration, inDoubt bool) {
	f.t.Helper()
	f.record(f.event(order))
	f.exec(`UPDATE outbox SET state = 'parked', cause = 'refused', attempts = 7, in_doubt = $2,
	               first_sent_at = CASE WHEN $3::bigint > 0 THEN now() - $3::bigint * interval '1 second' END
	          FROM operations o WHERE o.id = operation_id AND o.business_key = $1`, order, inDoubt, int64(sentAgo/time.Second))
}

func hourAtZhimai() []desk.KeyMemory {
	return []desk.KeyMemory{{Account: "zhimai", Memory: time.Hour}}
}

func TestReopenPutsParkedRowsBack(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	f.park("SO-1", 30*time.Minute, true)
	f.park("SO-2", 0, false)
	f.exec(`UPDATE outbox SET resolved_member_id = '42' WHERE operation_id = (SELECT id FROM operations WHERE business_key = 'SO-1')`)
	sent := one[time.Time](f, `SELECT max(first_sent_at) FROM outbox`)

	first := mustReplay(t, s, newReopening())
	want(t, "result", first.done, desk.Reopened{Reopened: 2, Points: 200, InDoubt: 1})
	want(t, "pending anew", one[int](f, `SELECT count(*) FROM outbox WHERE state = 'pending' AND attempts = 0 AND cause = 'replayed' AND next_attempt_at <= now()`), 2)
	want(t, "doubt kept", one[string](f, `SELECT business_key FROM outbox JOIN operations ON id = operation_id WHERE in_doubt`), "SO-1")
	want(t, "first send kept", one[time.Time](f, `SELECT max(first_sent_at) FROM outbox`).Equal(sent), true)
	want(t, "member kept", one[int](f, `SELECT count(*) FROM outbox WHERE resolved_member_id = '42'`), 1)
	want(t, "begin", one[string](f, `SELECT concat_ws('|', actor, action, filter, reason, set_size) FROM ops_actions WHERE id = 1`),
		"lin|replay|plan "+first.plan.Name+": --cause refused|member unfrozen|2")
	want(t, "end", one[string](f, `SELECT concat_ws('|', actor, action, filter, reason, set_size, result) FROM ops_actions WHERE id = 2`),
		"lin|replay_end|plan "+first.plan.Name+": --cause refused|member unfrozen|2|"+
			"of action 1: put back 2 (200 points, 1 in doubt); refused 0 key_memory_over, 0 account_not_configured, 0 member_unknown; skipped 0 no longer parked")
	want(t, "operations of the action", one[string](f, `SELECT string_agg(business_key, ' ' ORDER BY id) FROM action_operations JOIN operations ON id = operation_id WHERE action_id = 1`), "SO-1 SO-2")
	found, _, err := s.Find(t.Context(), "SO-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "actions found", len(found[0].Acts), 1)
	want(t, "action found", found[0].Acts[0].Actor+" "+found[0].Acts[0].Name+": "+found[0].Acts[0].Reason, "lin replay: member unfrozen")
	for _, change := range []string{`UPDATE action_operations SET action_id = 2`, `DELETE FROM action_operations`, `TRUNCATE action_operations`} {
		if _, err := f.pool.Exec(t.Context(), change); err == nil {
			t.Errorf("evidence gave way to %s", change)
		}
	}
	f.record(f.event("SO-live"))
	for _, claimed := range f.claim(1, 10) {
		want(t, "put back, as the claim says of "+claimed.BusinessKey, claimed.PutBack, claimed.BusinessKey != "SO-live")
	}
	want(t, "claimed", one[int](f, `SELECT count(*) FROM outbox WHERE state = 'sending'`), 3)

	// A second time there is nothing, and nothing is recorded.
	again := mustReplay(t, s, newReopening())
	want(t, "again", again.plan.Size, 0)
	want(t, "plans", one[int](f, `SELECT count(*) FROM replay_plans`), 1)
	want(t, "actions", one[int](f, `SELECT count(*) FROM ops_actions`), 2)
}

// Invariant 7: in doubt only within the key memory; never sent without limit.
func TestReopenKeyMemory(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		sentAgo  time.Duration
		inDoubt  bool
		memories []desk.KeyMemory
		want     desk.Reopened
	}{
		{"in doubt, remembered", 59 * time.Minute, true, hourAtZhimai(), desk.Reopened{Reopened: 1, Points: 100, InDoubt: 1}},
		{"in doubt, at the border", time.Hour, true, hourAtZhimai(), desk.Reopened{KeyMemoryOver: 1}},
		{"in doubt, forgotten", 48 * time.Hour, true, hourAtZhimai(), desk.Reopened{KeyMemoryOver: 1}},
		{"in doubt, account unknown", time.Minute, true, nil, desk.Reopened{AccountUnknown: 1}},
		{"in doubt, memory of another account", time.Minute, true, []desk.KeyMemory{{Account: "kylin", Memory: time.Hour}}, desk.Reopened{AccountUnknown: 1}},
		{"sent and refused, old", 48 * time.Hour, false, hourAtZhimai(), desk.Reopened{Reopened: 1, Points: 100}},
		{"never sent, account unknown", 0, false, nil, desk.Reopened{Reopened: 1, Points: 100}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f, s := replayFixture(t)
			f.park("SO-1", tc.sentAgo, tc.inDoubt)
			r := newReopening()
			r.memories = tc.memories
			plan := f.plan(s)
			preview, err := s.PreviewPlan(t.Context(), plan, tc.memories, nil)
			if err != nil {
				t.Fatal(err)
			}
			want(t, "preview, forgotten", preview.Total.KeyMemoryOver, tc.want.KeyMemoryOver)
			want(t, "preview, unknown", preview.Total.AccountUnknown, tc.want.AccountUnknown)
			result := mustReplay(t, s, r)
			want(t, "result", result.done, tc.want)
			want(t, "refused", f.planNow(s, result.plan).Refused, tc.want.Refused())
			state := "pending"
			if tc.want.Reopened == 0 {
				state = "parked"
			}
			want(t, "state", one[string](f, `SELECT state FROM outbox`), state)
		})
	}
}

// What is being sent, waits or is done is not touched.
func TestReopenLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	f.record(f.event("SO-1"))
	row := f.claim(7, 1)[0]
	f.record(f.event("SO-2"))
	before := one[string](f, `SELECT string_agg(x::text, ' ' ORDER BY operation_id) FROM outbox x`)
	for _, state := range []ledger.State{"", ledger.Sending, ledger.Pending} { // a filter cannot ask for them either
		r := newReopening()
		r.filter.State = state
		want(t, "found for "+string(state), mustReplay(t, s, r).plan.Size, 0)
	}
	want(t, "operations of no action", one[int](f, `SELECT count(*) FROM action_operations`), 0)
	want(t, "rows", one[string](f, `SELECT string_agg(x::text, ' ' ORDER BY operation_id) FROM outbox x`), before)
	if _, err := f.Confirm(t.Context(), heard(row)); err != nil {
		t.Fatal(err)
	}
	want(t, "posted", one[int](f, `SELECT count(*) FROM postings`), 1)
}

// A row that somebody is changing is not waited for: it stays to be done, and
// the next run finds what became of it.
func TestReopenLeavesWhatOthersHaveInHand(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	f.park("SO-1", 0, false)
	f.park("SO-2", 0, false)
	tx, err := f.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context())
	if _, err := tx.Exec(t.Context(), `WITH gone AS (DELETE FROM outbox WHERE operation_id = (SELECT id FROM operations WHERE business_key = 'SO-1') RETURNING operation_id)
		INSERT INTO postings (operation_id, kind, evidence, attempts) SELECT operation_id, 'voided', 'manual', 0 FROM gone`); err != nil {
		t.Fatal(err)
	}
	first := mustReplay(t, s, newReopening())
	want(t, "put back", first.done, desk.Reopened{Reopened: 1, Points: 100})
	want(t, "left", f.planNow(s, first.plan).PlanCounts, desk.PlanCounts{Left: 1, Done: 1})
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(t, "then", f.carryOut(s, first.plan), desk.Reopened{Skipped: 1})
	want(t, "in the end", f.planNow(s, first.plan).PlanCounts, desk.PlanCounts{Done: 1, Skipped: 1})
}

func TestReopenSetSize(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	f.parkMany(desk.MaxUnexpected + 1)
	for _, expect := range []int64{0, desk.MaxUnexpected, desk.MaxUnexpected + 2} {
		r := newReopening()
		r.expect = expect
		_, err := replay(t.Context(), s, r)
		var size *desk.SetSizeError
		if !errors.As(err, &size) || *size != (desk.SetSizeError{Found: desk.MaxUnexpected + 1, Expect: expect}) {
			t.Errorf("expecting %d: got %v", expect, err)
		}
	}
	want(t, "still parked", one[int](f, `SELECT count(*) FROM outbox WHERE state = 'parked'`), desk.MaxUnexpected+1)
	want(t, "nothing recorded", one[int](f, `SELECT count(*) FROM ops_actions`), 0)
	want(t, "nothing stored", one[int](f, `SELECT count(*) FROM replay_plans`), 0)
	r := newReopening()
	r.expect = desk.MaxUnexpected + 1
	want(t, "expected", mustReplay(t, s, r).done.Reopened, desk.MaxUnexpected+1)

	// Exactly the limit needs no number; a wrong one is refused all the same.
	f.exec(`UPDATE outbox SET state = 'parked' WHERE operation_id <> (SELECT min(operation_id) FROM outbox)`)
	r.expect = 1
	if _, err := replay(t.Context(), s, r); err == nil {
		t.Error("a small set with a wrong number was put back")
	}
	r.expect = 0
	want(t, "at the limit", mustReplay(t, s, r).done.Reopened, desk.MaxUnexpected)
	r.expect = 1
	var size *desk.SetSizeError
	if _, err := replay(t.Context(), s, r); !errors.As(err, &size) || size.Found != 0 {
		t.Errorf("expecting one of none: %v", err)
	}
}

func TestReopenWantsActorAndReason(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	f.park("SO-1", 0, false)
	for _, edit := range []func(*reopening){
		func(r *reopening) { r.reason = "" },
		func(r *reopening) { r.reason = " \t" },
		func(r *reopening) { r.actor = "" },
	} {
		r := newReopening()
		edit(&r)
		if _, err := replay(t.Context(), s, r); err == nil {
			t.Errorf("put back by %q for %q", r.actor, r.reason)
		}
	}
	start := desk.PlanStart{Plan: f.plan(s), Act: "replay", Reason: "x"}
	if _, err := s.BeginPlan(t.Context(), start); err == nil {
		t.Error("begun by nobody")
	}
	want(t, "parked", one[string](f, `SELECT state FROM outbox`), "parked")
}

// parkMany parks n orders of one point, never sent.
func (f *fixture) parkMany(n int) {
	f.t.Helper()
	f.exec(`INSERT INTO operations (target, kind, biz_id, business_key, member_id, points, source_type, points_channel, reason,
	               reference, business_date, mapping_version, event_source, event_id, event_type, event_time, event_subject,
	               stream_seq, broker_time, data)
	        SELECT 'zhimai', 'points_add', 'pa' || translate(lpad(i::text, 26, '0'), '0189', 'abcd'), 'SO-' || i, '42', 1, 1, 3, 'r', 'x',
	               now()::date, 'test', 's', 'e' || i, 'order.paid', now(), 'points.events.order.paid', i, now(), '{}'
	          FROM generate_series(1, $1) AS i`, n)
	f.exec(`INSERT INTO outbox (operation_id, target, state, cause) SELECT id, target, 'parked', 'refused' FROM operations`)
}

// The guard is in the statement: a row that was parked when the set was chosen
// and is being sent when its batch comes stays as it is.
func TestReopenLooksAgainAtEachRow(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	const n = 60
	f.parkMany(n)
	r := newReopening()
	r.batch = n - 2
	once := true
	r.between = func() {
		if once {
			f.exec(`UPDATE outbox SET state = 'sending', lease_token = 5, lease_until = now() + interval '1 minute', first_sent_at = now()
			         WHERE operation_id = (SELECT max(operation_id) FROM outbox)`)
			f.exec(`UPDATE outbox SET in_doubt = true, first_sent_at = now() - interval '2 hours'
			         WHERE operation_id = (SELECT max(operation_id) - 1 FROM outbox)`)
		}
		once = false
	}
	result := mustReplay(t, s, r)
	want(t, "result", result.done, desk.Reopened{Reopened: n - 2, Points: n - 2, KeyMemoryOver: 1, Skipped: 1})
	want(t, "plan", f.planNow(s, result.plan).PlanCounts, desk.PlanCounts{Done: n - 2, Skipped: 1, Refused: 1})
	want(t, "being sent", one[int](f, `SELECT count(*) FROM outbox WHERE state = 'sending' AND lease_token = 5`), 1)
	want(t, "parked", one[int](f, `SELECT count(*) FROM outbox WHERE state = 'parked' AND in_doubt`), 1)
	want(t, "kept for those put back only", one[int](f, `SELECT count(*) FROM action_operations JOIN outbox USING (operation_id) WHERE state = 'pending'`), n-2)
	want(t, "kept", one[int](f, `SELECT count(*) FROM action_operations`), n-2)
}

func TestOpenFilterAndPages(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	f.park("SO-1", time.Minute, true)
	f.park("SO-2", 0, false)
	f.record(f.event("SO-3"))
	kylin := f.event("SO-4")
	kylin.Event.Operations = []ledger.Operation{orders.Operation("kylin", "SO-4", 5)}
	kylin.Event.Type = "order.placed"
	coded := f.event("SO-5")
	coded.Event.Operations[0].MemberID, coded.Event.Operations[0].MemberCode = "", "UC77"
	f.record(kylin, coded)
	f.exec(`UPDATE outbox SET state = 'parked', cause = 'member_unresolved' WHERE target = 'kylin'`)

	now := time.Now()
	for _, tc := range []struct {
		name   string
		filter desk.OpenFilter
		orders string
	}{
		{"all", desk.OpenFilter{}, "SO-1 SO-2 SO-3 SO-4 SO-5"},
		{"parked", desk.OpenFilter{State: "parked"}, "SO-1 SO-2 SO-4"},
		{"pending", desk.OpenFilter{State: "pending"}, "SO-3 SO-5"},
		{"sending", desk.OpenFilter{State: "sending"}, ""},
		{"account", desk.OpenFilter{Account: "kylin"}, "SO-4"},
		{"cause", desk.OpenFilter{Cause: "refused"}, "SO-1 SO-2"},
		{"member", desk.OpenFilter{Member: "383933091455959041", State: "pending"}, "SO-3"},
		{"member code", desk.OpenFilter{Member: "UC77"}, "SO-5"},
		{"order", desk.OpenFilter{BusinessKey: "SO-2"}, "SO-2"},
		{"part of an order", desk.OpenFilter{BusinessKey: "SO-"}, ""},
		{"biz id", desk.OpenFilter{BizID: orders.Operation("zhimai", "SO-3", 1).BizID}, "SO-3"},
		{"type", desk.OpenFilter{EventType: "order.placed"}, "SO-4"},
		{"in doubt", desk.OpenFilter{InDoubt: true}, "SO-1"},
		{"since", desk.OpenFilter{Since: now.Add(-time.Hour)}, "SO-1 SO-2 SO-3 SO-4 SO-5"},
		{"since later", desk.OpenFilter{Since: now.Add(time.Hour)}, ""},
		{"until", desk.OpenFilter{Until: now.Add(-time.Hour)}, ""},
		{"two at once", desk.OpenFilter{Cause: "refused", InDoubt: true}, "SO-1"},
	} {
		page, err := s.ListOpen(t.Context(), tc.filter, hourAtZhimai(), desk.OpenList{Limit: 50})
		if err != nil {
			t.Fatal(err)
		}
		var orders []string
		for _, o := range page.Operations {
			orders = append(orders, o.BusinessKey)
		}
		want(t, tc.name, strings.Join(orders, " "), tc.orders)
		want(t, tc.name+": total", int(page.Total), len(orders))
		want(t, tc.name+": more", page.More, false)
	}

	var orders []string
	var after ledger.OperationID
	for {
		page, err := s.ListOpen(t.Context(), desk.OpenFilter{}, nil, desk.OpenList{After: desk.OpenCursor{ID: after}, Limit: 2})
		if err != nil {
			t.Fatal(err)
		}
		want(t, "total on each page", page.Total, 5)
		for _, o := range page.Operations {
			orders, after = append(orders, o.BusinessKey), o.ID
		}
		if !page.More {
			break
		}
	}
	want(t, "pages", strings.Join(orders, " "), "SO-1 SO-2 SO-3 SO-4 SO-5")
}

func TestFind(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	freeze := f.event("SO-1") // a reservation, say: another fact with the same number
	freeze.Event.Type, freeze.Event.FactKey = "order.placed", ledger.NewFactKey("shop-sh", "order.placed", "SO-1")
	freeze.Event.Operations = []ledger.Operation{orders.Operation("kylin", "SO-1", 5)}
	for _, e := range []ledger.Entry{f.event("SO-1"), freeze, f.event("SO-2"), f.event("3")} {
		f.record(e) // one by one: the ids follow
	}
	row := f.claim(1, 1)[0]
	attempt := &ledger.Attempt{Outcome: "refused", HTTPStatus: 200, VendorCode: "40301", VendorWords: "冻结"}
	if _, err := f.Settle(t.Context(), []ledger.Change{{ID: row.ID, Token: row.Token, State: ledger.Parked, Cause: "refused", Attempt: attempt}}); err != nil {
		t.Fatal(err)
	}
	id := orders.Operation("zhimai", "SO-2", 1).BizID
	reference := ledger.ReferenceOf(id)
	for text, keys := range map[string]string{
		"SO-1": "zhimai SO-1, kylin SO-1", "1": "zhimai SO-1", string(id): "zhimai SO-2", reference: "zhimai SO-2",
		strings.ToLower(reference): "zhimai SO-2", "3": "zhimai 3, zhimai SO-2", // an order number, then an id
		"SO-9": "", "99": "", strings.ToUpper(string(id)): "",
	} {
		found, more, err := s.Find(t.Context(), text, nil)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, d := range found {
			names = append(names, d.Account+" "+d.BusinessKey)
		}
		want(t, text, strings.Join(names, ", "), keys)
		want(t, text+": more", more, false)
	}
	found, _, err := s.Find(t.Context(), "1", nil)
	if err != nil {
		t.Fatal(err)
	}
	d := found[0]
	want(t, "state", string(d.Open.State)+" "+string(d.Open.Cause), "parked refused")
	want(t, "attempts", len(d.Attempts), 1)
	want(t, "words", d.Attempts[0].VendorCode+" "+d.Attempts[0].VendorWords, "40301 冻结")
	want(t, "not ended", d.Posting == nil, true)
}
