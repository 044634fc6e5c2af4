package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pointsledger/desk/overview"
	"pointsledger/desk/workitems"
	entries "pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/ledger/waiting"
)

// sales records orders of 100 points and 10,000 fen.
func (c *console) sales(names ...string) {
	c.t.Helper()
	for _, order := range names {
		c.seq++
		e := entries.Paid(c.seq, order)
		amount := int64(10_000)
		e.Event.Operations[0].AmountFen = &amount
		c.accept(e)
	}
}

// refund takes a part of an order back; 0 fen cancels it.
func (c *console) refund(order string, fen int64) {
	c.t.Helper()
	c.seq++
	share := &fen
	if fen == 0 {
		share = nil
	}
	c.accept(entries.Refunded(c.seq, order, "R-"+order, share))
}

func (c *console) accept(e ledger.Entry) {
	c.t.Helper()
	verdicts, err := c.store.Record(c.t.Context(), []ledger.Entry{e})
	if err != nil || verdicts[0].Kind != ledger.Accepted {
		c.t.Fatalf("record: %v %v", verdicts, err)
	}
}

// claimAll has a worker take all that is due at zhimai, and apply it unless told
// otherwise.
func (c *console) claimAll(apply bool) {
	c.t.Helper()
	claimed, err := c.store.Claim(c.t.Context(), ledger.Claim{Account: "zhimai", Token: 5, Limit: 100, Lease: time.Minute, KeyMemory: time.Hour})
	if err != nil {
		c.t.Fatal(err)
	}
	var heard []ledger.Confirmation
	var refused []ledger.Change
	for _, row := range claimed {
		heard = append(heard, ledger.Confirmation{ID: row.ID, Evidence: ledger.Answered, MemberID: member})
		refused = append(refused, ledger.Change{ID: row.ID, Token: 5, State: ledger.Parked, Cause: ledger.CauseRefused, UseAttempt: true})
	}
	if apply {
		_, err = c.store.Confirm(c.t.Context(), heard)
	} else {
		_, err = c.store.Settle(c.t.Context(), refused)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := waiting.New(c.pool, c.store).ReleaseTakeBacks(c.t.Context(), "zhimai", []ledger.Kind{ledger.PointsAdd}); err != nil {
		c.t.Fatal(err)
	}
}

// From the refund to the back office and back: every command names what is to be done,
// and the filled-in list settles it once.
func TestWorkItems(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	contains(t, c.must(0, "workitems", "list"), "Nothing is to be done by hand.")
	c.sales("SO-1", "SO-2", "SO-3")
	c.claimAll(true)
	for _, order := range []string{"SO-1", "SO-2", "SO-3"} {
		c.refund(order, 3000)
	}
	contains(t, c.must(0, "show", "SO-1"), "waiting for operation 1 to end", "goes by itself when operation 1")
	c.claimAll(true)

	contains(t, c.must(0, "status"), "For a person in the vendor's back office", "zhimai to be taken back: 3 operations, 90 points, 1 member",
		"replay workitems list --account zhimai")
	var status overview.Report
	if c.json(&status, "status"); len(status.WorkItems) != 1 || status.WorkItems[0].Points != 90 {
		t.Errorf("%+v", status.WorkItems)
	}
	list := c.must(0, "workitems", "list")
	contains(t, list, "to be taken back: 3 operations, 90 points, 1 member; the oldest for", "take back 30 "+member+" SO-1", "replay workitems export --output work.csv")
	var listed workitems.Listing
	if c.json(&listed, "workitems", "list", "--order", "SO-2"); len(listed.Items) != 1 || listed.Items[0].OriginID != 2 || listed.Sums[0].Operations != 1 {
		t.Errorf("%+v", listed)
	}
	contains(t, c.must(0, "workitems", "list", "--limit", "1"), "There are more", "3 operations")
	c.must(2, "workitems", "list", "--limit", "0")
	c.must(2, "workitems", "list", "--account", "")
	key := string(listed.Items[0].BizID)
	shown := c.must(0, "show", "SO-2")
	contains(t, shown, "All that names SO-2", "order.paid: grant 100 points at zhimai: posted, answered (operation 2)",
		"order.refunded: take back 30 points at zhimai: to be done by a person (operation 5), of operation 2, which keeps 70 of 100",
		"taken back 30 points by operation 5", "is about operation 2", "Do it there, then settle it", "replay settle "+key+" --evidence")
	if strings.Contains(shown, "replay run --biz-id") {
		t.Errorf("a put back is offered: %s", shown)
	}

	// Nothing of it is put back, whatever the filter.
	for _, filter := range [][]string{{"--cause", "no_vendor_call"}, {"--biz-id", key}, {"--order", "SO-2"}} {
		contains(t, c.must(1, append([]string{"run", "--reason", "again", "--yes"}, filter...)...), "nothing was put back: no call can be made for", "replay workitems settle work.csv")
		contains(t, c.must(1, append([]string{"run"}, filter...)...), "nothing was put back")
	}
	contains(t, c.must(0, "run", "--reason", "again", "--yes"), "Left out: 3 operations for a person to do", "No parked operation fits")
	if n := c.count(`SELECT count(*) FROM outbox WHERE state = 'parked' AND cause = 'no_vendor_call'`); n != 3 {
		t.Fatalf("%d work items, want 3", n)
	}

	file := filepath.Join(t.TempDir(), "work.csv")
	contains(t, c.must(0, "workitems", "export", "--output", file), "Exported 3 work items to "+file)
	contains(t, c.must(2, "workitems", "export", "--output", file), "is there already")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	lines[1], lines[2] = strings.Replace(lines[1], ",,\n", ",done,by Wu\n", 1), strings.Replace(lines[2], ",,\n", ",not possible,she left\n", 1)
	if err := os.WriteFile(file, []byte(strings.Join(lines, "")+"pdnobody,,,,,,,,,,,,,done,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	preview := c.must(3, "workitems", "settle", file)
	contains(t, preview, "Would settle 2 operations of 4 rows: 60 points of 1 member", "done 1: posted", "not possible 1: given up", "not done yet 1:",
		"line 5, pdnobody: no operation has this biz_id (unknown_biz_id)", "This is a preview: nothing has been changed", "replay workitems settle "+file+" --reason '…' --yes", "1 of 4 rows could not be taken")
	contains(t, c.must(3, "workitems", "settle", file, "--reason", "ticket 81", "--operator", "lin", "--yes"), "Settled 2 operations of 4 rows", "recorded as action 1 in ops_actions: lin")
	contains(t, c.must(3, "workitems", "settle", file, "--reason", "again", "--yes"), "Settled 0 operations", "already 2: settled like this before")
	contains(t, c.must(0, "show", "SO-1"), "work items settled by lin", "rests on by Wu", "a person decided")
	contains(t, c.must(0, "log"), "work items settled by lin", "1 done (30 points); 1 not possible (30 points)")
	contains(t, c.must(2, "workitems", "settle", file+".none"), "want the filled-in list")

	// The last one by itself.
	last := strings.SplitN(lines[3], ",", 2)[0]
	contains(t, c.must(0, "settle", last, "--evidence", "Ms Wu, ticket 5512"), "records not read: what a person does in the back office")
	c.must(0, "settle", last, "--evidence", "Ms Wu, ticket 5512", "--reason", "by hand", "--yes")
	contains(t, c.must(0, "status"), "Nothing is parked")
}
