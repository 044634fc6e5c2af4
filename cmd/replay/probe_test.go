package main

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"pointsledger/desk"
	"pointsledger/desk/records"
	"pointsledger/evidence"
	"pointsledger/internal/config"
	"pointsledger/internal/terminal"
	"pointsledger/ledger"
	"pointsledger/vendorapi/sim"
	"pointsledger/vendorapi/zhimai"
)

// probe makes a plan of all that is parked and probes it.
func (r *reader) probe(most int) (*records.ProbeReport, string) {
	r.t.Helper()
	loaded, err := config.Load(r.env, os.ReadFile)
	if err != nil {
		r.t.Fatal(err)
	}
	s := &session{config: loaded, store: r.store, desk: r.desk}
	plan, err := r.desk.CreatePlan(r.t.Context(), desk.NewPlan{Kind: desk.PlanOfRun, Actor: "lin", FilterText: "all",
		Choose: &desk.OpenFilter{}, Memories: s.keyMemories()})
	if err != nil {
		r.t.Fatal(err)
	}
	report, err := s.records().Probe(r.t.Context(), plan, most, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	var out bytes.Buffer
	printFacts(&out, report.Facts(terminalNames))
	for line := range strings.Lines(out.String()) {
		if w := terminal.Width(strings.TrimSuffix(line, "\n")); w > terminal.PageWidth {
			r.t.Errorf("%d cells: %s", w, line)
		}
	}
	return report, out.String()
}

// doubtful records n orders in doubt, two for each member, and has the vendor
// apply those that it is told to.
func (r *reader) doubtful(n int, applied func(i int) bool) {
	r.t.Helper()
	for i := range n {
		order := fmt.Sprintf("SO-%d", i)
		op := r.record(order, func(o *ledger.Operation) { o.MemberID = fmt.Sprint(1000 + i/2) })
		if applied(i) {
			r.grant(op)
		}
		r.set(order, "parked", "attempts_exhausted", time.Hour, true)
	}
}

// regulars gives the first members a record of long ago: a list that is empty counts
// only the second time.
func (r *reader) regulars() {
	r.t.Helper()
	for _, member := range []string{"1000", "1001"} {
		if err := r.vendor.InsertOldRow(member, 1, false, "期初积分", 90*24*time.Hour); err != nil {
			r.t.Fatal(err)
		}
	}
}

func TestProbeTellsWhatIsApplied(t *testing.T) {
	t.Parallel()
	r := newReader(t, echoing())
	r.shows()
	r.doubtful(12, func(i int) bool { return i%3 == 0 })
	r.grant(r.record("SO-sure", func(o *ledger.Operation) { o.MemberID = "2000" }))
	r.set("SO-sure", "parked", "refused", 0, false)
	r.grant(r.record("SO-other-points", func(o *ledger.Operation) { o.MemberID = "2001" }), func(c *zhimai.PointsAdd) { c.Balance = 7 })
	r.set("SO-other-points", "parked", "verification_points_differ", time.Hour, true)
	r.record("SO-code", func(o *ledger.Operation) { o.MemberID, o.MemberCode = "", "SCAN" })
	r.set("SO-code", "parked", "member_unresolved", 0, false)
	r.record("SO-kylin", func(o *ledger.Operation) {
		o.Account, o.Kind, o.SourceType, o.PointsChannel = "kylin", ledger.FreezePoint, 0, 0
	})
	r.set("SO-kylin", "parked", "attempts_exhausted", time.Hour, true)

	before := r.vendor.Totals(sim.Zhimai).Reads
	got, out := r.probe(records.MaxProbe)
	want := records.ProbeReport{Asked: records.MaxProbe, InDoubt: 13, Others: 1, NotProbed: 2, Members: 8, Applied: records.Tally{Count: 5, Points: 500},
		Absent: records.Tally{Count: 4, Points: 400}, Unclear: records.Tally{Count: 5, Points: 500}, NotDoubted: records.Tally{Count: 1, Points: 100},
		Lacks: map[evidence.Lack]int64{evidence.LackEmptyTwice: 4}} // two members have no record at all, and were not read before
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("got %+v, want %+v", *got, want)
	}
	if reads := r.vendor.Totals(sim.Zhimai).Reads - before; reads != 3*8 { // records twice, and who it is, with the balance
		t.Errorf("%d reads for 8 members", reads)
	}
	contains(t, out, "14 of 14 operations (13 in doubt) looked up in the records of 8 members", "5 (500 points) already applied",
		"NOT in doubt", "4 (400 points) not applied", "4 of these: the member's list is empty", "2 operations of the plan cannot be looked up")

	// A sample is spread over the set, and takes what is in doubt first.
	if got, _ = r.probe(7); got.Looked() != 7 || got.NotDoubted.Count != 0 || got.Members < 6 {
		t.Errorf("a sample of 7: %+v", *got)
	}
	if n := r.count(`SELECT count(*) FROM outbox WHERE state = 'parked'`); n != 16 {
		t.Errorf("%d rows are parked: the probe changed something", n)
	}
}

