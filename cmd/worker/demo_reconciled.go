package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"pointsledger/internal/accounts"
	"pointsledger/internal/command"
	"pointsledger/reconcile/runs"
	"pointsledger/vendorapi/sim"
)

// reconcile compares what was posted since the demo began with each member's records, read
// from the vendors as an accountant would have them read: a while later, when they are
// well again.
func (d *demo) reconcile(ctx context.Context, began time.Time, r *demoResult) error {
	for _, vendor := range []sim.Vendor{sim.Zhimai, sim.Kylin} {
		if err := d.simulator.SetFaults(vendor, sim.Faults{}); err != nil {
			return fmt.Errorf("make the vendors well: %w", err)
		}
	}
	configured, closeAll, err := accounts.ForReconcile(d.config, true)
	if err != nil {
		return fmt.Errorf("open the vendors' records: %w", err)
	}
	defer closeAll()
	zone := d.config.Rules.Zone()
	progress := command.NewProgress(d.out)
	defer progress.Done()
	r.reconciled, err = runs.New(d.service.pool, configured).Run(ctx, runs.Asked{
		From: began.In(zone).Format(time.DateOnly), To: time.Now().In(zone).Format(time.DateOnly), Zone: zone, MadeBy: "demo",
		Progress: func(p runs.Progress) {
			progress.Show("  reconciling: %s of %s", command.Count(p.Done), command.Count(p.Total))
		},
	})
	return err
}

// printReconciled shows what finance would find.
func (r *demoResult) printReconciled(out io.Writer) {
	f := &r.reconciled
	line := func(name string, n int64, about string) {
		fmt.Fprintf(out, "  %-22s %10s  %s\n", name, command.Count(n), about)
	}
	fmt.Fprintf(out, "\nThe reconciliation, posting by posting\n")
	line("postings", f.Postings, fmt.Sprintf("of %s, beside %s that the vendors show", counted(f.Members, "member"), counted(f.Records, "record")))
	line("matched", f.MatchedByReference, "pairs, by the reference at the end of the record's text")
	if f.InTransit > 0 {
		line("in transit", f.InTransit, "not ended here: to be taken back by a person, or in doubt; no difference")
	}
	line("without records", f.NotCompared.WithoutRecords, "freezes and what ends them: they rest on the vendor's answer")
	line("unexplained", f.UnexplainedPoints, fmt.Sprintf("points, in %s; %.0f %% of the postings were compared", counted(f.Unexplained, "item"), 100*f.Coverage))
}
