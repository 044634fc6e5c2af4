package report

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Conditions are the same for all peers of a session.
const Conditions = `All peers: one Postgres with its default settings (fsync, synchronous_commit on), one NATS server (file storage, synced
before the publisher hears of it), one sink, each a process of its own on this machine. A fresh database and stream for
each run, a checkpoint before it, 200 events to warm up; the backlog waits behind a paused consumer, and GO ends the pause.`

// Tables is the results of one build, for each part of the last session that
// came to the part's end.
type Tables struct {
	build string
	runs  []Record
	// ended maps a part to its end.
	ended map[string]Record
}

// Select picks the results of a build, the newest when build is empty. A
// session picks its own; without one, a whole part goes before one that flags
// have changed.
func Select(all []Record, build, session string) (*Tables, error) {
	t := &Tables{build: build, ended: map[string]Record{}}
	if build == "" && len(all) > 0 {
		t.build = all[len(all)-1].Build
	}
	for _, r := range all {
		before, found := t.ended[r.Part]
		if r.Done && r.Build == t.build && (session == "" || r.Session == session) && (!found || before.Partial || !r.Partial) {
			t.ended[r.Part] = r
		}
	}
	for _, r := range all {
		if end, found := t.ended[r.Part]; found && !r.Done && r.Session == end.Session {
			t.runs = append(t.runs, r)
		}
	}
	if len(t.runs) == 0 {
		return nil, errors.New("no complete part in the results")
	}
	return t, nil
}

// runsOf are the repetitions of one peer in one case.
func (t *Tables) runsOf(name, peer string) (found []Record) {
	for _, r := range t.runs {
		if r.Case == name && r.Peer == peer {
			found = append(found, r)
		}
	}
	return found
}

// spread is a median with its range.
type spread struct {
	median, least, most float64
	runs                int
}

func spreadOf(runs []Record, value func(Record) float64) spread {
	if len(runs) == 0 {
		return spread{}
	}
	values := make([]float64, len(runs))
	for i, r := range runs {
		values[i] = value(r)
	}
	slices.Sort(values)
	n := len(values)
	return spread{(values[(n-1)/2] + values[n/2]) / 2, values[0], values[n-1], n}
}

func (s spread) format(digits int) string {
	if s.runs == 0 {
		return "–"
	}
	return fmt.Sprintf("%.*f (%.*f–%.*f)", digits, s.median, digits, s.least, digits, s.most)
}

// What is read of a run.
func perSecond(r Record) float64     { return r.PerSecond }
func goodPerSecond(r Record) float64 { return r.GoodPerSecond }
func p50(r Record) float64           { return r.P50MS }
func p99(r Record) float64           { return r.P99MS }
func peak(r Record) float64          { return r.PeakMiB }
func thousand(r Record, seconds float64) float64 {
	return 1000 * seconds / float64(r.Events)
}
func judgedCPU(r Record) float64 { return thousand(r, r.CPU.Judged()) }

// Markdown is all of it as text.
func (t *Tables) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## Build %s\n", t.build)
	fmt.Fprintf(&b, "\n%s.\n", t.setting())
	fmt.Fprintf(&b, "\n%s\n", Conditions)
	last := ""
	seen := map[[2]string]bool{}
	for _, r := range t.runs {
		if key := [2]string{r.Case, r.Peer}; seen[key] {
			continue
		} else {
			seen[key] = true
		}
		if r.Part != last {
			last = r.Part
			fmt.Fprintf(&b, "\n### %s\n\n| case | peer | at once | events | runs | events/s | p50 ms | p99 ms | CPU s per 1,000: worker + Postgres + NATS | (sink) | peak MiB |\n|---|---|---|---|---|---|---|---|---|---|---|\n", last)
		}
		b.WriteString(t.line(r))
	}
	t.overTime(&b)
	t.targetTable(&b)
	return b.String()
}

// setting is that of any part: the build is the same, and so is the machine.
func (t *Tables) setting() string { return t.ended[t.runs[0].Part].Setting }

func (t *Tables) line(r Record) string {
	runs := t.runsOf(r.Case, r.Peer)
	cpu := func(value func(Record) float64) float64 {
		return spreadOf(runs, func(r Record) float64 { return thousand(r, value(r)) }).median
	}
	latency := [2]string{"", ""}
	if r.Rate > 0 {
		latency = [2]string{spreadOf(runs, p50).format(1), spreadOf(runs, p99).format(1)}
	}
	return fmt.Sprintf("| %s | %s | %d | %d | %d | %s | %s | %s | %.3f = %.3f + %.3f + %.3f | %.3f | %s |\n",
		r.Case, r.Peer, r.AtOnce*r.Workers, r.Events, len(runs), spreadOf(runs, perSecond).format(0), latency[0], latency[1],
		spreadOf(runs, judgedCPU).median, cpu(func(r Record) float64 { return r.CPU.Worker }), cpu(func(r Record) float64 { return r.CPU.Postgres }),
		cpu(func(r Record) float64 { return r.CPU.NATS }), cpu(func(r Record) float64 { return r.CPU.Sink }), spreadOf(runs, peak).format(0))
}