func TestProbeWhereNothingCanBeTold(t *testing.T) {
	t.Parallel()
	r := newReader(t, sim.Config{})
	r.doubtful(4, func(int) bool { return true })
	got, out := r.probe(3)
	if got.Unclear != (records.Tally{Count: 3, Points: 300}) || got.Applied.Count+got.Absent.Count != 0 {
		t.Errorf("without references: %+v", *got)
	}
	contains(t, out, "3 (300 points) cannot be told from the records")
	if err := r.vendor.SetOpenKey("another"); err != nil {
		t.Fatal(err)
	}
	got, out = r.probe(4)
	if got.Unread != (records.Tally{Count: 4, Points: 400}) || got.Looked() != 0 {
		t.Errorf("refused: %+v", *got)
	}
	contains(t, out, "4 (400 points) could not be read: the vendor said no", "40101")
	r.env = r.env[:1]
	got, out = r.probe(4)
	if got.NotProbed != 4 || got.Members != 0 {
		t.Errorf("without credentials: %+v", *got)
	}
	contains(t, out, "nothing of this can be looked up")
}

// What is lacking is said, and counted.
func TestProbeSaysWhatIsLacking(t *testing.T) {
	t.Parallel()
	r := newReader(t, echoing())
	r.regulars()
	r.doubtful(4, func(int) bool { return false })
	got, out := r.probe(4)
	if got.Unclear != (records.Tally{Count: 4, Points: 400}) || !got.NoEcho || got.Lacks[evidence.LackReferences] != 4 {
		t.Errorf("nothing is known: %+v", *got)
	}
	contains(t, out, "4 of these: the vendor is not known to show our references")
	r.shows()
	if got, _ = r.probe(4); got.Absent != (records.Tally{Count: 4, Points: 400}) || got.Lacks != nil {
		t.Errorf("known: %+v", *got)
	}
	r.exec(`UPDATE outbox SET quiet_since = now() + interval '1 s'`) // called after the newest sample
	if got, _ = r.probe(4); got.Lacks[evidence.LackCurrent] != 4 {
		t.Errorf("nothing later is shown: %+v", *got)
	}
}

// The preview of a replay shows the probe, and changes nothing.
func TestRunPreviewWithProbe(t *testing.T) {
	t.Parallel()
	r := newReader(t, echoing())
	r.shows()
	r.regulars()
	r.doubtful(4, func(i int) bool { return i == 1 })
	out := r.must(0, "run", "--in-doubt", "--probe", "10")
	contains(t, out, "4 parked operations", "probe 4 of 4 operations (4 in doubt) looked up in the records of 2 members:",
		"1 (100 points) already applied", "3 (300 points) not applied", "To put back exactly these: replay run --plan P-")
	name := out[strings.Index(out, "P-"):]
	name, _, _ = strings.Cut(name, ":")
	var preview previewReport
	r.json(&preview, "run", "--plan", name, "--probe", "2")
	if preview.Probe == nil || preview.Probe.Looked() != 2 || preview.Probe.Asked != 2 {
		t.Errorf("probe %+v", preview.Probe)
	}
	preview = previewReport{}
	if r.json(&preview, "run", "--plan", name); preview.Probe != nil {
		t.Errorf("a probe that nobody asked for: %+v", preview.Probe)
	}
	for words, args := range map[string][]string{"--probe: want 1 to 1,000": {"--probe", "0"}, "without --yes": {"--probe", "1", "--yes", "--reason", "x"}} {
		contains(t, r.must(2, append([]string{"run"}, args...)...), words)
	}
	r.must(2, "run", "--probe", "1001")
	contains(t, r.must(0, "run", "--order", "SO-99", "--probe", "5"), "nothing to put back")
	r.stop()
	contains(t, r.must(3, "run", "--plan", name, "--probe", "3"), "3 (300 points) could not be read: the vendor could not be reached",
		"To put back exactly these", "could not be read for 3 operations of the probe")
	if n := r.count(`SELECT count(*) FROM outbox WHERE state = 'parked'`); n != 4 {
		t.Errorf("%d rows are parked: a preview changed something", n)
	}
}

// A vendor that is away is not asked for every member of a large sample.
func TestProbeGivesUp(t *testing.T) {
	t.Parallel()
	r := newReader(t, echoing())
	r.doubtful(80, func(int) bool { return false })
	if err := r.vendor.SetFaults(sim.Zhimai, sim.Faults{Rates: map[sim.FaultKind]float64{sim.Error500Before: 1}, MaxPerKey: -1}); err != nil {
		t.Fatal(err)
	}
	before := r.vendor.Totals(sim.Zhimai).Reads
	got, out := r.probe(80)
	if got.Unread != (records.Tally{Count: 80, Points: 8000}) || got.Members != 40 {
		t.Errorf("away: %+v", *got)
	}
	const most = 4 + 4 // four failures in a row, while four read
	if reads := r.vendor.Totals(sim.Zhimai).Reads - before; reads == 0 || reads > most {
		t.Errorf("%d calls to a vendor that is away", reads)
	}
	contains(t, out, "could not be read: the vendor gave no clear answer (HTTP 500")
}

// A probe says that a member is frozen, before its operations are refused again.
func TestProbeSaysThatAMemberIsFrozen(t *testing.T) {
	t.Parallel()
	r := newReader(t, sim.Config{Members: sim.MembersConfig{Frozen: []string{"1000"}}})
	r.doubtful(4, func(int) bool { return false })
	got, out := r.probe(records.MaxProbe)
	if got.Frozen != (records.Tally{Count: 2, Points: 200}) {
		t.Errorf("frozen %+v", got.Frozen)
	}
	contains(t, out, "2 (200 points) of FROZEN members")
}
