package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/consumers"
	"pointsledger/internal/rehearsal"
	"pointsledger/internal/sabotage"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
)

// sabotageBinary builds the worker that crashes where it is told to, once.
var sabotageBinary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(workerBinary), "worker-sabotage")
	out, err := exec.Command("go", "build", "-tags", "sabotage", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build worker with tag sabotage: %w\n%s", err, out)
	}
	return path, nil
})

// crashCase is one visit to a crash point.
type crashCase struct {
	point string
	// at: the worker dies when it reaches the point for the at-th time.
	at int
	// scene must hold in ledger and book after the death, so that a point that
	// was moved to another step is noticed.
	scene func(s scene) bool
}

// scene is what a crash left behind.
type scene struct {
	// recorded messages: accepted or rejected. acked: what the broker knows of.
	recorded, acked int
	// Rows of the outbox and postings.
	sending, resolved, posted int
	// received and applied are keys in the vendors' book.
	received, applied int
}

// crashCases visits every point that a worker reaches which sends again when
// it is in doubt: the first time, when everything is new, and a later time.
func crashCases() []crashCase {
	nothing := func(s scene) bool { return s.recorded == 0 && s.acked == 0 }
	some := func(s scene) bool { return s.recorded > 0 }
	unacked := func(s scene) bool { return s.recorded > 0 && s.acked == 0 }
	acked := func(s scene) bool { return s.recorded > 0 && s.acked > 0 }
	posted := func(s scene) bool { return s.posted > 0 }
	return []crashCase{
		{sabotage.AfterFetch, 1, nothing}, {sabotage.AfterFetch, 3, some},
		{sabotage.BeforeCommit, 1, nothing}, {sabotage.BeforeCommit, 3, some},
		{sabotage.AfterCommit, 1, unacked}, {sabotage.AfterCommit, 3, some},
		{sabotage.AmidAcks, 1, some}, {sabotage.AmidAcks, 25, acked},
		{sabotage.AfterAck, 1, some}, {sabotage.AfterAck, 3, acked},
		{sabotage.AfterClaim, 1, func(s scene) bool { return s.sending > 0 && s.received == 0 }},
		{sabotage.AfterClaim, 3, func(s scene) bool { return s.sending > 0 && s.received > 0 }},
		{sabotage.AfterResolve, 1, func(s scene) bool { return s.resolved > 0 }},
		{sabotage.AfterResolve, 3, func(s scene) bool { return s.resolved > 2 }},
		{sabotage.BeforeSend, 1, func(s scene) bool { return s.sending > 0 && s.received == 0 }},
		{sabotage.BeforeSend, 20, func(s scene) bool { return s.sending > 0 && s.received > 0 }},
		{sabotage.AfterSend, 1, func(s scene) bool { return s.applied > 0 && s.posted == 0 }},
		{sabotage.AfterSend, 20, func(s scene) bool { return s.applied > s.posted }},
		{sabotage.BeforeConfirm, 1, func(s scene) bool { return s.applied > 0 && s.posted == 0 }},
		{sabotage.BeforeConfirm, 3, func(s scene) bool { return s.applied > s.posted }},
		{sabotage.AmidSettle, 1, posted}, {sabotage.AmidSettle, 3, posted},
		{sabotage.AfterSettle, 1, posted}, {sabotage.AfterSettle, 3, posted},
	}
}

// verifyCases visits the points of a verification, with an account that
// verifies and a vendor that applies and drops its answers.
func verifyCases() []crashCase {
	doubt := func(s scene) bool { return s.applied > s.posted }
	return []crashCase{
		{sabotage.AfterScan, 1, doubt}, {sabotage.AfterScan, 2, doubt},
		{sabotage.AfterVerify, 1, func(s scene) bool { return s.applied > 0 }},
	}
}

// pointsNotReachableYet lists the points of a step that the program does not
// have yet. It is empty as soon as the configuration takes in_doubt: verify;
// verifyCases visits them then.
func pointsNotReachableYet(t *testing.T) []string {
	if _, _, code := runWorker(t, []string{"WORKER_CONFIG=" + verifyConfig(t)}, "", "config"); code == 0 {
		return nil
	}
	return []string{sabotage.AfterScan, sabotage.AfterVerify}
}

