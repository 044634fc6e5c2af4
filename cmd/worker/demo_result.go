package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"pointsledger/internal/command"
	"pointsledger/internal/rehearsal"
	"pointsledger/reconcile/runs"
	"pointsledger/vendorapi/sim"
)

// demoResult is what came of a demo.
type demoResult struct {
	options demoOptions
	phases  []phase
	elapsed time.Duration

	counts    rehearsal.Counts
	published int
	tally     recorded
	report    rehearsal.Report
	cameBack  cameBack
	rejects   []rejectGroup
	zhimai    sim.Totals
	kylin     sim.Totals
	// reconciled is what finance would find.
	reconciled runs.Summary
	// kept is nil unless the data is kept.
	kept *kept
	// complaints are disagreements outside the per-key comparison.
	complaints []string
}

// phase is a part of the run and how long it took.
type phase struct {
	name, about string
	took        time.Duration
}

func (r *demoResult) phase(name, about string, f func() error) error {
	began := time.Now()
	err := f()
	r.phases = append(r.phases, phase{name, about, time.Since(began)})
	return err
}

// recorded is what the worker made of the messages.
type recorded struct{ accepted, duplicates, rejected int }

// rejectGroup is a reject code with an example of its reason.
type rejectGroup struct {
	code    string
	n       int
	example string
}

// sqlRejectGroups counts rejects with one reason each.
const sqlRejectGroups = `SELECT reason_code, count(*), min(reason) FROM rejects GROUP BY reason_code ORDER BY count(*) DESC, reason_code`

// sqlAcceptedEvents counts the messages whose operations were recorded.
const sqlAcceptedEvents = `SELECT count(DISTINCT stream_seq) FROM operations`

// compare reads the ledger and the simulator's book and compares both with
// what was published.
func (d *demo) compare(ctx context.Context, r *demoResult) error {
	r.counts, r.published = d.plan.Counts, len(d.plan.Messages)
	rows, err := readBooks(ctx, d.service.pool)
	if err != nil {
		return err
	}
	r.report = d.plan.Compare(rows, bookRows(d.simulator.Book()))
	r.cameBack = newCameBack(d.plan.Orders, rows)
	r.zhimai, r.kylin = d.simulator.Totals(sim.Zhimai), d.simulator.Totals(sim.Kylin)
	return d.readCounts(ctx, r)
}

// readCounts reads what the worker made of the messages, and compares it with
// the plan.
func (d *demo) readCounts(ctx context.Context, r *demoResult) error {
	if err := d.service.pool.QueryRow(ctx, sqlAcceptedEvents).Scan(&r.tally.accepted); err != nil {
		return fmt.Errorf("count accepted events: %w", err)
	}
	groups, err := d.service.pool.Query(ctx, sqlRejectGroups)
	if err != nil {
		return fmt.Errorf("count rejects: %w", err)
	}
	defer groups.Close()
	for groups.Next() {
		var g rejectGroup
		if err := groups.Scan(&g.code, &g.n, &g.example); err != nil {
			return fmt.Errorf("count rejects: %w", err)
		}
		r.rejects = append(r.rejects, g)
		r.tally.rejected += g.n
		if want := r.counts.RejectedByCode[g.code]; want != g.n {
			r.complaints = append(r.complaints, fmt.Sprintf("rejects of code %s: want %d, got %d", g.code, want, g.n))
		}
	}
	if err := groups.Err(); err != nil {
		return fmt.Errorf("count rejects: %w", err)
	}
	r.tally.duplicates = d.service.metrics.duplicates()
	for _, c := range []struct {
		what      string
		want, got int
	}{
		{"accepted events", r.counts.Accepted, r.tally.accepted},
		{"duplicates", r.counts.Duplicates, r.tally.duplicates},
		{"rejects", r.counts.Rejected, r.tally.rejected},
	} {
		if c.want != c.got {
			r.complaints = append(r.complaints, fmt.Sprintf("%s: published %d, the ledger has %d", c.what, c.want, c.got))
		}
	}
	return nil
}

