package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/consumers"
	"pointsledger/continuity"
	"pointsledger/desk"
	"pointsledger/desk/rebuild"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
	"pointsledger/ledger/rulefiles"
	"pointsledger/vendorapi/sim"
)

// delivered makes the durable consumer and hands it events, which it
// acknowledges when ack says so: what a worker does that records elsewhere.
func (r *rebuildRig) delivered(n int, ack bool) {
	r.t.Helper()
	consumer, err := r.js.CreateConsumer(r.t.Context(), "POINTS", jetstream.ConsumerConfig{Durable: "points-worker", AckPolicy: jetstream.AckExplicitPolicy})
	if err != nil {
		r.t.Fatal(err)
	}
	batch, err := consumer.Fetch(n, jetstream.FetchMaxWait(patience))
	if err != nil {
		r.t.Fatal(err)
	}
	for m := range batch.Messages() {
		n--
		if ack {
			if err := m.DoubleAck(r.t.Context()); err != nil {
				r.t.Fatal(err)
			}
		}
	}
	if n != 0 {
		r.t.Fatalf("%d events are missing", n)
	}
}

func TestStreamRefusesWrongUse(t *testing.T) {
	t.Parallel()
	r := newRebuildRig(t, sim.Config{})
	r.publish(orders(0, 8)...)
	plan, err := r.desk.CreatePlan(t.Context(), desk.NewPlan{Kind: desk.PlanOfRejects, Actor: "lin"})
	if err != nil {
		t.Fatal(err)
	}
	contains(t, r.must(1, "stream", "--from-seq", "1"), "no consumer points-worker on stream POINTS", "--to-seq (the stream's last one is 8)")
	r.delivered(5, true)
	for words, args := range map[string][]string{
		"want --since or --from-seq: where": {},
		"want --since or --from-seq":        {"--since", "1h", "--from-seq", "1"},
		"1 or more":                         {"--from-seq", "0"},
		"want sequences of the stream":      {"--from-seq", "1", "--to-seq", "0"},
		"--to-seq 2 is before --from-seq 3": {"--from-seq", "3", "--to-seq", "2"},
		"workers have read up to 5":         {"--from-seq", "1", "--to-seq", "6"},
		"--since: want a time such":         {"--since", "yesterday"},
		"--since is empty":                  {"--since", ""},
		"--yes needs --reason":              {"--from-seq", "1", "--yes"},
		"needs --reason":                    {"--from-seq", "1", "--yes", "--reason", "…"},
		"--operator is empty":               {"--from-seq", "1", "--operator", " "},
		"at most 1000 characters":           {"--from-seq", "1", "--reason", strings.Repeat("长", 1001)},
		"leave out --since":                 {"--plan", "P-AAAA", "--from-seq", "1"},
		"there is no plan P-AAAA":           {"--plan", "P-AAAA", "--yes", "--reason", "x"},
		"is of kind rejects":                {"--plan", plan.Name, "--yes", "--reason", "x"},
		"--config: open":                    {"--from-seq", "1", "--config", "/nowhere/points.yaml"},
		`--from-seq: want a whole number`:   {"--from-seq", "first"},
	} {
		contains(t, r.must(2, append([]string{"stream"}, args...)...), words)
	}
	contains(t, r.must(1, "stream", "--from-seq", "1", "--expect", "9", "--yes", "--reason", "x"), "7 operations would be added, not the 9 expected")
	if n := r.count(`SELECT (SELECT count(*) FROM operations) + (SELECT count(*) FROM ops_actions) + (SELECT count(*) FROM ledger_identity)`); n != 0 {
		t.Error("something was changed")
	}
	env := r.env
	r.env = append(append([]string{}, env...), "NATS_STREAM=OTHERS")
	contains(t, r.must(1, "stream", "--from-seq", "1"), "there is no stream OTHERS at nats://", "NATS_STREAM")
	r.env = append(append([]string{}, env...), "NATS_URL=nats://127.0.0.1:1")
	contains(t, r.must(1, "stream", "--from-seq", "1"), "cannot reach NATS at nats://127.0.0.1:1")
	for line := range strings.Lines(r.must(0, "stream", "--help")) {
		if w := terminal.Width(strings.TrimRight(line, "\n")); w > terminal.PageWidth {
			t.Errorf("help: a line has %d cells: %s", w, line)
		}
	}
}

