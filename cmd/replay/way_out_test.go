package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pointsledger/desk"
	"pointsledger/desk/overview"
	"pointsledger/desk/wording"
	"pointsledger/ledger"
)

// What is published anew while it is parked may be paid twice: the advice gives
// the parked operation up before.
func TestAdviceGivesUpBeforeAnew(t *testing.T) {
	t.Parallel()
	for _, cause := range []ledger.Cause{ledger.CauseMemberUnresolved, ledger.CauseUnsendable} {
		for _, verify := range []bool{true, false} {
			advice := wording.Advice(cause, verify, terminalNames)
			void, anew := strings.Index(advice, "`replay void`) BEFORE"), strings.Index(advice, "under a key of its own")
			if void < 0 || anew < void {
				t.Errorf("%s (verify %v): %s", cause, verify, advice)
			}
		}
	}
	c := newConsole(t)
	op := c.record("SO-1", func(o *ledger.Operation) { o.MemberID, o.MemberCode = "", "SCAN-1" })
	c.park(ledger.CauseMemberUnresolved, 0, false)
	contains(t, c.must(0, "status"), "Find the member and name it (`replay resolve`), then put it back", "give it up (`replay void`) BEFORE the shop publishes")
	out := c.must(0, "show", "SO-1")
	contains(t, out, "give it up (`replay void`) BEFORE the shop publishes", "replay void --biz-id "+string(op.BizID))
	if named := printedVerbs(out); !slices.Equal(named, []string{"resolve", "run", "void"}) || strings.Contains(out, "--accept-in-doubt") {
		t.Errorf("commands %v in %s", named, out)
	}
	c.exec(`UPDATE outbox SET cause = $1, resolved_member_id = '42'`, ledger.CauseUnsendable)
	if named := printedVerbs(c.must(0, "show", "SO-1")); !slices.Equal(named, []string{"run", "void"}) {
		t.Errorf("unsendable: commands %v", named)
	}
	c.exec(`UPDATE outbox SET cause = $1`, ledger.CauseRefused)
	if named := printedVerbs(c.must(0, "show", "SO-1")); !slices.Equal(named, []string{"run"}) {
		t.Errorf("refused: commands %v", named)
	}
}

// printedVerbs are the commands of an output by their first word, in order.
func printedVerbs(out string) (verbs []string) {
	for line := range strings.Lines(out) {
		if rest, found := strings.CutPrefix(line, "      replay "); found { // as printPoint writes it
			verb, _, _ := strings.Cut(rest, " ")
			verbs = append(verbs, verb)
		}
	}
	return verbs
}

// Every parked operation in doubt has a way out besides another replay, also
// where the account looks it up and would find the same again.
func TestShowNamesTheWayOutOfDoubt(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	op := c.record("SO-1")
	c.record("SO-1", func(o *ledger.Operation) {
		o.Account, o.Kind, o.SourceType, o.PointsChannel = "kylin", ledger.FreezePoint, 0, 0
		o.BizID = ledger.NewBizID("pa", "kylin", "shop-sh", "order.paid", "SO-1", "pa")
		o.Reference = ledger.ReferenceOf(o.BizID)
		o.Reason = "订单SO-1 #" + o.Reference
	})
	c.park("attempts_exhausted", 48*time.Hour, true)
	for _, cause := range []ledger.Cause{ledger.CauseCandidates, ledger.CausePointsDiffer, ledger.CauseKeyMemoryOver, ledger.CauseAttemptsExhausted,
		ledger.CauseUnsendable, ledger.CauseRebuilt} {
		c.exec(`UPDATE outbox SET cause = $1`, cause)
		out := c.must(0, "show", "1")
		contains(t, out, "If the vendor has applied it, settle it; if it surely has not and never will, give it up",
			"replay settle "+string(op.BizID)+" --evidence", "replay void --biz-id "+string(op.BizID)+" --accept-in-doubt")
		if named := printedVerbs(out); !slices.Equal(named, []string{"run", "settle", "void"}) {
			t.Errorf("%s: commands %v", cause, named)
		}
	}
	// What may not be put back at all is not offered to be: the vendor has
	// forgotten the key, and Kylin has no records.
	out := c.must(0, "show", "2")
	contains(t, out, "It stays parked", "If the vendor has applied it, settle it")
	if named := printedVerbs(out); !slices.Equal(named, []string{"settle", "void"}) {
		t.Errorf("blocked: commands %v", named)
	}
	contains(t, c.must(0, "run", "--account", "kylin"), "no command to run", "What the vendor has applied, settle",
		"replay settle BIZ_ID --evidence", "replay void --biz-id BIZ_ID --accept-in-doubt")

	// The commands act on this one, not on the other of the order.
	contains(t, c.must(0, printed(t, c.must(0, "show", "1"), "void")...), "1 parked operation to give up", "To do it")
	contains(t, c.must(0, printed(t, c.must(0, "show", "1"), "settle")...), "Would settle operation 1", "To do it")
}

