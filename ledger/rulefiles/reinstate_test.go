package rulefiles_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/ledger/rulefiles"
)

// A withdrawn file is in force again by a person's act alone, as the newest one,
// also above a file that was registered meanwhile, and can be withdrawn once more.
func TestReinstateRules(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	own := orders.Epoch.Add(time.Hour)
	register := func(version string) {
		t.Helper()
		if err := f.RegisterRules(t.Context(), version, version, "test", endAt(own)); err != nil {
			t.Fatal(err)
		}
	}
	withdraw := func() error {
		_, err := f.WithdrawRules(t.Context(), rulefiles.RulesWithdrawal{Version: "b", Actor: "ann", Reason: "wrong rate", Own: own, Judge: endAt(own)})
		return err
	}
	again := rulefiles.RulesReinstatement{Version: "b", Actor: "bob", Reason: "it was right", Judge: endAt(own)}
	newest := func(version string) {
		t.Helper()
		look, err := f.LookAtRules(t.Context())
		last, _, lastErr := f.LastMapping(t.Context())
		all, allErr := f.Registered(t.Context())
		if err := errors.Join(err, lastErr, allErr); err != nil {
			t.Fatal(err)
		}
		want(t, "the newest", look.Newest, version)
		want(t, "settled", look.Settled, true)
		want(t, "the last", last.Version, version)
		found, _ := rulefiles.NewestRules(all)
		want(t, "the newest registered", found.Version, version)
	}
	refused := func(version, order string) {
		t.Helper()
		if err := f.recordErr([]ledger.Entry{f.under(version, order, own)}); !errors.Is(err, ledger.ErrRulesEnded) {
			t.Errorf("under %s: got %v, want ErrRulesEnded", version, err)
		}
	}
	register("a")
	register("b")
	for version, err := range map[string]error{"c": rulefiles.ErrRulesUnknown, "a": rulefiles.ErrRulesNotWithdrawn, "b": rulefiles.ErrRulesNotWithdrawn} {
		other := again
		other.Version = version
		if _, got := f.ReinstateRules(t.Context(), other); !errors.Is(got, err) {
			t.Errorf("%s: got %v, want %v", version, got, err)
		}
	}
	if err := withdraw(); err != nil {
		t.Fatal(err)
	}
	register("c")
	register("b") // a worker's start brings nothing back
	newest("c")
	refused("b", "SO-1")

	objection := errors.New("no")
	other := again
	other.Judge = func([]rulefiles.RegisteredRules) ([]rulefiles.RulesEnd, error) { return nil, objection }
	if _, err := f.ReinstateRules(t.Context(), other); !errors.Is(err, objection) {
		t.Errorf("got %v, want the judge's objection", err)
	}
	newest("c")
	act, err := f.ReinstateRules(t.Context(), again)
	if err != nil {
		t.Fatal(err)
	}
	newest("b")
	refused("c", "SO-2")
	want(t, "the act", one[string](f, `SELECT actor || ' ' || action || ' ' || filter || ': ' || reason FROM ops_actions WHERE id = $1`, act),
		"bob reinstate_rules rules b: it was right")

	if err := withdraw(); err != nil { // nothing was recorded by it so far
		t.Fatal(err)
	}
	newest("c")
	again.Reason = "really"
	must(f.ReinstateRules(t.Context(), again))
	f.record(f.under("b", "SO-3", own))
	var used *rulefiles.RulesUsedError
	if err := withdraw(); !errors.As(err, &used) {
		t.Errorf("got %v, want a RulesUsedError", err)
	}
	newest("b")
}

// A reinstatement waits for what is being recorded by the file that it ends.
func TestReinstatementFollowsRecording(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, version := range []string{"a", "b"} {
		if err := f.RegisterRules(t.Context(), version, version, "test", endAt(orders.Epoch)); err != nil {
			t.Fatal(err)
		}
	}
	must(f.WithdrawRules(t.Context(), rulefiles.RulesWithdrawal{Version: "b", Actor: "ann", Reason: "wrong", Judge: endAt(orders.Epoch)}))
	tx, err := f.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.WithoutCancel(t.Context()))
	if _, err := tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock_shared(hashtextextended('points-ledger rules', 0))`); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := f.ReinstateRules(t.Context(), rulefiles.RulesReinstatement{Version: "b", Actor: "bob", Reason: "right", Judge: endAt(orders.Epoch)})
		done <- err
	}()
	testkit.Eventually(t, 10*time.Second, "the reinstatement to wait", f.waiting)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := f.recordErr([]ledger.Entry{f.under("a", "SO-1", orders.Epoch)}); !errors.Is(err, ledger.ErrRulesEnded) {
		t.Errorf("got %v, want ErrRulesEnded", err)
	}
}
