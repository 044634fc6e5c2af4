package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDemo(t *testing.T) {
	t.Parallel()
	out, errs, code := runWorker(t, []string{"PATH=" + os.Getenv("PATH")}, "", "demo", "--json", "--events", "600", "--faults", "heavy", "--seed", "11")
	if code != 0 {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var got map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &got); err != nil {
		t.Fatalf("the last line is not JSON: %v\n%s", err, out)
	}
	number := func(name string) float64 {
		v, ok := got[name].(float64)
		if !ok {
			t.Errorf("no number %s in %v", name, got)
		}
		return v
	}
	if number("published") != 600 || number("accepted")+number("duplicates")+number("rejected") != 600 {
		t.Errorf("published = accepted + duplicates + rejected does not hold: %v", got)
	}
	if number("vendor_double_applied") != 0 || number("difference") != 0 || number("in_transit") != 0 {
		t.Errorf("the books do not agree: %v", got)
	}
	if number("posted") == 0 || number("vendor_applied") != number("posted") || number("ledger_points") != number("vendor_points") {
		t.Errorf("posted and applied differ: %v", got)
	}
	if number("unexplained_items") != 0 || number("unexplained_points") != 0 || number("reconciled_postings") == 0 || number("reconciled_postings") > number("posted") {
		t.Errorf("the reconciliation is not 0: %v", got)
	}
	if sum := number("nothing_to_send") + number("posted") + number("parked") + number("in_transit"); sum != number("operations") {
		t.Errorf("%v operations end or wait, of %v", sum, number("operations"))
	}
	// Whether a refund finds its grant sent is a matter of pace: then it is a person's.
	if number("by_hand")+number("netted") < 10 || (number("by_hand") == 0) != (number("by_hand_points") == 0) || number("by_hand") > number("parked") ||
		number("netted") > number("nothing_to_send") {
		t.Errorf("what came back is not counted: %v", got)
	}
	if number("duplicates") < 30 || number("rejected") < 12 {
		t.Errorf("too few duplicates or rejects to show anything: %v", got)
	}
	for _, name := range []string{"operations", "nothing_to_send", "parked", "in_doubt", "elapsed_ms", "events_per_second"} {
		number(name)
	}
}

func TestDemoWrongUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"demo", "--events", "0"}, {"demo", "--faults", "worse"}, {"demo", "--evnts", "1"}, {"dmo"}, {"explain"}, {"explain", "no-such-file"}} {
		if out, errs, code := runWorker(t, nil, "", args...); code != 2 || errs == "" || out != "" {
			t.Errorf("%v: exit %d, %q %q", args, code, out, errs)
		}
	}
}

// A kept demo says how it becomes workbook, page and journal, and keeps what they need.
func TestDemoKeeps(t *testing.T) {
	t.Parallel()
	// Postgres does not run as root, and may enter no folder that is root's alone.
	parent, err := os.MkdirTemp("", "demo-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(parent) })
	if err := os.Chmod(parent, 0o755); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(parent, "kept")
	out, errs, code := runWorker(t, []string{"PATH=" + os.Getenv("PATH")}, "", "demo", "--events", "60", "--keep", dir)
	if code != 0 {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	for _, want := range []string{"nothing unexplained", " --data " + dir + " report 1 --xlsx ", " --data " + dir + " report 1 --html ", " --data " + dir + " journal --format hledger --from 20", " --values " + dir + "/values.yaml"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	for _, name := range []string{"postgres", "nats", "values.yaml"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if _, errs, code := runWorker(t, nil, "", "demo", "--keep", dir); code != 2 || !strings.Contains(errs, "not there yet") {
		t.Errorf("over a folder that is there: exit %d, %s", code, errs)
	}
}
