package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"pointsledger/continuity"
	"pointsledger/internal/config"
	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/intakes"
	"pointsledger/ledger"
	"pointsledger/ledger/rulefiles"
	"pointsledger/reconcile/seal"
)

// verifyLedger verifies as reconcile does, with the head outside and the stream.
func (r *rig) verifyLedger() seal.Result {
	r.t.Helper()
	pool, err := pgxpool.New(r.t.Context(), r.database)
	if err != nil {
		r.t.Fatal(err)
	}
	defer pool.Close()
	url := ""
	for _, entry := range r.env {
		if value, ok := strings.CutPrefix(entry, "NATS_URL="); ok {
			url = value
		}
	}
	js := intakes.Dial(r.t, url)
	newest, some, err := rulefiles.New(pool).LastMapping(r.t.Context())
	if err != nil || !some {
		r.t.Fatalf("read the rules: %v, %v", some, err)
	}
	rules, err := config.RulesOf([]byte(newest.Text))
	if err != nil {
		r.t.Fatal(err)
	}
	rules = rules.WithAccountsOn(func(string) bool { return true })
	v := &seal.Verifier{Pool: pool, Rules: config.RulesOf, Outside: continuity.NewSealHeads(js, "POINTS", true),
		Stream: continuity.NewStreamReader(js, ledger.New(pool), rules, "POINTS", "points-worker")}
	found, err := v.Verify(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return found
}

// Workers seal what they record, keep the head outside the database, and leave nothing
// unsealed when they stop.
func TestWorkersSeal(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.env = append(r.env, "WORKER_SEAL_EVERY=5s")
	first, second := r.start("run"), r.start("run")
	first.waitFor("worker started")
	second.waitFor("worker started")
	testkit.Eventually(t, time.Minute, "the stream", func() bool {
		_, _, code := r.run(orders(30), "publish", "-")
		return code == 0
	})
	testkit.Eventually(t, time.Minute, "all operations to be posted", func() bool { return r.count(`SELECT count(*) FROM postings`) == 30 })
	testkit.Eventually(t, time.Minute, "operations to be sealed", func() bool { return r.count(`SELECT count(*) FROM seal_lists`) > 0 })
	if code := first.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if code := second.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	found := r.verifyLedger()
	if !found.OK || !found.Complete || found.Unsealed != 0 || found.Head.Number == 0 || found.Outside != found.Head {
		t.Errorf("got %+v", found)
	}
}

// What fails for a while is said where people look, and ends by itself.
func TestSealingWarns(t *testing.T) {
	t.Parallel()
	s := &sealing{log: zap.NewNop()}
	denied := seal.Sealed{Outside: errors.New("denied")}
	want := func(n int, text string) {
		t.Helper()
		if w := s.Warnings(); len(w) != n || n > 0 && !strings.Contains(w[0], text) {
			t.Errorf("got %q, want %d with %q", w, n, text)
		}
	}
	s.note(&denied, nil)
	want(0, "")
	s.note(&denied, nil)
	want(1, "not kept outside the database")
	s.note(&seal.Sealed{}, nil)
	want(0, "")
	for range sealPatience {
		want(0, "")
		s.note(&seal.Sealed{}, errors.New("no disk"))
	}
	want(1, "is not sealed: no disk")
	s.note(&seal.Sealed{}, nil)
	want(0, "")
}