// A small part needs no plan of its own; a part that workers have not
// acknowledged is said; --since means the broker's time.
func TestStreamWithoutAPlan(t *testing.T) {
	t.Parallel()
	r := newRebuildRig(t, sim.Config{})
	r.publish(orders(0, 3)...)
	since := time.Now()
	r.publish(orders(3, 6)...)
	r.delivered(5, false)
	report := r.plan("--since", since.Format(time.RFC3339Nano))
	if report.From != 4 || report.To != 5 || report.Counts.Added != 2 || report.Counts.Operations() != 3 || !report.Unknown {
		t.Errorf("report %+v", report)
	}
	contains(t, r.must(0, "stream", "--since", time.Now().Add(time.Hour).Format(time.RFC3339)), "nothing: it would begin with 7")
	contains(t, r.must(0, "stream", "--from-seq", "1", "--yes", "--reason", "x"), "Added 5 events: 7 operations", "those that wait for this ledger go on")
	contains(t, r.must(0, "stream", "--from-seq", "1"), "are being recorded by workers this moment", "there already 5")
	contains(t, r.must(0, "stream", "--plan", report.Plan, "--yes", "--reason", "again"), "Added 0 events", "there already 2")
	if n := r.count(`SELECT count(*) FROM outbox WHERE state = 'parked' AND in_doubt AND cause = 'rebuilt'`); n != 7 {
		t.Errorf("%d operations are parked, want 7", n)
	}
	if n := r.count(`SELECT count(*) FROM ledger_identity WHERE stream = 'POINTS' AND stream_created IS NOT NULL`); n != 1 {
		t.Error("the ledger does not remember the stream")
	}
}

func TestStreamAboveHundredNeedsAPlan(t *testing.T) {
	t.Parallel()
	r := newRebuildRig(t, sim.Config{})
	for i := range desk.MaxUnexpected + 1 {
		r.publish(orderOf(i, `"amountFen":10000`))
	}
	r.delivered(desk.MaxUnexpected+1, true)
	contains(t, r.must(2, "stream", "--from-seq", "1", "--yes", "--reason", "x"), "101 operations would be added, more than 100")
	if n := r.count(`SELECT count(*) FROM operations`); n != 0 {
		t.Errorf("%d operations were added", n)
	}
	contains(t, r.must(3, "stream", "--from-seq", "2", "--yes", "--reason", "x"), "Added 100 events") // the border
	var done rebuild.Result
	r.json(&done, "stream", "--from-seq", "1", "--yes", "--reason", "x")
	if done.Events != 1 || done.Operations != 1 || done.There != 100 || done.Points != 100 || !done.Rebuilt || done.Unfinished || done.Plan == "" || done.Act == 0 {
		t.Errorf("done %+v", done)
	}
}

