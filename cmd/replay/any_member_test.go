package main

import (
	"strings"
	"testing"

	"pointsledger/ledger"
)

// A vendor described as data has ids of members that look like anything: a person
// names one, and finds the member by it, also when everything has ended.
func TestMemberOfDescribedVendor(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.env = append(c.env, "WORKER_CONFIG=../../docs/vendors/first.yaml")
	c.record("SO-1", func(o *ledger.Operation) { o.Account, o.MemberID, o.MemberCode = "shop", "", "13812345678" })
	c.park(ledger.CauseMemberUnresolved, 0, false)
	for _, id := range []string{"", "a\tb", strings.Repeat("x", 65)} {
		contains(t, c.must(2, "resolve", "SO-1", "--customer-id", id), "of kind custom 1 to 64 printable characters")
	}
	contains(t, c.must(1, "member", "oX-8812_a"), "nobody is known as oX-8812_a")
	c.must(0, printed(t, c.must(0, "resolve", "SO-1", "--customer-id", "oX-8812_a"), "resolve")...)
	c.must(0, printed(t, c.must(0, "settle", "SO-1", "--evidence", "phoned"), "settle")...)
	contains(t, c.must(0, "member", "oX-8812_a"), "Member oX-8812_a at shop", "posted 100 points (1)", "SO-1")
	contains(t, c.must(0, "member", "13812345678"), "Member oX-8812_a, from scanned code 138****5678 at shop", "posted 100 points (1)", "SO-1")
}
