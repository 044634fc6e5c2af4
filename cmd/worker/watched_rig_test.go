package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/consumers"
	"pointsledger/internal/rehearsal"
)

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
	stream, err := w.js.CreateStream(t.Context(), consumers.StreamConfig("POINTS"))
	if err != nil {
		t.Fatal(err)
	}
	// Tests publish before their worker starts for the first time.
	r.env = append(r.env, "WORKER_FIRST_START="+stream.CachedInfo().Created.Format(time.RFC3339))
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

// giveHistory gives the plan's members at Zhimai a record of months ago, as members
// have in life: it shows how far back their records go.
func (w *watchedRig) giveHistory(plan *rehearsal.Plan) {
	w.t.Helper()
	given := map[string]bool{"": true}
	for _, e := range plan.Truth {
		if e.Account == "zhimai" && !given[e.Member] {
			given[e.Member] = true
			w.control(http.MethodPost, "/_sim/rows", http.StatusCreated, fmt.Sprintf(`{"member":%q,"points":1,"text":"期初积分","age_ms":%d}`, e.Member, (90*24*time.Hour).Milliseconds()))
		}
	}
}

// change changes how the simulator behaves.
func (w *watchedRig) change(config string) {
	w.t.Helper()
	w.control(http.MethodPut, "/_sim/config", http.StatusOK, config)
}

// control asks the simulator for something, which it must answer with a status.
func (w *watchedRig) control(method, path string, status int, body string) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.simURL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != status {
		w.t.Fatalf("%s %s of the simulator: %s", method, path, response.Status)
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
	sqlSessions = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'points-ledger worker'`
)

// scene looks at what a crash left.
func (w *watchedRig) scene() scene {
	w.t.Helper()
	s := scene{recorded: w.number(sqlRecorded), posted: w.number(sqlPosted),
		sending:  w.number(`SELECT count(*) FROM outbox WHERE state = 'sending'`),
		doubtful: w.number(`SELECT count(*) FROM outbox WHERE in_doubt`),
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
	if info == nil || info.NumPending > 0 || info.NumAckPending > 0 || w.number(sqlOpen) > 0 {
		return false
	}
	// A consumer that was just made has not counted yet.
	stream, err := w.js.Stream(w.t.Context(), info.Stream)
	return err == nil && info.AckFloor.Stream >= stream.CachedInfo().State.LastSeq
}

// agrees compares what was published, the ledger and the vendors' book.
func (w *watchedRig) agrees(plan *rehearsal.Plan) {
	w.t.Helper()
	rows, err := readBooks(context.WithoutCancel(w.t.Context()), w.pool)
	if err != nil {
		w.t.Fatal(err)
	}
	report := rehearsal.Compare(plan.Truth, rows, bookRows(w.book()))
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
