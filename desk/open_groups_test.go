package desk_test

import (
	"net/url"
	"testing"
	"time"

	"pointsledger/desk"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
	"pointsledger/migrations"
)

func TestOpenGroups(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	f.park("SO-1", time.Minute, true)
	f.park("SO-2", 0, false)
	f.park("SO-3", 0, false)
	f.park("SO-4", 0, false)
	f.park("SO-5", 0, false)
	f.record(f.event("SO-6"), f.event("SO-7"), f.event("SO-8"))
	f.exec(`UPDATE outbox SET next_attempt_at = now() - interval '2 minutes' WHERE state = 'pending'`)
	// What waits for another operation, or is held, is late for nobody.
	f.exec(`UPDATE outbox SET waits_for = 1 WHERE operation_id = (SELECT id FROM operations WHERE business_key = 'SO-7')`)
	f.exec(`UPDATE outbox SET held_until = now() + interval '7 days', next_attempt_at = now() + interval '7 days' WHERE operation_id = (SELECT id FROM operations WHERE business_key = 'SO-8')`)
	// The last attempt counts, also when it has no code.
	f.exec(`INSERT INTO attempts (operation_id, outcome, http_status, vendor_code, vendor_message, duration_ms)
	        SELECT o.id, 'refused', 200, a.code, a.code || ' ' || o.business_key, 1
	          FROM (VALUES ('SO-1', '40301'), ('SO-2', '40302'), ('SO-2', '40301'), ('SO-3', '40101')) AS a (order_key, code)
	          JOIN operations o ON o.business_key = a.order_key`)
	f.exec(`INSERT INTO attempts (operation_id, outcome, http_status, vendor_code, duration_ms)
	        SELECT id, 'unknown', 500, '', 1 FROM operations WHERE business_key = 'SO-4'`)
	groups, err := s.OpenGroups(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wanted := []desk.OpenGroup{
		{Account: "zhimai", State: "parked", Cause: "refused", Code: "40301", Count: 2, InDoubt: 1, Call: ledger.CallPoints, VendorCode: "40301", VendorWords: "40301 SO-2"},
		{Account: "zhimai", State: "parked", Cause: "refused", Code: "40101", Count: 1, Call: ledger.CallPoints, VendorCode: "40101", VendorWords: "40101 SO-3"},
		{Account: "zhimai", State: "parked", Cause: "refused", Code: "HTTP 500", Count: 1, Call: ledger.CallPoints},
		{Account: "zhimai", State: "parked", Cause: "refused", Code: desk.NoCode, Count: 1},
		{Account: "zhimai", State: "pending", Count: 3, Late: 1, ForOrigin: 1, Held: 1},
	}
	want(t, "groups", len(groups), len(wanted))
	for i, g := range groups {
		// Each parked group is what the filter of the same values chooses.
		page, err := s.ListOpen(t.Context(), desk.OpenFilter{State: g.State, Cause: g.Cause, Code: g.Code}, nil, desk.OpenList{Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		want(t, "listed by "+g.Code, page.Total, g.Count)
		g.Oldest = time.Time{}
		want(t, "group", g, wanted[i])
	}
	choose := func(code string) desk.Plan {
		p, err := s.CreatePlan(t.Context(), desk.NewPlan{Kind: desk.PlanOfRun, Actor: "lin", Choose: &desk.OpenFilter{Code: code}})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	preview, err := s.PreviewPlan(t.Context(), choose("40301"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "preview of a code", preview.Total.Operations, 2)
	want(t, "put back by code", f.carryOut(s, choose("40101")).Reopened, 1)
	want(t, "part of a code", choose("4010").Size, 0)
}

func TestClosedGates(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	read := func() []desk.ClosedGate {
		t.Helper()
		gates, err := s.ClosedGates(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return gates
	}
	want(t, "at first", len(read()), 0)
	for _, account := range []string{"zhimai", "kylin"} {
		if err := f.CloseGate(t.Context(), account, "throttled", "slow down", time.Minute, 2); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.OpenGate(t.Context(), "kylin"); err != nil {
		t.Fatal(err)
	}
	gates := read()
	want(t, "closed", len(gates), 1)
	g := gates[0]
	want(t, "gate", g.Account+" "+g.Reason+" "+g.Words, "zhimai throttled slow down")
	want(t, "closings", g.Closings, 2)
	want(t, "probe", g.ProbeIn > 50*time.Second && g.ProbeIn <= time.Minute && g.ProbeAt.Equal(g.ClosedAt.Add(time.Minute)), true)
	want(t, "nobody probes", g.Probing, false)
	f.exec(`UPDATE gates SET probe_at = now() WHERE target = 'zhimai'`)
	if _, err := f.TakeProbe(t.Context(), "zhimai", time.Minute); err != nil {
		t.Fatal(err)
	}
	want(t, "somebody probes", read()[0].Probing, true)
}

// The worker's role is enough to look and to put back.
func TestReplayByTheWorkersRole(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.park("SO-1", time.Minute, true)
	const role = "ledger_replay_test"
	f.exec(`CREATE ROLE ` + role + ` LOGIN PASSWORD 'x'`)
	t.Cleanup(func() { f.exec(`DROP OWNED BY ` + role); f.exec(`DROP ROLE ` + role) })
	if err := migrations.GrantWorker(t.Context(), f.pool.Config().ConnString(), role); err != nil {
		t.Fatal(err)
	}
	u := must(url.Parse(f.pool.Config().ConnString()))
	u.User = url.UserPassword(role, "x")
	pool := must(database.OpenReplayPool(t.Context(), u.String()))
	t.Cleanup(pool.Close)
	s := desk.New(pool, ledger.New(pool))
	want(t, "groups", len(must(s.OpenGroups(t.Context()))), 1)
	want(t, "gates", len(must(s.ClosedGates(t.Context()))), 0)
	want(t, "put back", mustReplay(t, s, newReopening()).done.Reopened, 1)
	found, _, err := s.Find(t.Context(), "SO-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "actions", len(found[0].Acts), 1)
}
