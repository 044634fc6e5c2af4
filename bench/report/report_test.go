package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func run(session, part, name, peer string, rep int, rate float64) Record {
	return Record{Session: session, Build: "b", Part: part, Case: name, Peer: peer, Rep: rep, Events: 100, Workers: 1, AtOnce: 128, DelayMS: 20, PerSecond: rate, PeakMiB: 30}
}

func end(session, part string, partial bool) Record {
	return Record{Session: session, Build: "b", Part: part, Done: true, Partial: partial, Setting: "a machine"}
}

func TestSelectTakesWholeParts(t *testing.T) {
	t.Parallel()
	all := []Record{
		run("s1", "backlog", caseBacklog, ours, 1, 100), end("s1", "backlog", false),
		run("s2", "backlog", caseBacklog, ours, 1, 200), // broke off
		run("s3", "backlog", caseBacklog, ours, 1, 300), end("s3", "backlog", true),
	}
	for session, want := range map[string]float64{"": 100, "s1": 100, "s3": 300} {
		got, err := Select(all, "", session)
		if err != nil || len(got.runs) != 1 || got.runs[0].PerSecond != want {
			t.Errorf("session %q: %+v, %v, want the run with %v", session, got, err, want)
		}
	}
	for _, wrong := range [][2]string{{"", "s2"}, {"other", ""}} {
		if _, err := Select(all, wrong[0], wrong[1]); err == nil {
			t.Errorf("build %q, session %q: no error", wrong[0], wrong[1])
		}
	}
	if !Complete(all, "b", "backlog") || Complete(all[2:], "b", "backlog") || Complete(all, "c", "backlog") || Complete(all, "b", "light") {
		t.Error("a part is complete when a session of its build came to its end with nothing left out")
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	all := []Record{end("s", "backlog", false), end("s", "delay", false)}
	for rep, rates := range [][3]float64{{100, 80, 39}, {90, 100, 40}, {110, 100, 41}} {
		all = append(all, run("s", "backlog", caseBacklog, ours, rep, rates[0]), run("s", "backlog", caseBacklog, "bare", rep, rates[1]),
			run("s", "backlog", caseBacklog, "river-best", rep, rates[2]), run("s", "delay", caseDelay, ours, rep, 6079))
	}
	all[len(all)-1].PeakMiB = 64.5
	tables, err := Select(all, "b", "s")
	if err != nil {
		t.Fatal(err)
	}
	text := tables.Markdown()
	for _, want := range []string{
		"to the bare pipeline | ≥ 1 | **1.00** = 100 / 100; each repetition 0.90–1.25 | pass | 3 |",
		"to River's best | ≥ 2.5 | **2.50** = 100 / 40; each repetition 2.25–2.68 | pass | 3 |",
		"to concurrency / 20 ms | ≥ 0.95 | **0.95** = 6079 / 6400; each repetition 0.95–0.95 | **fail** | 3 |",
		"vendor 20 ms, 500 at once each, to River | ≥ 2 | not run | – | 0 |",
		"at 128 at once, MiB | ≤ 64 | **64** at most, median 30 | **fail** | 6 |",
		"a machine.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if svg := tables.SVG(); !strings.HasPrefix(svg, "<svg") || strings.Count(svg, "<rect") != 1+3+1 || strings.Contains(svg, "NaN") {
		t.Errorf("chart:\n%s", svg)
	}
}

func TestFlatMemory(t *testing.T) {
	t.Parallel()
	for last, want := range map[float64]string{33: "pass", 33.1: "**fail**"} {
		r := run("s", "sustained", caseSustained, ours, 1, 1000)
		for i := range 10 {
			s := Sample{Second: float64(i + 1), MiB: 30}
			if i >= 8 {
				s.MiB = last
			}
			r.Samples = append(r.Samples, s)
		}
		tables := &Tables{runs: []Record{r}}
		if got := tables.memoryRows()[1]; got.verdict != want {
			t.Errorf("memory 30 → %v: %+v, want %s", last, got, want)
		}
	}
}

func TestResultsFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "results.jsonl")
	if all, err := Read(path); err != nil || len(all) != 0 {
		t.Errorf("a file that is not there: %v, %v", all, err)
	}
	if err := Append(path, run("s", "p", "c", ours, 1, 5)); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for tail, want := range map[string]bool{"": true, `{"Session":"cut sho`: true, "nonsense\n": false} {
		if err := os.WriteFile(path, append(append([]byte{}, whole...), tail...), 0o600); err != nil {
			t.Fatal(err)
		}
		if all, err := Read(path); (err == nil) != want || want && len(all) != 1 {
			t.Errorf("with %q at the end: %v, %v", tail, all, err)
		}
	}
}
