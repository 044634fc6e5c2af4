package torture

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/internal/command"
	"pointsledger/vendorapi/sim"
)

// sqlDoubts counts the operations that were ever in doubt by how they ended.
const sqlDoubts = `
WITH doubted AS (SELECT operation_id, bool_or(op = 'UPDATE' AND was_doubt AND NOT now_doubt) AS cleared
                   FROM torture.moves GROUP BY operation_id HAVING bool_or(now_doubt))
SELECT o.target || ' ' || CASE
           WHEN p.evidence = 'verified' THEN 'posted by verification'
           WHEN p.evidence = 'already_applied' THEN 'posted after a re-send (the vendor knew the key)'
           WHEN p.evidence IS NOT NULL AND d.cleared THEN 'verified as not applied, sent again and posted'
           WHEN p.evidence IS NOT NULL THEN 'posted after a re-send'
           WHEN x.state = 'parked' AND x.in_doubt THEN 'parked in doubt (' || x.cause || ')'
           WHEN x.state = 'parked' THEN 'parked, doubt cleared (' || x.cause || ')'
           ELSE 'still open' END AS ending,
       count(*)
  FROM doubted d
  JOIN operations o ON o.id = d.operation_id
  LEFT JOIN postings p ON p.operation_id = d.operation_id
  LEFT JOIN outbox x ON x.operation_id = d.operation_id
 GROUP BY 1
 ORDER BY 1`

// sqlParked counts parked rows by cause, and sqlAttempts the attempts that did
// not post.
const (
	sqlParked   = `SELECT cause || CASE WHEN in_doubt THEN ' (in doubt)' ELSE '' END, count(*) FROM outbox WHERE state = 'parked' GROUP BY 1 ORDER BY 1`
	sqlAttempts = `SELECT outcome, count(*) FROM attempts GROUP BY 1 ORDER BY 2 DESC, 1`
)

// sqlOpen counts what is still to be done by why it waits, and sqlKnown says in
// a line what the workers have learned of each endpoint: what is in doubt waits
// for that.
const (
	sqlOpen = `
SELECT target || ' ' || state || CASE WHEN in_doubt THEN ' in doubt' ELSE '' END ||
       CASE WHEN waits_for IS NOT NULL THEN ' behind what it takes back' ELSE '' END || COALESCE(', ' || cause, '') || COALESCE(', ' || lack, ''), count(*)
  FROM outbox WHERE state <> 'parked' GROUP BY 1 ORDER BY 1`
	sqlKnown = `
SELECT e.target || ': references ' || e.reference_state || ', zone ' || COALESCE(e.zone_offset_minutes || ' min', 'unknown') ||
       ', longest lag ' || COALESCE(max(GREATEST(s.lag_ms, s.unshown_ms)), 0) || ' ms; samples: ' || count(*) FILTER (WHERE s.state = 'shown') || ' shown, ' ||
       count(*) FILTER (WHERE s.state = 'failed') || ' failed, ' || count(*) FILTER (WHERE s.state = 'waiting') || ' waiting', count(s.id)
  FROM endpoints e
  LEFT JOIN endpoint_samples s ON s.target = e.target AND s.endpoint = e.endpoint
 GROUP BY e.target, e.endpoint
 ORDER BY 1`
)

// counted is a name with a number.
type counted struct {
	Name string
	N    int
}

