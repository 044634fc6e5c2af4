package main

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"pointsledger/internal/testkit"
	"pointsledger/reconcile/seal"
)

// The disk is rolled back, end to end, at a vendor that forgets every key: twenty
// rows wait while the account is paused, the database is snapshotted, the queue
// drains, the worker stops (or is killed a beat later), the database is rolled
// back. Nothing is applied twice, and all of it is posted again from the vendor's
// records.
func TestRollbackEndToEnd(t *testing.T) {
	t.Parallel()
	for name, killed := range map[string]bool{"stopped": false, "killed a beat later": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "--dedup", "off")
			r.env = append(r.env, "WORKER_CONFIG="+impatientConfig(t))
			const paused = `INSERT INTO gates (target, reason, vendor_says, closed_at, probe_at, closings) VALUES ('zhimai', 'paused', 'night', now(), now(), 0)`
			const resumed = `UPDATE gates SET reason = NULL, vendor_says = NULL, closed_at = NULL, probe_at = NULL WHERE target = 'zhimai'`
			r.exec(paused)
			worker := r.start("run")
			worker.waitFor("worker started")
			testkit.Eventually(t, time.Minute, "the stream", func() bool {
				_, errs, _ := r.run(orders(20), "publish", "-")
				return !strings.Contains(errs, "does not exist")
			})
			testkit.Eventually(t, time.Minute, "twenty rows to wait", func() bool { return r.count(`SELECT count(*) FROM outbox`) == 20 })
			testkit.Eventually(t, time.Minute, "the acknowledgements to be noted", func() bool { return r.count(`SELECT acked_seq FROM ledger_identity`) == 20 })
			worker.stop()
			snapshot := r.snapshot()

			worker = r.start("run")
			worker.waitFor("worker started")
			r.exec(resumed)
			testkit.Eventually(t, time.Minute, "all operations to be posted", func() bool { return r.count(`SELECT count(*) FROM postings`) == 20 })
			if killed {
				beat := r.count(`SELECT beat FROM ledger_identity`)
				// The second beat begins after the first one's witness was written.
				testkit.Eventually(t, time.Minute, "two beats", func() bool { return r.count(`SELECT beat FROM ledger_identity`) >= beat+2 })
				worker.kill()
			} else if code := worker.stop(); code != 0 {
				t.Errorf("exit code %d", code)
			}

			r.database = snapshot
			for i, entry := range r.env {
				if strings.HasPrefix(entry, "DATABASE_URL=") {
					r.env[i] = "DATABASE_URL=" + snapshot
				}
			}
			if n := r.count(`SELECT count(*) FROM postings`); n != 0 {
				t.Fatalf("%d postings in the snapshot", n)
			}
			if out, _, _ := r.run("", "doctor"); !strings.Contains(out, "it was rolled back, or lost its newest commits") {
				t.Errorf("doctor does not see the rollback:\n%s", out)
			}
			worker = r.start("run")
			worker.waitFor("it was rolled back, or lost its newest commits")
			if !killed { // when it stopped, it sealed what is lost now
				worker.waitFor("the head of the seal outside the database is of a batch that this database does not hold")
			}
			r.exec(resumed)
			testkit.Eventually(t, 2*time.Minute, "all operations to be posted again", func() bool { return r.count(`SELECT count(*) FROM postings`) == 20 })
			if n := r.count(`SELECT count(*) FROM postings WHERE evidence = 'verified'`); n != 20 {
				t.Errorf("%d of 20 are posted from the vendor's records", n)
			}
			r.booksAgree(20)
			worker.stop()
			found := r.verifyLedger()
			if lost := len(found.Findings) == 1 && found.Findings[0].Kind == seal.LostCommits; lost == killed || len(found.Findings) > 1 || found.Unsealed != 0 {
				t.Errorf("verify finds %+v, %d rows unsealed", found.Findings, found.Unsealed)
			}
		})
	}
}

// snapshot copies the database as a disk's snapshot would: the copy has the same
// system identifier and timeline. Nobody may be connected.
func (r *rig) snapshot() string {
	r.t.Helper()
	u, err := url.Parse(r.database)
	if err != nil {
		r.t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	right := r.database
	u.Path = "/postgres"
	r.database = u.String()
	r.exec("CREATE DATABASE " + name + "_snapshot TEMPLATE " + name)
	r.database = right
	u.Path = "/" + name + "_snapshot"
	return u.String()
}
