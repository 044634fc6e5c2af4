package continuity_test

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"pointsledger/consumers"
	"pointsledger/internal/devstack"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/migrations"
)

// A real standby takes over that lacks the newest commits: what was acknowledged
// is recorded again, in doubt, and the row that was claimed is in doubt.
func TestKeeperFailover(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	in.MakeStream()
	base := t.TempDir()
	if err := os.Chmod(filepath.Dir(base), 0o711); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(base, 0o711); err != nil {
		t.Fatal(err)
	}
	first, second := filepath.Join(base, "first"), filepath.Join(base, "second")
	start := func(dir string) *devstack.Postgres {
		t.Helper()
		server, err := devstack.StartPostgres(t.Context(), devstack.PostgresConfig{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Stop() })
		return server
	}
	// A cluster with ten events, and a copy that becomes its standby.
	primary := start(first)
	dsn, err := primary.CreateDatabase(t.Context(), "ledger")
	if err != nil {
		t.Fatal(err)
	}
	if err := migrations.Up(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	k := in.keep(dsn)
	k.waitSure()
	stop := k.fill(10, consumers.Config{})
	stop()
	k.stop()
	if err := primary.Stop(); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-a", first, second).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	if out, err := exec.Command("cp", "-a", filepath.Join(second, "data", "PG_VERSION"), filepath.Join(second, "data", "standby.signal")).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	primary, standby := start(first), start(second)

	// The worker knows both hosts. The standby gets nothing of what follows.
	a, b := must(url.Parse(primary.DSN("ledger"))), must(url.Parse(standby.DSN("ledger")))
	a.Host, a.RawQuery = a.Host+","+b.Host, "sslmode=disable&target_session_attrs=primary"
	both := a.String()
	k = in.keep(both)
	k.waitSure()
	in.Start(k.store, brief)
	in.publishAll(10, 20)
	in.beaten(both, 20)
	claimed, err := k.store.Claim(t.Context(), ledger.Claim{Account: "zhimai", Token: 1, Limit: 1, Lease: time.Minute, KeyMemory: time.Hour})
	if err != nil || len(claimed) != 1 {
		t.Fatalf("claimed %v: %v", claimed, err)
	}
	if err := primary.Stop(); err != nil {
		t.Fatal(err)
	}
	if n := countIn(t, standby.DSN("ledger"), `SELECT count(*) FROM operations`); n != 10 {
		t.Fatalf("the standby has %d operations, want the 10 from before", n)
	}
	admin(t, standby.DSN("ledger"), `SELECT pg_promote()`)
	testkit.Eventually(t, 30*time.Second, "the new primary to be completed", func() bool {
		return countIn(t, both, `SELECT count(*) FROM operations`) == 20
	})
	k.waitSure()
	in.publishAll(20, 25)
	for what, c := range map[string]struct {
		sql  string
		want int
	}{
		"timeline":   {`SELECT timeline FROM ledger_identity`, 2},
		"added":      {`SELECT count(*) FROM outbox x JOIN operations o ON o.id = x.operation_id WHERE x.cause = 'rebuilt' AND x.in_doubt AND x.first_sent_at = o.broker_time`, 10},
		"open":       {`SELECT count(*) FROM outbox WHERE cause = 'database_changed' AND in_doubt`, 10},
		"new":        {`SELECT count(*) FROM outbox WHERE NOT in_doubt`, 5},
		"operations": {`SELECT count(*) FROM operations`, 25},
		// Whoever retries a reject later learns of it.
		"the act": {`SELECT count(*) FROM ops_actions WHERE actor = 'worker' AND action = 'recover' AND set_size = 10`, 1},
	} {
		if n := countIn(t, both, c.sql); n != c.want {
			t.Errorf("%s: %d, want %d", what, n, c.want)
		}
	}
}
