package report

import (
	"fmt"
	"slices"
	"strings"
)

// The cases, as the parts name them.
const (
	caseBacklog   = "backlog, 0 ms"
	caseDelay     = "backlog, 20 ms"
	caseMany      = "backlog, 20 ms, 500 at once"
	caseLight     = "light load"
	caseFaultless = "faultless vendor"
	caseFaulty    = "faulty vendor"
	caseBoth      = "both vendors well"
	caseAlone     = "one vendor alone"
	caseSustained = "sustained"
	caseLanes     = "live beside bulk"
	ours          = "ours"
)

// side is the runs of one peer in one case, and what is read of them.
type side struct {
	name, peer string
	value      func(Record) float64
}

// target is one line of the table: the ratio of two sides, or of one side to
// what the settings allow when against has no name.
type target struct {
	figure      string
	measured    side
	against     side
	least, most float64 // one of them is 0; both are for a figure without a target
	digits      int
	bound       func(Record) float64
}

// targets are the lines in the order of the table.
func targets() []target {
	rate := func(name, peer string) side { return side{name, peer, perSecond} }
	good := func(name string) side { return side{name, ours, goodPerSecond} }
	all := []target{
		{figure: "backlog, vendor 0 ms, to the bare pipeline", measured: rate(caseBacklog, ours), against: rate(caseBacklog, "bare"), least: 1},
		{figure: "backlog, vendor 0 ms, to River's best", measured: rate(caseBacklog, ours), against: rate(caseBacklog, "river-best"), least: 2.5},
		{figure: "backlog, vendor 20 ms, 128 at once, to concurrency / 20 ms", measured: rate(caseDelay, ours), bound: ceiling, least: 0.95},
		{figure: "the same with 64 at once", measured: rate("one worker, 20ms", ours), bound: ceiling, least: 0.95},
		{figure: "the same with 128, to concurrency / the vendor's measured time to answer", measured: rate(caseDelay, ours), bound: measuredCeiling},
		{figure: "the bare pipeline with 128, to concurrency / 20 ms", measured: rate(caseDelay, "bare"), bound: ceiling},
		{figure: "backlog, vendor 20 ms, 500 at once each, to River", measured: rate(caseMany, ours), against: rate(caseMany, "river-500"), least: 2},
		{figure: "the same with 128 at once, to River with 500", measured: rate(caseDelay, ours), against: rate(caseDelay, "river-500")},
		{figure: "light load, p50, to the bare pipeline", measured: side{caseLight, ours, p50}, against: side{caseLight, "bare", p50}, most: 1.5, digits: 1},
		{figure: "light load, p99, to the bare pipeline", measured: side{caseLight, ours, p99}, against: side{caseLight, "bare", p99}, most: 2, digits: 1},
		{figure: "light load, p99, to River at its latency setting", measured: side{caseLight, ours, p99}, against: side{caseLight, "river-latency", p99}, most: 0.5, digits: 1},
		{figure: "CPU per 1,000 events, to the bare pipeline", measured: side{caseBacklog, ours, judgedCPU}, against: side{caseBacklog, "bare", judgedCPU}, most: 1.2, digits: 3},
		{figure: "CPU per 1,000 events, to River's best", measured: side{caseBacklog, ours, judgedCPU}, against: side{caseBacklog, "river-best", judgedCPU}, most: 0.45, digits: 3},
		{figure: "grown tables, not vacuumed, to empty ones", measured: rate("grown tables, not vacuumed", ours), against: rate("empty tables", ours), least: 0.9},
		{figure: "grown tables, vacuumed, to empty ones", measured: rate("grown tables, vacuumed", ours), against: rate("empty tables, later", ours), least: 0.9},
		{figure: "5 % failures and 2 % timeouts, good events, to no faults", measured: good(caseFaulty), against: good(caseFaultless), least: 0.8},
	}
	for _, down := range []string{"other vendor refuses", "other vendor hangs"} {
		all = append(all,
			target{figure: down + " (down), the well one's rate, to both well", measured: good(down), against: good(caseBoth), least: 0.95},
			target{figure: down + ", to events without calls for it", measured: good(down), against: good(caseAlone)})
	}
	return append(all,
		target{figure: "live events while bulk drains at 10 calls a second, p99 in ms, to 2,000", measured: side{caseLanes, ours, p99}, bound: constant(2000), most: 1},
		target{figure: "the bulk lane meanwhile, calls a second, to 4", measured: good(caseLanes), bound: constant(4), least: 1, digits: 1},
		target{figure: "two workers to one, 64 at once each, vendor 20 ms", measured: rate("two workers, 20ms", ours), against: rate("one worker, 20ms", ours)},
		target{figure: "two workers to one, 64 at once each, vendor 0 ms", measured: rate("two workers, 0s", ours), against: rate("one worker, 0s", ours)})
}

// constant is a bound that no setting changes.
func constant(n float64) func(Record) float64 { return func(Record) float64 { return n } }

// ceiling is the rate that the calls at once and the vendor's delay allow.
func ceiling(r Record) float64 { return 1000 * float64(r.AtOnce*r.Workers) / float64(r.DelayMS) }

// measuredCeiling is the rate that the calls at once and the vendor's own time to
// answer allow, which is more than the delay where processors are short.
func measuredCeiling(r Record) float64 {
	return 1000 * float64(r.AtOnce*r.Workers) / max(r.Sink.AnswerMS, float64(r.DelayMS))
}