// A plan means what it meant: another stream, other rules, other accounts or a
// cancellation end it.
func TestStreamPlanMeansTheSame(t *testing.T) {
	t.Parallel()
	r := newRebuildRig(t, sim.Config{})
	r.publish(orders(0, 3)...)
	r.delivered(3, true)
	report := r.plan("--from-seq", "1")
	carryOut := []string{"stream", "--plan", strings.ToLower(report.Plan), "--yes", "--reason", "x"}

	r.rules("points: 1, per: 100", "points: 2, per: 100")
	contains(t, r.must(1, carryOut...), "was made with the rules "+report.Rules, "make a new plan")
	r.rules()
	env := r.env
	r.env = append(append([]string{}, env...), "KYLIN_URL=")
	contains(t, r.must(2, carryOut...), "kylin: off here", "add --off kylin")
	contains(t, r.must(1, append(carryOut, "--off", "kylin")...), "was made with the accounts kylin, zhimai on, and here zhimai are")
	contains(t, r.must(2, "stream", "--from-seq", "1"), "kylin: off here, and the ledger cannot tell")
	contains(t, r.must(0, "stream", "--from-seq", "1", "--off", "kylin"), "WARNING: Taken for off: kylin", "rejects 1: vendor_not_configured", "--off kylin")
	contains(t, r.must(2, "stream", "--from-seq", "1", "--off", "kylin,nobody"), "--off nobody: the rules know no such account")
	contains(t, r.must(2, "stream", "--from-seq", "1", "--off", "zhimai"), "--off zhimai: the account is on here")
	r.env = append(append([]string{}, env...), "KYLIN_URL=", "ZHIMAI_OPEN_KEY=")
	contains(t, r.must(0, "stream", "--from-seq", "1"), "all of them count as on (kylin, zhimai)", "3 events: 4 operations")
	r.env = env

	plan, err := r.desk.ReadPlan(t.Context(), report.Plan)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.desk.CancelPlan(t.Context(), plan, "lin", "a mistake"); err != nil {
		t.Fatal(err)
	}
	contains(t, r.must(1, carryOut...), "was cancelled by lin")

	again := r.plan("--from-seq", "1")
	if err := r.js.DeleteStream(t.Context(), "POINTS"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.js.CreateStream(t.Context(), consumers.StreamConfig("POINTS")); err != nil {
		t.Fatal(err)
	}
	r.publish(orders(10, 13)...)
	contains(t, r.must(1, "stream", "--plan", again.Plan, "--yes", "--reason", "x"), "the stream was made anew")
	if n := r.count(`SELECT count(*) FROM operations`); n != 0 {
		t.Errorf("%d operations were added", n)
	}
}

// The rules are those that workers registered last, or a file that leaves them
// as they are and goes on from there.
func TestStreamPicksTheRules(t *testing.T) {
	t.Parallel()
	r := newRebuildRig(t, sim.Config{})
	r.publish(orders(1, 3)...)
	r.delivered(2, true)
	registered, err := os.ReadFile(r.file)
	if err != nil {
		t.Fatal(err)
	}
	if err := rulefiles.New(r.pool).RegisterMapping(t.Context(), "registered01", string(registered)); err != nil {
		t.Fatal(err)
	}
	r.rules("points: 1, per: 100", "points: 2, per: 100")
	contains(t, r.must(0, "stream", "--from-seq", "1"), "registered01, registered last by the workers", "zhimai points_add 2 2 203 0", "WORKER_CONFIG has the rules")
	contains(t, r.must(2, "stream", "--from-seq", "1", "--config", r.file), "is not what the workers registered last", "has been edited")
	further := filepath.Join(t.TempDir(), "further.yaml")
	_, sets, _ := strings.Cut(string(registered), "rules:\n")
	sets, _, _ = strings.Cut(sets, "\n# The vendor accounts.")
	sets = strings.ReplaceAll(sets, "2020-01-01T00:00:00+08:00", time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	text := strings.Replace(string(registered), "\n# The vendor accounts.", "\n"+sets+"\n# The vendor accounts.", 1)
	if err := os.WriteFile(further, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	report := r.plan("--from-seq", "1", "--config", further)
	if report.Rules == "registered01" || !strings.Contains(report.Command, "--config "+further) {
		t.Errorf("report %+v", report)
	}
	contains(t, r.must(1, "stream", "--plan", report.Plan, "--yes", "--reason", "x"), "or give it the same --config")
	contains(t, r.must(0, "stream", "--plan", report.Plan, "--config", further, "--yes", "--reason", "x"), "Added 2 events")
	if n := r.count(`SELECT count(*) FROM operations JOIN mappings ON version = mapping_version WHERE version = $1`, report.Rules); n != 2 {
		t.Errorf("%d operations name rules that the ledger has, want 2", n)
	}
}

// A ledger that belongs to another stream gets nothing of this one.
func TestStreamOfAnotherLedger(t *testing.T) {
	t.Parallel()
	r := newRebuildRig(t, sim.Config{})
	r.publish(orders(0, 3)...)
	r.delivered(3, true)
	r.record("SO-1000")
	r.exec(`INSERT INTO ledger_identity (stream, stream_created, acked_seq) VALUES ('OTHERS', now(), 10)`)
	report := r.plan("--from-seq", "1")
	contains(t, r.must(1, "stream", "--plan", report.Plan, "--yes", "--reason", "x"), "the ledger is of stream OTHERS created", "nothing was added", "NATS_URL")
	if n := r.count(`SELECT count(*) FROM operations`); n != 1 {
		t.Errorf("%d operations", n)
	}
	if n := r.count(`SELECT count(*) FROM ops_actions WHERE action = 'stream_end' AND result LIKE '%stopped: the ledger is of stream OTHERS%'`); n != 1 {
		t.Error("the end is not recorded")
	}
}

// While a worker compares the ledger with the stream, an addition waits, and
// says so.
func TestStreamWaitsForTheLock(t *testing.T) {
	t.Parallel()
	r := newRebuildRig(t, sim.Config{})
	r.publish(orders(0, 3)...)
	r.delivered(3, true)
	report := r.plan("--from-seq", "1")
	// The lock is given back when the command has said that it waits.
	told := r.holdLock()
	root := newRoot(r.env)
	root.SetErr(heard(func(text string) {
		if strings.Contains(text, "waiting: a worker is comparing this ledger with the stream") {
			told()
		}
	}))
	var out bytes.Buffer
	root.SetOut(&out)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if code := command.Execute(ctx, root, []string{"stream", "--plan", report.Plan, "--yes", "--reason", "x"}); code != 0 {
		t.Errorf("exit code %d", code)
	}
	contains(t, out.String(), "Added 3 events")
}

// holdLock holds the lock under which workers compare the ledger with the
// stream, until release is called or the test ends.
func (r *rebuildRig) holdLock() (release func()) {
	r.t.Helper()
	session, err := continuity.OpenSession(r.t.Context(), r.pool)
	if err != nil {
		r.t.Fatal(err)
	}
	held, released := make(chan struct{}), make(chan struct{})
	release = sync.OnceFunc(func() { close(released) })
	var holder sync.WaitGroup
	holder.Go(func() {
		defer session.Close()
		err := session.Locked(context.WithoutCancel(r.t.Context()), func() error { close(held); <-released; return nil })
		if err != nil {
			r.t.Error(err)
		}
	})
	r.t.Cleanup(func() { release(); holder.Wait() })
	<-held
	return release
}

// heard is a writer that hands on what is written.
type heard func(text string)

func (h heard) Write(p []byte) (int, error) {
	h(string(p))
	return len(p), nil
}

// Acknowledged events may lie anywhere up to the last delivered one: one that a
// dead worker holds keeps the floor down. Workers wait until all of them are there.
func TestStreamUpToTheFloorIsNotWhole(t *testing.T) {
	t.Parallel()
	r := newRebuildRig(t, sim.Config{})
	r.publish(orders(0, 6)...)
	consumer, err := r.js.CreateConsumer(t.Context(), "POINTS", jetstream.ConsumerConfig{Durable: "points-worker", AckPolicy: jetstream.AckExplicitPolicy})
	if err != nil {
		t.Fatal(err)
	}
	batch, err := consumer.Fetch(6, jetstream.FetchMaxWait(patience))
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for m := range batch.Messages() {
		if at++; at == 4 {
			continue // in the hand of a worker that is gone
		}
		if err := m.DoubleAck(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	contains(t, r.must(0, "stream", "--from-seq", "1", "--to-seq", "3"), "WARNING", "This part ends at 3, what they have read at 6")
	part := r.plan("--from-seq", "1", "--to-seq", "3")
	contains(t, r.must(3, "stream", "--plan", part.Plan, "--yes", "--reason", "a part"), "still missing")
	whole := r.plan("--from-seq", "1")
	r.must(0, "stream", "--plan", whole.Plan, "--yes", "--reason", "the rest")
	if n := r.count(`SELECT count(*) FROM operations WHERE kind = 'points_add'`); n != 6 {
		t.Errorf("%d grants", n)
	}
}