// The worker is killed between every two steps of an event's way. After a
// restart each operation is applied exactly once, and posted.
func TestCrashPoints(t *testing.T) {
	t.Parallel()
	notYet := pointsNotReachableYet(t)
	visited := map[string]bool{}
	visit := func(c crashCase, config func(*testing.T) string, faults string) {
		visited[c.point] = true
		t.Run(fmt.Sprintf("%s:%d", c.point, c.at), func(t *testing.T) {
			t.Parallel()
			crash(t, c, config(t), faults)
		})
	}
	for _, c := range crashCases() {
		visit(c, impatientConfig, "")
	}
	if len(notYet) == 0 {
		for _, c := range verifyCases() {
			visit(c, verifyConfig, `{"zhimai":{"faults":{"rates":{"apply_then_drop":0.3}}}}`)
		}
	}
	for _, point := range sabotage.Points() {
		if !visited[point] && !slices.Contains(notYet, point) {
			t.Errorf("no case crashes at %s", point)
		}
	}
}

// verifyConfig is impatientConfig with in_doubt: verify for Zhimai.
func verifyConfig(t *testing.T) string {
	t.Helper()
	path := impatientConfig(t)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), "in_doubt: resend", "in_doubt: verify", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// crash runs one case: publish, crash, restart, compare.
func crash(t *testing.T, c crashCase, config, faults string) {
	binary, err := sabotageBinary()
	if err != nil {
		t.Fatal(err)
	}
	r := newWatchedRig(t, "--frozen-suffix", "000")
	r.env = append(r.env, "WORKER_CONFIG="+config, "WORKER_BATCH=10", "WORKER_BATCH_TIME=1s", "WORKER_ACK_WAIT=2s")
	if faults != "" {
		r.change(faults)
	}
	plan := trafficWithEverything(t)
	r.publishPlan(plan)

	r.binary = binary
	r.env = append(r.env, fmt.Sprintf("SABOTAGE_CRASH=%s:%d", c.point, c.at))
	worker := r.start("run")
	select {
	case <-worker.ended:
	case <-time.After(30 * time.Second):
		t.Fatalf("the worker has not come to %s %d times:\n%s", c.point, c.at, worker.tail())
	}
	status, ok := worker.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the worker ended with %v, want SIGKILL:\n%s", worker.cmd.ProcessState, worker.tail())
	}
	var left scene
	testkit.Eventually(t, 5*time.Second, "the scene of a crash at "+c.point, func() bool {
		left = r.scene()
		return c.scene(left)
	})
	r.leasesEnd()

	r.binary = ""
	r.env = r.env[:len(r.env)-1]
	worker = r.start("run")
	testkit.Eventually(t, time.Minute, "quiet after the restart", r.quiet)
	if code := worker.stop(); code != 0 {
		t.Errorf("a stopped worker ended with exit code %d:\n%s", code, worker.tail())
	}
	r.agrees(plan)
	if n := r.number(`SELECT count(*) FROM attempts WHERE outcome = 'lease_expired'`); n != left.sending {
		t.Errorf("%d leases expired, the crash left %d rows that were being sent", n, left.sending)
	}
	if t.Failed() {
		t.Logf("left by the crash: %+v", left)
	}
}

// trafficWithEverything is a few dozen messages in which everything is that a
// worker can meet: scanned codes, freezes, duplicates, rejects, frozen members.
func trafficWithEverything(t *testing.T) *rehearsal.Plan {
	t.Helper()
	for seed := uint64(1); seed < 100; seed++ {
		plan := rehearsal.Generate(rehearsal.Options{Events: 60, Seed: seed, Kylin: true})
		codes, freezes := 0, 0
		for _, e := range plan.Truth {
			if e.Code != "" && e.Points > 0 {
				codes++
			}
			if e.Target == "kylin" {
				freezes++
			}
		}
		if codes > 3 && freezes > 3 && plan.Counts.Duplicates > 3 && plan.Counts.Rejected > 3 {
			addFrozen(plan)
			return plan
		}
	}
	t.Fatal("no plan has everything")
	return nil
}