func (r *run) counts(ctx context.Context, sql string) ([]counted, error) {
	rows, err := r.rig.pool.Query(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("read for the report: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[counted])
	if err != nil {
		return nil, fmt.Errorf("read for the report: %w", err)
	}
	return list, nil
}

// print shows what the run was and what came of it; the last line is the
// caller's: the verdict.
func (r *run) print(ctx context.Context, v Verdict) error {
	doubts, err := r.counts(ctx, sqlDoubts)
	if err != nil {
		return err
	}
	parked, err := r.counts(ctx, sqlParked)
	if err != nil {
		return err
	}
	attempts, err := r.counts(ctx, sqlAttempts)
	if err != nil {
		return err
	}
	open, err := r.counts(ctx, sqlOpen)
	if err != nil {
		return err
	}
	known, err := r.counts(ctx, sqlKnown)
	if err != nil {
		return err
	}
	line := func(name string, value any, about string) {
		fmt.Fprintf(r.out, "  %-24s %10v  %s\n", name, value, about)
	}
	title := func(text string) { fmt.Fprintf(r.out, "\n%s\n", text) }

	title("Events")
	line("published", command.Count(len(r.plan.Messages)), fmt.Sprintf("messages of the plan, %s of them repeats", command.Count(r.plan.Counts.Duplicates)))
	line("stored by the broker", command.Count(len(r.judge.stored)), fmt.Sprintf("%s of them second copies, because an answer was lost", command.Count(len(r.judge.stored)-len(r.plan.Messages))))
	line("rejected", command.Count(r.plan.Counts.Rejected), "messages of the plan that must be rejects")
	line("acks watched", command.Count(r.acks.looked), fmt.Sprintf("acknowledged rejects looked up at once, %d were not there yet", r.acks.early))
	line("operations", command.Count(r.judge.report.Operations), fmt.Sprintf("%s with nothing to send", command.Count(r.judge.report.NothingToSend)))
	line("posted", command.Count(r.judge.report.Posted), command.Count(r.judge.report.LedgerPoints)+" points")
	line("orders that came back", command.Count(len(r.plan.Orders)), fmt.Sprintf("what was taken back: %s before it was sent, %s for a person without a call (%s points), %s behind what is parked",
		command.Count(r.judge.report.Netted), command.Count(r.judge.report.ByHand), command.Count(r.judge.report.ByHandPoints), command.Count(r.judge.report.Waiting)))
	line("worker processes", r.workers.started, fmt.Sprintf("%d ended by themselves and were started again", len(r.workers.byThemselves)))
	line("time", r.worked.Round(time.Second), "until all was quiet, the start included")

	r.printFaults(title)

	title("Vendors")
	for _, vendor := range []sim.Vendor{sim.Zhimai, sim.Kylin} {
		t := r.judge.totals[vendor]
		var faults int64
		for _, n := range t.Faults {
			faults += n
		}
		line(string(vendor), command.Count(t.Received), fmt.Sprintf("calls for %s keys, %s applied, %s repeats recognised, %s faults, %s turned away in outages",
			command.Count(t.Keys), command.Count(t.Applied), command.Count(t.Repeats), command.Count(faults), command.Count(t.InOutage)))
	}
	title("Attempts that did not post")
	for _, c := range attempts {
		line(c.Name, command.Count(c.N), "")
	}
	title("Doubts, and how each ended")
	for _, c := range doubts {
		fmt.Fprintf(r.out, "  %10s  %s\n", command.Count(c.N), c.Name)
	}
	if len(open) > 0 {
		title("Still open")
	}
	for _, c := range open {
		fmt.Fprintf(r.out, "  %10s  %s\n", command.Count(c.N), c.Name)
	}
	title("What sampling has learned")
	for _, c := range known {
		fmt.Fprintf(r.out, "  %s\n", c.Name)
	}
	title("Parked: they wait for a person")
	for _, c := range parked {
		line(c.Name, command.Count(c.N), "")
	}
	line("not refused by rule", command.Count(r.judge.report.ParkedUnexpected), "parked though the vendor knows the member: a wrong key, an unclear end")
	line("parked in doubt", command.Count(r.judge.parkedApplied+r.judge.parkedNot),
		fmt.Sprintf("%d of them were applied, %d were not", r.judge.parkedApplied, r.judge.parkedNot))
	line("applied, taking nothing", command.Count(r.judge.byOrder), "of orders that were recorded again in another order, and are in doubt")

	title("Books, key by key")
	line("ledger", command.Count(r.judge.report.LedgerPoints), "points posted")
	line("vendors", command.Count(r.judge.report.VendorPoints), fmt.Sprintf("points applied, under %s keys", command.Count(r.judge.report.VendorApplied)))
	line("applied twice", command.Count(r.judge.report.VendorDoubleApplied), "keys")
	for _, f := range v.Findings {
		fmt.Fprintf(r.out, "  ✗ %s\n", f)
	}
	fmt.Fprintln(r.out)
	return nil
}

// printFaults shows each kind with the time from its end to the next posting.
func (r *run) printFaults(title func(string)) {
	title("Faults, and the time from the end of each to the next posting (median, longest)")
	sum := 0
	for _, kind := range Kinds() {
		n := r.inject.done[kind]
		if n == 0 {
			continue
		}
		sum += n
		times := r.monitor.recovered[kind]
		slices.Sort(times)
		text := "nothing was left to post"
		if len(times) > 0 {
			text = fmt.Sprintf("%.2f s, %.2f s", times[len(times)/2].Seconds(), times[len(times)-1].Seconds())
		}
		fmt.Fprintf(r.out, "  %-24s %10d  %s\n", kind, n, text)
	}
	fmt.Fprintf(r.out, "  %-24s %10d\n", "all", sum)
	for i, words := range r.workers.byThemselves {
		if i == 5 {
			fmt.Fprintf(r.out, "  … and %d more\n", len(r.workers.byThemselves)-i)
			break
		}
		fmt.Fprintf(r.out, "  ended by itself: %s\n", words)
	}
}