func (r *demoResult) agrees() bool {
	return r.report.Agrees() && len(r.complaints) == 0 && r.reconciled.Agrees
}

// demoJSON is the object of --json; its names are a contract.
type demoJSON struct {
	Published           int     `json:"published"`
	Accepted            int     `json:"accepted"`
	Duplicates          int     `json:"duplicates"`
	Rejected            int     `json:"rejected"`
	Operations          int     `json:"operations"`
	NothingToSend       int     `json:"nothing_to_send"`
	Posted              int     `json:"posted"`
	Parked              int     `json:"parked"`
	InTransit           int     `json:"in_transit"`
	InDoubt             int     `json:"in_doubt"`
	ByHand              int     `json:"by_hand"`
	ByHandPoints        int64   `json:"by_hand_points"`
	Netted              int     `json:"netted"`
	LedgerPoints        int64   `json:"ledger_points"`
	VendorPoints        int64   `json:"vendor_points"`
	VendorApplied       int     `json:"vendor_applied"`
	VendorDoubleApplied int     `json:"vendor_double_applied"`
	Difference          int64   `json:"difference"`
	ElapsedMS           int64   `json:"elapsed_ms"`
	EventsPerSecond     float64 `json:"events_per_second"`
	ReconciledPostings  int64   `json:"reconciled_postings"`
	UnexplainedItems    int64   `json:"unexplained_items"`
	UnexplainedPoints   int64   `json:"unexplained_points"`
	Agrees              bool    `json:"agrees"`
}

func (r *demoResult) printJSON(out io.Writer) error {
	return json.NewEncoder(out).Encode(demoJSON{
		Published: r.published, Accepted: r.tally.accepted, Duplicates: r.tally.duplicates, Rejected: r.tally.rejected,
		Operations: r.report.Operations, NothingToSend: r.nothingToSend(), Posted: r.report.Posted,
		Parked: r.parked(), InTransit: r.report.InTransit, InDoubt: r.report.InDoubt,
		ByHand: r.report.ByHand, ByHandPoints: r.report.ByHandPoints, Netted: r.report.Netted,
		LedgerPoints: r.report.LedgerPoints, VendorPoints: r.report.VendorPoints,
		VendorApplied: r.report.VendorApplied, VendorDoubleApplied: r.report.VendorDoubleApplied,
		Difference: r.report.Difference, ElapsedMS: r.elapsed.Milliseconds(),
		EventsPerSecond: float64(int(r.perSecond()*10)) / 10, Agrees: r.agrees(),
		ReconciledPostings: r.reconciled.Postings, UnexplainedItems: r.reconciled.Unexplained, UnexplainedPoints: r.reconciled.UnexplainedPoints,
	})
}

// nothingToSend are the operations that ended, or were recorded, without a call.
func (r *demoResult) nothingToSend() int {
	return r.report.NothingToSend + r.report.Netted + r.report.Voided
}

// parked are those that wait for a person, or for one that does.
func (r *demoResult) parked() int { return r.report.Parked + r.report.Waiting }

func (r *demoResult) perSecond() float64 { return float64(r.published) / r.elapsed.Seconds() }