// addFrozen adds orders that the vendor refuses; last, so that the account has
// confirmed a call before.
func addFrozen(plan *rehearsal.Plan) {
	for i := range 3 {
		e := rehearsal.Expected{Target: "zhimai", Type: "order.paid", Source: "shop-sh", BusinessKey: fmt.Sprintf("FROZEN-%d", i),
			Points: 129, Member: fmt.Sprintf("38393309145595%d000", i), Frozen: true, Message: len(plan.Messages)}
		plan.Messages = append(plan.Messages, rehearsal.Message{Subject: "points.events.order.paid", Payload: fmt.Appendf(nil,
			`{"specversion":"1.0","id":"f%d","source":"shop-sh","type":"order.paid","data":{"orderId":%q,"member":{"customerId":%q},"channel":"pos","amountFen":12999}}`,
			i, e.BusinessKey, e.Member)})
		plan.Truth = append(plan.Truth, e)
		plan.Counts.Accepted++
	}
}

// watchedRig is a rig with open connections to look at broker and ledger.
type watchedRig struct {
	*rig
	js   jetstream.JetStream
	pool *pgxpool.Pool
}

func newWatchedRig(t *testing.T, simFlags ...string) *watchedRig {
	t.Helper()
	return watch(t, newRig(t, simFlags...))
}

// watch connects to a rig's servers and creates the stream.
func watch(t *testing.T, r *rig) *watchedRig {
	t.Helper()
	w := &watchedRig{rig: r}
	url := ""
	for _, entry := range r.env {
		if value, found := strings.CutPrefix(entry, "NATS_URL="); found {
			url = value
		}
	}
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	if w.js, err = jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(publishWindow)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.js.CreateStream(t.Context(), consumers.StreamConfig("POINTS")); err != nil {
		t.Fatal(err)
	}
	if w.pool, err = pgxpool.New(t.Context(), r.database); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.pool.Close)
	return w
}

// publish sends messages and waits until the broker has stored all.
func (w *watchedRig) publish(messages ...*nats.Msg) {
	w.t.Helper()
	futures := make([]jetstream.PubAckFuture, len(messages))
	for i, m := range messages {
		var err error
		if futures[i], err = w.js.PublishMsgAsync(m, jetstream.WithStallWait(publishStall)); err != nil {
			w.t.Fatal(err)
		}
	}
	for i, future := range futures {
		select {
		case <-future.Ok():
		case err := <-future.Err():
			w.t.Fatalf("publish message %d: %v", i, err)
		case <-time.After(publishStall):
			w.t.Fatalf("publish message %d: no answer", i)
		}
	}
}

func (w *watchedRig) publishPlan(plan *rehearsal.Plan) {
	w.t.Helper()
	var messages []*nats.Msg
	for _, m := range plan.Messages {
		messages = append(messages, &nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Payload})
	}
	w.publish(messages...)
}

// change changes how the simulator behaves.
func (w *watchedRig) change(config string) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodPut, w.simURL+"/_sim/config", strings.NewReader(config))
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		w.t.Fatalf("change the simulator: %s", response.Status)
	}
}

