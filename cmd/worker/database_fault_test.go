package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pointsledger/internal/doctor"
	"pointsledger/internal/testkit"
	"pointsledger/vendorapi/sim"
)

// A database at fault under a running worker: it is not ready and says what to
// do, doctor does too where it can be seen from outside, nothing is rejected,
// and once the fault is mended every order is recorded.
func TestDatabaseFaultsUnderAWorker(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]struct{ inject, mend, ready, doctor string }{
		"a sequence behind": {`ALTER TABLE operations ALTER COLUMN id RESTART WITH 1`,
			`SELECT setval(pg_get_serial_sequence('operations', 'id'), (SELECT max(id) FROM operations))`, "SELECT setval(", "SELECT setval("},
		"a required column": {`ALTER TABLE operations ADD COLUMN cost_centre text NOT NULL DEFAULT 'x'; ALTER TABLE operations ALTER COLUMN cost_centre DROP DEFAULT`,
			`ALTER TABLE operations DROP COLUMN cost_centre`, "column cost_centre of operations", ""},
		"read-only": {`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$;
			SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
			`SET TRANSACTION READ WRITE; DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET default_transaction_read_only', current_database()); END $$;
			SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`, "read-only", "read-only"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			address := r.start("run").address()
			publish := func(name string, n int) {
				if out, errs, code := r.run(strings.ReplaceAll(orders(n), "SO-", name), "publish", "--create-stream", "--no-msg-id", "-"); code != 0 {
					t.Fatal(out, errs)
				}
			}
			publish("SO-", 50)
			testkit.Eventually(t, time.Minute, "the first orders", func() bool { return r.count(`SELECT count(*) FROM postings`) == 50 })
			r.exec(fault.inject)
			publish("SP-", 300)
			testkit.Eventually(t, time.Minute, "the worker not to be ready", func() bool {
				ready := get(t, address+"/readyz")
				return strings.HasPrefix(ready, "503 ") && strings.Contains(ready, fault.ready)
			})
			if fault.doctor != "" {
				if out, _, _ := r.run("", "doctor"); !strings.Contains(out, fault.doctor) {
					t.Errorf("doctor does not say %q:\n%s", fault.doctor, out)
				}
			}
			r.exec(fault.mend)
			testkit.Eventually(t, time.Minute, "all orders to be posted", func() bool { return r.count(`SELECT count(*) FROM postings`) == 350 })
			testkit.Eventually(t, time.Minute, "the worker to be ready", func() bool { return strings.HasPrefix(get(t, address+"/readyz"), "200 ") })
			if n := r.count(`SELECT count(*) FROM rejects`); n != 0 {
				t.Errorf("%d rejects", n)
			}
			r.booksAgree(350)
		})
	}
}

// A role whose sessions begin in another encoding costs nothing.
func TestSessionsOfAnotherEncoding(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.exec(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET client_encoding = ''GBK''', current_database()); END $$`)
	r.start("run").address()
	if out, errs, code := r.run(strings.ReplaceAll(orders(200), "SO-", "订单-"), "publish", "--create-stream", "--no-msg-id", "-"); code != 0 {
		t.Fatal(out, errs)
	}
	testkit.Eventually(t, time.Minute, "all orders to be posted", func() bool { return r.count(`SELECT count(*) FROM postings`) == 200 })
	if n := r.count(`SELECT count(*) FROM rejects`) + r.count(`SELECT count(*) FROM operations WHERE left(business_key, 2) <> U&'\8BA2\5355'`); n != 0 {
		t.Errorf("%d rejects or spoiled keys", n)
	}
}

// Limits on connections are counted before they bite.
func TestDoctorCountsConnections(t *testing.T) {
	t.Parallel()
	r := newDoctorRig(t, sim.Config{})
	r.doctor(0).want(t, "Postgres connections", doctor.OK, "a worker opens up to", "max_connections")
	r.exec(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 9', current_database()); END $$`)
	r.doctor(3).want(t, "Postgres connections", doctor.Wrong, "CONNECTION LIMIT of database", "set pool_max_conns=")
	r.env = append(r.env, fmt.Sprintf("DATABASE_URL=%s&pool_max_conns=3", r.database))
	few := r.doctor(0)
	few.want(t, "Postgres connections", doctor.OK, "a worker opens up to")
	few.want(t, "Postgres connections", doctor.Note, "pool_max_conns=3", "less than")
}
