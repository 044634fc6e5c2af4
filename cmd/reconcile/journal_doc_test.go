package main

import (
	"os"
	"strings"
	"testing"
)

// The example of docs/journal.md is what the command prints: its values, its map and its export give its
// output.
func TestJournalPageIsWhatIsPrinted(t *testing.T) {
	c := newJournalConsole(t, "reconcile_test_journal_page")
	text, err := os.ReadFile("../../docs/journal.md")
	if err != nil {
		t.Fatal(err)
	}
	block := func(begins string) string {
		_, after, found := strings.Cut(string(text), "```"+begins)
		inside, _, closed := strings.Cut(after, "```")
		if !found || !closed {
			t.Fatalf("the page has no block that begins with %q", begins)
		}
		return inside
	}
	c.file("values.yaml", "# values.yaml"+block("yaml\n# values.yaml"))
	c.file("map.yaml", "# map.yaml"+block("yaml\n# map.yaml"))
	c.file("export.csv", block("csv\n"))
	c.sold("SO-1", member, "SH-01", "2026-11-20", 1000)
	c.sold("SO-2", member, "SH-02", "2026-11-20", 500)
	e := c.sale("CI-1", member, false)
	op := &e.Event.Operations[0]
	op.AmountFen, op.Points, op.BusinessDate = nil, 20, "2026-11-21"
	c.record(e)
	c.refund("SO-1", "RF-1", 5_000)
	t.Chdir(c.folder)
	line, want, _ := strings.Cut(block("console\n$ "), "\n")
	got := c.must(0, strings.Fields(strings.TrimPrefix(line, "reconcile "))...)
	if got != want {
		t.Errorf("the page has\n%s\nthe command prints\n%s", want, got)
	}
}
