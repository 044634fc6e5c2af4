package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"pointsledger/internal/config"
	"pointsledger/internal/testkit"
	"pointsledger/ledger/rulefiles"
)

// A database that goes away while the worker starts leaves it its configuration, to
// try again with.
func TestRulesOfALedgerThatIsAway(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load([]string{"DATABASE_URL=postgres://127.0.0.1:1/points"}, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := testkit.Pool(t)
	pool.Close()
	if kept, err := rulesOfLedger(t.Context(), rulefiles.New(pool), cfg, zap.NewNop()); err == nil || kept != cfg {
		t.Errorf("kept %v, %v", kept, err)
	}
}

// A ledger that was begun with the built-in rules of before keeps them under a newer
// program: orders count as before, refunds are rejects as before, and whoever wants
// more gets the text to begin a file with.
func TestLedgerKeepsTheBuiltInRulesItBeganWith(t *testing.T) {
	t.Parallel()
	w := newWatchedRig(t)
	const before = "../../internal/config/default_before_refunds.yaml"
	text, err := os.ReadFile(before)
	if err != nil {
		t.Fatal(err)
	}
	old := w.worker(before)
	w.publish(paid(1))
	testkit.Eventually(t, 30*time.Second, "the order is recorded", func() bool { return w.number(sqlRecorded) == 1 })
	old.stop()
	version := w.text(`SELECT mapping_version FROM operations`)

	today := &served{process: w.start("run")}
	today.waitFor(`this ledger began with older built-in rules`)
	w.publish(paid(2), &nats.Msg{Subject: "points.events.order.cancelled", Data: []byte(`{"specversion":"1.0","id":"c","source":"shop","type":"order.cancelled","data":{"orderId":"SO-1"}}`)})
	testkit.Eventually(t, 30*time.Second, "the second order is recorded, the cancellation rejected", func() bool {
		return w.number(sqlRecorded) == 3 && w.number(`SELECT count(*) FROM rejects WHERE reason_code = 'no_vendor_call'`) == 1
	})
	if got := w.text(`SELECT string_agg(version, ' ') FROM mappings`); got != version {
		t.Errorf("registered are %s, want %s alone", got, version)
	}
	out, errs, code := w.run("", "rules", "show", version)
	if code != 0 || out != string(text) {
		t.Errorf("rules show: exit %d, %d bytes of %d: %s", code, len(out), len(text), errs)
	}
	if _, errs, code := w.run("", "rules", "show", "no-such-file"); code != 2 || !strings.Contains(errs, "no such rule file is registered") {
		t.Errorf("rules show of another: exit %d, %s", code, errs)
	}
}
