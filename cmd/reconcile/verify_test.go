package main

import (
	"context"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/continuity"
	"pointsledger/internal/config"
	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/intakes"
	"pointsledger/migrations"
	"pointsledger/reconcile/seal"
)

// Finance verifies a sealed ledger as it is, sees an edit by name, and may cover nothing;
// an operator may cover what came late, and it stays shown.
func TestReconcileVerifies(t *testing.T) {
	t.Parallel()
	c := newConsole(t, "reconcile_verifies")
	c.env = append(c.env, "NATS_URL="+testkit.NATS(t))
	c.exec(`INSERT INTO ledger_identity (stream) VALUES ('POINTS')`)
	c.record(c.sale("SO-1", member, false))
	c.exec(`INSERT INTO mappings (version, text) VALUES ('test', 'no rules')`)
	if _, err := seal.NewSealer(c.pool, nil, 0).Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	page := c.must(0, "verify", "--quick")
	for _, want := range []string{"Nothing was found. Not everything could be checked.", "batch 1 of", "chain", "holds", "head not checked: no head of this ledger is kept outside"} {
		if !strings.Contains(strings.Join(strings.Fields(page), " "), want) {
			t.Errorf("verify --quick does not say %q:\n%s", want, page)
		}
	}
	c.exec(`INSERT INTO ops_actions (actor, action, filter, reason, set_size, result, at) VALUES ('wang', 'pause', '', 'by hand', 1, '', now() - interval '2 days')`)
	c.exec(`SET session_replication_role = replica; UPDATE operations SET shop_code = 'S-9'; RESET session_replication_role`)
	page = strings.Join(strings.Fields(c.must(3, "verify")), " ")
	for _, want := range []string{"Something does not hold.", "edited: operations 1 was edited after batch 1", "inserted: ops_actions 1 says that it was recorded", "1 finding can be covered",
		"reconcile verify --cover --reason '…' --yes"} {
		if !strings.Contains(page, want) {
			t.Errorf("verify does not say %q:\n%s", want, page)
		}
	}
	if out := c.must(2, "verify", "--cover", "--operator", "li", "--reason", "looked into", "--yes"); !strings.Contains(out, "may not act on the ledger") {
		t.Errorf("finance covers: %s", out)
	}
	c.env[0] = "DATABASE_URL=" + c.pool.Config().ConnString()
	if out := c.must(3, "verify", "--cover", "--operator", "li", "--reason", "looked into", "--yes"); !strings.Contains(strings.Join(strings.Fields(out), " "), "covered by li") {
		t.Errorf("what is covered is not shown: %s", out)
	}
	c.must(2, "verify", "--quick", "--cover")
	c.must(2, "verify", "--yes")
}

// A whole verification with stream and head outside is one object on one line.
func TestReconcileVerifiesAsJSON(t *testing.T) {
	t.Parallel()
	c := newConsole(t, "reconcile_verifies_json")
	url := testkit.NATS(t)
	c.env = append(c.env, "NATS_URL="+url)
	c.exec(`INSERT INTO ledger_identity (stream) VALUES ('POINTS')`)
	text := config.DefaultFile()
	cfg, err := config.Load(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.pool.Exec(t.Context(), `INSERT INTO mappings (version, text) VALUES ($1, $2)`, cfg.RulesVersion, string(text)); err != nil {
		t.Fatal(err)
	}
	js := intakes.Dial(t, url)
	sealed, err := seal.NewSealer(c.pool, sealHeads(js), 0).Seal(t.Context())
	if err != nil || sealed.Batches != 0 && sealed.Outside != nil {
		t.Fatalf("sealed %+v, %v", sealed, err)
	}
	c.exec(`INSERT INTO ops_actions (actor, action, filter, reason, set_size, result) VALUES ('wang', 'pause', '', 'tea', 1, '')`)
	if sealed, err = seal.NewSealer(c.pool, sealHeads(js), 0).Seal(t.Context()); err != nil || sealed.Batches != 1 || sealed.Outside != nil {
		t.Fatalf("sealed %+v, %v", sealed, err)
	}
	var page verifyPage
	c.json(&page, "verify")
	if !page.OK || page.Head.Number == 0 || page.Outside != page.Head || len(page.Checks) != 9 {
		t.Errorf("got %+v", page)
	}
	if out := c.must(0, "close", "--date", yesterday(), "--preview"); strings.Contains(out, "seal") {
		t.Errorf("a seal that holds stands against closing: %s", out)
	}
	c.exec(`SET session_replication_role = replica; UPDATE ops_actions SET reason = 'coffee'; RESET session_replication_role`)
	if out := c.must(3, "close", "--date", yesterday(), "--preview"); !strings.Contains(out, "BLOCKS") || !strings.Contains(out, "the seal does not verify: ops_actions 1 was edited") {
		t.Errorf("an edited row does not block closing: %s", out)
	}
}

// What is found names orders, and quotes events: no mobile number is shown.
func TestVerifyMasksMembers(t *testing.T) {
	t.Parallel()
	c := newConsole(t, "reconcile_verify_masks")
	c.exec(`INSERT INTO ledger_identity (stream) VALUES ('POINTS')`)
	c.record(c.sale(mobile+"/1", mobile, false))
	for _, args := range [][]string{{"verify"}, {"verify", "--json"}} {
		if out := c.must(3, args...); strings.Contains(out, mobile) || !strings.Contains(out, "138****5678/1") {
			t.Errorf("%v: %s", args, out)
		}
	}
}

// Who covers what was found is a login with the worker's rights: it may read all that
// verify reads.
func TestWorkersRoleCovers(t *testing.T) {
	t.Parallel()
	const role = "reconcile_verify_worker"
	c := newConsole(t, role)
	c.exec("REVOKE points_ledger_finance FROM " + role)
	c.exec("ALTER ROLE " + role + " RESET default_transaction_read_only")
	t.Cleanup(func() { _, _ = c.pool.Exec(context.Background(), "DROP OWNED BY "+role) })
	if err := migrations.GrantWorker(t.Context(), c.pool.Config().ConnString(), role); err != nil {
		t.Fatal(err)
	}
	c.exec(`INSERT INTO ledger_identity (stream) VALUES ('POINTS')`)
	if _, err := seal.NewSealer(c.pool, nil, 0).Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.exec(`INSERT INTO ops_actions (actor, action, filter, reason, set_size, result, at) VALUES ('wang', 'pause', '', 'by hand', 1, '', now() - interval '2 days')`)
	if out := c.must(0, "verify", "--cover", "--operator", "li", "--reason", "looked into", "--yes"); !strings.Contains(out, "covered by li") {
		t.Error(out)
	}
}

func sealHeads(js jetstream.JetStream) seal.Outside {
	return continuity.NewSealHeads(js, "POINTS", false)
}