// print shows the summary to a person.
func (r *demoResult) print(out io.Writer) {
	n := func(v int) string { return command.Count(v) }
	line := func(name, value, about string) { fmt.Fprintf(out, "  %-22s %10s  %s\n", name, value, about) }
	fmt.Fprintf(out, "\nWhat went in\n")
	line("published", n(r.published), "messages")
	line("accepted", n(r.tally.accepted), "events, each counted once")
	line("duplicates", n(r.tally.duplicates), "the same fact published again: not counted twice")
	line("rejected", n(r.tally.rejected), "kept whole, with a reason the publisher can act on")

	fmt.Fprintf(out, "\nWhat came out\n")
	line("operations", n(r.report.Operations), "vendor calls the rules asked for")
	line("nothing to send", n(r.nothingToSend()), "zero points, an anonymous sale, taken back before it was sent")
	line("posted", n(r.report.Posted), command.Count(r.report.LedgerPoints)+" points, confirmed by the vendor")
	line("parked", n(r.parked()), fmt.Sprintf("wait for a person: %s to be taken back, %s refused or without proof", n(r.report.ByHand), n(r.parked()-r.report.ByHand)))
	line("  of these in doubt", n(r.report.InDoubt), "the vendor may have applied it, no proof")

	r.cameBack.print(out)
	r.printRejects(out)
	r.printVendors(out)

	fmt.Fprintf(out, "\nWhere the time went\n")
	for _, p := range r.phases {
		line(p.name, fmt.Sprintf("%.1f s", p.took.Seconds()), p.about)
	}
	line("events per second", command.Count(int(r.perSecond())), "from the first publish to the last posting; held grants wait 2 s")

	fmt.Fprintf(out, "\nThe books, key by key\n")
	line("ledger", command.Count(r.report.LedgerPoints), "points posted")
	line("vendors", command.Count(r.report.VendorPoints), "points applied, under "+counted(r.report.VendorApplied, "key"))
	line("applied twice", n(r.report.VendorDoubleApplied), "keys")
	line("difference", command.Count(r.report.Difference), "points, summed over keys")
	for _, complaint := range r.complaints {
		fmt.Fprintf(out, "  ✗ %s\n", complaint)
	}
	for i, d := range r.report.Shown {
		if i == 10 {
			fmt.Fprintf(out, "  … and %d more\n", r.report.Disagreements()-10)
			break
		}
		fmt.Fprintf(out, "  ✗ %s\n", d)
	}
	r.printReconciled(out)
	if r.agrees() {
		fmt.Fprintf(out, "\n✓ Published events, ledger and vendors agree under every key, and the reconciliation leaves nothing unexplained.\n")
	} else {
		fmt.Fprintf(out, "\n✗ The books do not agree. Run again with --seed %d to see the same events and faults.\n", r.options.seed)
	}
}

// printRejects shows the most frequent reasons.
func (r *demoResult) printRejects(out io.Writer) {
	const most = 6
	if len(r.rejects) == 0 {
		return
	}
	fmt.Fprintf(out, "\nWhat was rejected, and why\n")
	for i, g := range r.rejects {
		if i == most {
			fmt.Fprintf(out, "  and %d more codes\n", len(r.rejects)-most)
			break
		}
		fmt.Fprintf(out, "  %-22s %10s  %s\n", g.code, command.Count(g.n), cut(g.example, 62))
	}
}

// printVendors shows how the vendors behaved.
func (r *demoResult) printVendors(out io.Writer) {
	fmt.Fprintf(out, "\nHow the vendors behaved\n")
	for _, v := range []struct {
		name   string
		totals sim.Totals
	}{{"zhimai", r.zhimai}, {"kylin", r.kylin}} {
		var drawn []string
		var total int64
		for kind, n := range v.totals.Faults {
			if n > 0 {
				drawn = append(drawn, fmt.Sprintf("%s %d", kind, n))
				total += n
			}
		}
		slices.SortFunc(drawn, cmp.Compare[string])
		fmt.Fprintf(out, "  %-22s %10s  calls for %s, %s recognised, %s\n", v.name,
			command.Count(v.totals.Received), counted(v.totals.Keys, "key"), counted(v.totals.Repeats, "repeat"), counted(total, "fault"))
		for text := strings.Join(drawn, ", "); text != ""; {
			part := cut(text, 62)
			if len(part) < len(text) {
				part = text[:strings.LastIndex(text[:62], ", ")+1]
			}
			fmt.Fprintf(out, "  %35s%s\n", "", strings.TrimSpace(part))
			text = strings.TrimSpace(text[len(part):])
		}
	}
}

// counted is "1 key", "2 keys".
func counted[T ~int | ~int64](n T, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return command.Count(n) + " " + noun + "s"
}

// cut shortens a text to so many characters.
func cut(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most-1]) + "…"
}