// row is a target with what came out.
type row struct {
	figure, want, measured, verdict string
	runs                            int
}

// judge makes the row of a target.
func (t *Tables) judge(g target) row {
	r := row{figure: g.figure, want: wanted(g.least, g.most), measured: "not run", verdict: "–"}
	mine := t.runsOf(g.measured.name, g.measured.peer)
	theirs, value := mine, g.bound
	if g.bound == nil {
		theirs, value = t.runsOf(g.against.name, g.against.peer), g.against.value
	}
	r.runs = min(len(mine), len(theirs))
	if r.runs == 0 {
		return r
	}
	a, b := spreadOf(mine, g.measured.value), spreadOf(theirs, value)
	each := make([]float64, r.runs) // interleaved: repetition i beside repetition i
	for i := range each {
		each[i] = g.measured.value(mine[i]) / value(theirs[i])
	}
	ratio := a.median / b.median
	r.measured = fmt.Sprintf("**%.2f** = %.*f / %.*f; each repetition %.2f–%.2f", ratio, g.digits, a.median, g.digits, b.median, slices.Min(each), slices.Max(each))
	r.verdict = verdict(ratio, g.least, g.most)
	return r
}

func wanted(least, most float64) string {
	switch {
	case least > 0:
		return fmt.Sprintf("≥ %g", least)
	case most > 0:
		return fmt.Sprintf("≤ %g", most)
	}
	return "no target"
}

func verdict(value, least, most float64) string {
	switch {
	case least == 0 && most == 0:
		return "–"
	case value >= least && (most == 0 || value <= most):
		return "pass"
	}
	return "**fail**"
}

const (
	// memoryMost is the target of the worker's peak at 128 at once, in MiB.
	memoryMost = 64
	// flatMost is what counts as flat: memory in the last fifth of a sustained
	// load to that in its second fifth.
	flatMost = 1.1
)

// memoryRows are the targets of memory, which are no ratios of runs.
func (t *Tables) memoryRows() []row {
	var runs []Record
	for _, name := range []string{caseBacklog, caseDelay, caseSustained} {
		runs = append(runs, t.runsOf(name, ours)...)
	}
	runs = slices.DeleteFunc(runs, func(r Record) bool { return r.AtOnce != 128 })
	peaks := row{figure: "peak memory of the worker at 128 at once, MiB", want: wanted(0, memoryMost), measured: "not run", verdict: "–", runs: len(runs)}
	if len(runs) > 0 {
		s := spreadOf(runs, peak)
		peaks.measured = fmt.Sprintf("**%.0f** at most, median %.0f", s.most, s.median)
		peaks.verdict = verdict(s.most, 0, memoryMost)
	}
	flat := row{figure: "memory under sustained load, last fifth to second fifth", want: wanted(0, flatMost), measured: "not run", verdict: "–"}
	for _, r := range t.runsOf(caseSustained, ours) {
		fifth := len(r.Samples) / 5
		if fifth == 0 {
			continue
		}
		early, late := memoryOf(r.Samples[fifth:2*fifth]), memoryOf(r.Samples[len(r.Samples)-fifth:])
		flat.measured = fmt.Sprintf("**%.2f** = %.0f / %.0f MiB", late/early, late, early)
		flat.verdict, flat.runs = verdict(late/early, 0, flatMost), flat.runs+1
	}
	return []row{peaks, flat}
}

// memoryOf is the median.
func memoryOf(samples []Sample) float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = s.MiB
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// targetTable prints every target, also those that were not run.
func (t *Tables) targetTable(b *strings.Builder) {
	b.WriteString("\n### Targets\n\nRatios of medians in one session; beside them the range of the repetitions' own ratios.\n\n")
	b.WriteString("| figure | target | measured | | repetitions |\n|---|---|---|---|---|\n")
	var rows []row
	for _, g := range targets() {
		rows = append(rows, t.judge(g))
	}
	for _, r := range append(rows, t.memoryRows()...) {
		fmt.Fprintf(b, "| %s | %s | %s | %s | %d |\n", r.figure, r.want, r.measured, r.verdict, r.runs)
	}
}

// overTimeRows is how many samples the table shows; the chart has all.
const overTimeRows = 12

// overTime prints the sustained load's samples.
func (t *Tables) overTime(b *strings.Builder) {
	for _, r := range t.runsOf(caseSustained, ours) {
		if len(r.Samples) == 0 {
			continue
		}
		fmt.Fprintf(b, "\n### sustained, %d events/s over time\n\n", r.Rate)
		b.WriteString("| second | worker MiB | events on their way | outbox KiB | dead rows | p50 ms | p99 ms | CPU s since the line above in the data: worker + Postgres + NATS |\n|---|---|---|---|---|---|---|---|\n")
		step := max(1, len(r.Samples)/overTimeRows)
		for i := step - 1; i < len(r.Samples); i += step {
			s := r.Samples[i]
			fmt.Fprintf(b, "| %.0f | %.0f | %d | %d | %d | %.1f | %.1f | %.1f + %.1f + %.1f |\n", s.Second, s.MiB, s.Waiting, s.OutboxKiB, s.OutboxDead, s.P50MS, s.P99MS, s.CPU.Worker, s.CPU.Postgres, s.CPU.NATS)
		}
	}
}