// number reads one number from the ledger.
func (w *watchedRig) number(sql string) int {
	w.t.Helper()
	var n int
	if err := w.pool.QueryRow(w.t.Context(), sql).Scan(&n); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// intake is what the broker knows of the consumer; nil before there is one.
func (w *watchedRig) intake() *jetstream.ConsumerInfo {
	w.t.Helper()
	consumer, err := w.js.Consumer(w.t.Context(), "POINTS", "points-worker")
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return consumer.CachedInfo()
}

const (
	sqlRecorded = `SELECT (SELECT count(DISTINCT stream_seq) FROM operations) + (SELECT count(*) FROM rejects)`
	sqlPosted   = `SELECT count(*) FROM postings WHERE kind = 'posted'`
	sqlOpen     = `SELECT count(*) FROM outbox WHERE state <> 'parked'`
)

// scene looks at what a crash left.
func (w *watchedRig) scene() scene {
	w.t.Helper()
	s := scene{recorded: w.number(sqlRecorded), posted: w.number(sqlPosted),
		sending:  w.number(`SELECT count(*) FROM outbox WHERE state = 'sending'`),
		resolved: w.number(`SELECT count(*) FROM outbox WHERE resolved_member_id IS NOT NULL`)}
	// Postings of resolved codes have left the outbox.
	s.resolved += w.number(`SELECT count(*) FROM postings p JOIN operations o ON o.id = p.operation_id WHERE o.member_code IS NOT NULL`)
	if info := w.intake(); info != nil {
		s.acked = int(info.AckFloor.Stream)
	}
	for _, e := range w.book() {
		s.received += min(e.Received, 1)
		s.applied += min(e.Applied, 1)
	}
	return s
}

// leasesEnd lets the time pass that a dead worker's rows rest; nothing else in
// the ledger waits for it.
func (w *watchedRig) leasesEnd() {
	w.t.Helper()
	if _, err := w.pool.Exec(w.t.Context(), `UPDATE outbox SET lease_until = now() WHERE state = 'sending'`); err != nil {
		w.t.Fatal(err)
	}
}

// quiet tells that the broker has nothing left for the worker and the worker
// nothing for the vendors.
func (w *watchedRig) quiet() bool {
	w.t.Helper()
	info := w.intake()
	return info != nil && info.NumPending == 0 && info.NumAckPending == 0 && w.number(sqlOpen) == 0
}

// agrees compares what was published, the ledger and the vendors' book.
func (w *watchedRig) agrees(plan *rehearsal.Plan) {
	w.t.Helper()
	var rows []rehearsal.LedgerRow
	err := ledger.New(w.pool).EachOperation(context.WithoutCancel(w.t.Context()), func(st ledger.Status) error {
		rows = append(rows, ledgerRow(st))
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	var book []rehearsal.BookRow
	for _, e := range w.book() {
		book = append(book, rehearsal.BookRow{Vendor: string(e.Vendor), Key: e.Key, Points: e.Points, Received: e.Received,
			Applied: e.Applied, AppliedPoints: e.AppliedPoints, Mismatched: e.Mismatched})
	}
	report := rehearsal.Compare(plan.Truth, rows, book)
	for _, d := range report.Shown {
		w.t.Error(d)
	}
	if !report.Agrees() || report.ParkedUnexpected > 0 || report.VendorApplied == 0 {
		w.t.Errorf("the books do not agree: %+v", report)
	}
	if got := w.number(`SELECT count(DISTINCT stream_seq) FROM operations`); got != plan.Counts.Accepted {
		w.t.Errorf("%d messages were accepted, want %d", got, plan.Counts.Accepted)
	}
	for code, want := range plan.Counts.RejectedByCode {
		if got := w.rejects(code); got != want {
			w.t.Errorf("%d rejects of code %s, want %d", got, code, want)
		}
	}
	if got := w.number(`SELECT count(*) FROM rejects`); got != plan.Counts.Rejected {
		w.t.Errorf("%d rejects, want %d", got, plan.Counts.Rejected)
	}
	if got := w.number(`SELECT count(*) FROM outbox WHERE state = 'sending'`); got != 0 {
		w.t.Errorf("%d rows are still being sent", got)
	}
}

// rejects counts the rejects of one code.
func (w *watchedRig) rejects(code string) int {
	w.t.Helper()
	var n int
	if err := w.pool.QueryRow(w.t.Context(), `SELECT count(*) FROM rejects WHERE reason_code = $1`, code).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// tail is the end of what the process has said and nobody has read.
func (p *process) tail() string {
	var lines []string
	for len(p.lines) > 0 {
		lines = append(lines, <-p.lines)
	}
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}