// An operation in doubt whose member only a lost database knew: a person names
// the member, and says that it is the one.
func TestMemberLostInDoubt(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	op := c.record("SO-1", func(o *ledger.Operation) { o.MemberID, o.MemberCode = "", "SCAN-1" })
	c.record("SO-2")
	c.park(ledger.CauseRebuilt, time.Hour, true)

	out := c.must(0, "show", "SO-1")
	contains(t, out, "It stays parked", "only its scanned code is known", "name that member, then settle it")
	if named := printedVerbs(out); !slices.Equal(named, []string{"resolve", "void"}) {
		t.Errorf("commands %v in %s", named, out)
	}
	contains(t, c.must(1, "settle", "SO-1", "--evidence", "x"), "has no member yet", "ask the vendor",
		"replay resolve "+string(op.BizID)+" --customer-id '…' --accept-in-doubt")
	contains(t, c.must(0, "run"), "1: in doubt, and only its scanned code is known", "To put back exactly these")
	contains(t, c.must(3, "run", "--yes", "--reason", "x"), "Put back 1 of 2 operations", "stay parked 1: in doubt, and their member is not known")
	if n := c.count(`SELECT count(*) FROM ops_actions WHERE result LIKE '%refused 0 key_memory_over, 0 account_not_configured, 1 member_unknown; %'`); n != 1 {
		t.Error("the refusal is not recorded as what it is")
	}

	contains(t, c.must(1, "resolve", "SO-1", "--customer-id", "42"), "for a member that the ledger does not know", "and only then have the sale published under an order number of its own")
	preview := c.must(0, "resolve", "SO-1", "--customer-id", "42", "--accept-in-doubt")
	contains(t, preview, "careful it may have been sent", "--customer-id 42 --accept-in-doubt --reason '…' --yes")
	contains(t, c.must(0, printed(t, preview, "resolve")...), "is for member 42 now, and still parked")
	if named := printedVerbs(c.must(0, "show", "SO-1")); !slices.Equal(named, []string{"run", "settle", "void"}) {
		t.Errorf("named: commands %v", named)
	}
	contains(t, c.must(0, "settle", "SO-1", "--evidence", "their mail", "--reason", "x", "--yes"), "Settled operation 1")
}

// How many attempts there were is told since the last replay. What else a person
// did leaves the attempts as they are.
func TestAttemptWordsByKindOfAction(t *testing.T) {
	t.Parallel()
	o := overview.Operation{OperationDetail: desk.OperationDetail{Points: 100, EarlierAttempts: 2,
		Open: &desk.OpenState{State: ledger.Parked, Attempts: 1}}}
	for _, action := range []string{desk.ActRejectsRetry, desk.ActStream, desk.ActResolve} {
		o.Acts = []desk.ActDetail{{Name: action}}
		if got := o.State(time.Now()); got != "parked after 1 attempt" {
			t.Errorf("%s: %s", action, got)
		}
	}
	o.Acts = append(o.Acts, desk.ActDetail{Name: desk.ActReplay})
	if got := o.State(time.Now()); got != "parked after 1 attempt since the last replay, 2 in all" {
		t.Errorf("replayed: %s", got)
	}
}
