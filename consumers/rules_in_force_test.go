package consumers_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/consumers"
	"pointsledger/internal/config"
	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/intakes"
	"pointsledger/ledger/rulefiles"
)

// otherRules is the default file with a further set from a time on, in which an
// order is worth points for each yuan.
func otherRules(t *testing.T, from time.Time, points int) *config.Config {
	t.Helper()
	set := fmt.Sprintf("\n  - from: %s\n    events:\n      - type: order.paid\n        operations:\n          - {vendor: zhimai, call: points_add, source_type: 1, points: {ratio: {field: amountFen, points: %d, per: 100}}}\n",
		from.Format(time.RFC3339Nano), points)
	text := strings.Replace(string(config.DefaultFile()), "\nvendors:", set+"\nvendors:", 1)
	cfg, err := config.Load([]string{"WORKER_CONFIG=f", "ZHIMAI_OPEN_ID=a", "ZHIMAI_GRANT_CODE=b", "ZHIMAI_OPEN_KEY=c", "KYLIN_URL=http://127.0.0.1:1"},
		func(string) ([]byte, error) { return []byte(text), nil })
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// A runner that is told that its rules have ended gives back what is newer, once,
// and fetches no more; with other rules it goes on, and every event is recorded
// by them.
func TestRunnerWithEndedRules(t *testing.T) {
	t.Parallel()
	in := intakes.New(t)
	in.MakeStream()
	r := in.NewRunner(in.Store, consumers.Config{})
	in.StartRunner(r)
	in.Publish(intakes.Order(0))
	testkit.Eventually(t, 20*time.Second, "the first order is recorded", func() bool { return in.Settled() == 1 })

	from := time.Now()
	r.EndRules("another version", time.Time{}, "not about these rules")
	want(t, "why", r.RulesEnded(), "")
	r.EndRules(in.Rules.Version(), from, "a later set is registered")
	want(t, "why", fmt.Sprint(r.Trouble()), "a later set is registered")
	for i := 1; i <= 50; i++ {
		in.Publish(intakes.Order(i))
	}
	// The open fetch delivers them at least once; each comes back after a second.
	testkit.Eventually(t, 20*time.Second, "the fetch is over and all wait", func() bool {
		consumer, err := in.JS.Consumer(t.Context(), "POINTS", "points-worker")
		return err == nil && consumer.CachedInfo().NumWaiting == 0
	})
	want(t, "recorded by ended rules", in.Count(`SELECT count(*) FROM operations`), 1)

	cfg := otherRules(t, from.Add(-time.Second), 3)
	r.SetRules(cfg.Rules)
	want(t, "why", r.Trouble(), nil)
	testkit.Eventually(t, 30*time.Second, "all are recorded", func() bool { return in.Settled() == 51 })
	want(t, "by the new rules", in.Count(`SELECT count(*) FROM operations WHERE mapping_version = '`+cfg.RulesVersion+`' AND points = 389`), 50)
}

// A worker that has not heard of a registration yet records nothing by its old
// rules beyond their end, and loses nothing: its batch goes back, and it asks.
func TestRunnerIsRefusedByTheLedger(t *testing.T) {
	t.Parallel()
	in := intakes.New(t)
	in.MakeStream()
	from := time.Now().Add(-time.Minute)
	cfg := otherRules(t, from, 3)
	register(t, in.Pool, in.Rules.Version(), config.DefaultFile())
	register(t, in.Pool, cfg.RulesVersion, cfg.RulesText)
	asked := make(chan struct{}, 100)
	in.RulesRefused = func() { asked <- struct{}{} }
	r := in.NewRunner(in.Store, consumers.Config{})
	in.StartRunner(r)
	for i := range 20 {
		in.Publish(intakes.Order(i))
	}
	in.Publish(`{"specversion":"1.0","id":"x","source":"shop","type":"never.heard","data":{}}`) // not a reject either
	<-asked
	want(t, "recorded", in.Count(`SELECT (SELECT count(*) FROM operations) + (SELECT count(*) FROM rejects)`), 0)
	r.SetRules(cfg.Rules)
	testkit.Eventually(t, 30*time.Second, "all are recorded", func() bool { return in.Settled() == 21 })
	want(t, "by the new rules", in.Count(`SELECT count(*) FROM operations WHERE points = 389`), 20)
	want(t, "rejects", in.Count(`SELECT count(*) FROM rejects WHERE mapping_version = '`+cfg.RulesVersion+`'`), 1)
}

func register(t *testing.T, pool *pgxpool.Pool, version string, text []byte) {
	t.Helper()
	if err := rulefiles.New(pool).RegisterRules(t.Context(), version, string(text), "test", config.RulesEnds); err != nil {
		t.Fatal(err)
	}
}

func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
