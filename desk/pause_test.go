package desk_test

import (
	"fmt"
	"testing"
	"time"

	"pointsledger/desk"
	"pointsledger/ledger"
	"pointsledger/ledger/gates"
)

// What a person paused, nothing that workers do opens; only a person does.
func TestPauseAccount(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	ctx := t.Context()
	p := desk.Pause{Decision: desk.Decision{Actor: "lin", Reason: "their change window"}, Account: "zhimai"}
	gate := func() string {
		t.Helper()
		g, err := f.ReadGate(ctx, "zhimai")
		if err != nil {
			t.Fatal(err)
		}
		if g.Reason == gates.GatePaused && (g.ProbeIn < 50*time.Second || g.ProbeIn > time.Minute) {
			t.Errorf("a worker may probe in %v", g.ProbeIn)
		}
		return g.Reason
	}
	for _, before := range []string{"", "unauthorised"} {
		if before != "" {
			if err := f.CloseGate(ctx, "zhimai", before, "40101 sign", time.Hour, 3); err != nil {
				t.Fatal(err)
			}
			if done, err := s.ResumeAccount(ctx, p); err != nil || done.Act != 0 || done.Before != before || gate() != before {
				t.Fatalf("a gate that nobody paused was resumed: %+v %v", done, err)
			}
		}
		done, err := s.PauseAccount(ctx, p)
		if err != nil || done.Act == 0 || done.Before != before {
			t.Fatalf("pause: %+v %v", done, err)
		}
		again, err := s.PauseAccount(ctx, desk.Pause{Decision: desk.Decision{Actor: "wu", Reason: "me, too"}, Account: "zhimai"})
		if err != nil || again.Act != 0 || again.Before != "paused" || again.Words != "paused by lin: their change window" {
			t.Errorf("pause again: %+v %v", again, err)
		}
		for name, worker := range map[string]func() error{
			"close":         func() error { return f.CloseGate(ctx, "zhimai", "throttled", "slow down", time.Second, 1) },
			"open":          func() error { return f.OpenGate(ctx, "zhimai") },
			"probe now":     func() error { return f.ProbeNow(ctx, "zhimai") },
			"drop probe":    func() error { return f.DropProbe(ctx, "zhimai") },
			"reserve calls": func() error { _, err := f.ReserveSlots(ctx, "zhimai", "", time.Second); return err },
			"take probe": func() error {
				f.exec(`UPDATE gates SET probe_at = now() - interval '1 hour'`)
				granted, err := f.TakeProbe(ctx, "zhimai", time.Minute)
				want(t, "probe granted", granted, false)
				return err
			},
		} {
			if err := worker(); err != nil {
				t.Fatal(err)
			}
			want(t, "after "+name, gate(), "paused")
		}
		if done, err := s.ResumeAccount(ctx, p); err != nil || done.Act == 0 || done.Before != "paused" || gate() != "" {
			t.Fatalf("resume: %+v %v", done, err)
		}
	}
	want(t, "actions", one[string](f, `SELECT string_agg(action || ': ' || result, '; ' ORDER BY id) FROM ops_actions`),
		"pause: gate was open; resume: gate was closed: paused, paused by lin: their change window; "+
			"pause: gate was closed: unauthorised, 40101 sign; resume: gate was closed: paused, paused by lin: their change window")
	if _, err := s.PauseAccount(ctx, desk.Pause{Account: "zhimai"}); err == nil {
		t.Error("nobody paused it for no reason")
	}
	f.park("SO-1", 0, false)
	f.exec(`UPDATE outbox SET target = 'elsewhere'`)
	names, err := f.KnownAccounts(ctx)
	want(t, "accounts", fmt.Sprint(names, err), "[elsewhere zhimai] <nil>")
}

func TestListActions(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	for i, a := range []ledger.Act{
		{Actor: "lin", Name: "pause"}, {Actor: "wu", Name: "void"}, {Actor: "lin", Name: "void"}, {Actor: "lin", Name: "resume"},
	} {
		a.Reason, a.Filter, a.Result, a.SetSize = fmt.Sprint("why ", i+1), "--cause refused", "done", int64(i)
		if _, err := f.RecordAct(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	for _, tc := range []struct {
		name string
		f    desk.ActFilter
		want string
	}{
		{"all", desk.ActFilter{Limit: 9}, "[4 3 2 1] false"},
		{"exactly a page", desk.ActFilter{Limit: 4}, "[4 3 2 1] false"},
		{"a page", desk.ActFilter{Limit: 2}, "[4 3] true"},
		{"the next", desk.ActFilter{Limit: 2, Before: 3}, "[2 1] false"},
		{"the end", desk.ActFilter{Limit: 2, Before: 1}, "[] false"},
		{"by action", desk.ActFilter{Limit: 9, Name: "void"}, "[3 2] false"},
		{"by actor", desk.ActFilter{Limit: 9, Actor: "wu"}, "[2] false"},
		{"both", desk.ActFilter{Limit: 9, Actor: "wu", Name: "pause"}, "[] false"},
		{"since", desk.ActFilter{Limit: 9, Since: now.Add(-time.Hour)}, "[4 3 2 1] false"},
		{"since later", desk.ActFilter{Limit: 9, Since: now.Add(time.Hour)}, "[] false"},
		{"until", desk.ActFilter{Limit: 9, Until: now.Add(-time.Hour)}, "[] false"},
	} {
		acts, more, err := s.ListActs(t.Context(), tc.f)
		if err != nil {
			t.Fatal(err)
		}
		ids := []int64{}
		for _, a := range acts {
			ids = append(ids, a.ID)
		}
		want(t, tc.name, fmt.Sprint(ids, more), tc.want)
	}
	acts, _, err := s.ListActs(t.Context(), desk.ActFilter{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	a := acts[0]
	want(t, "action", fmt.Sprint(a.Actor, a.Name, a.Filter, a.Reason, a.SetSize, a.Result), "linresume--cause refusedwhy 43done")
	names, err := s.ActNames(t.Context())
	want(t, "names", fmt.Sprint(names, err), "[pause resume void] <nil>")
	want(t, "rows", one[int](f, `SELECT count(*) FROM ops_actions`), 4)
}
