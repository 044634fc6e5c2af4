package seal_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pointsledger/consumers"
	"pointsledger/continuity"
	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/intakes"
	"pointsledger/reconcile/seal"
)

// newStreamedWorld is a ledger of ten orders that came by a stream.
func newStreamedWorld(t *testing.T) (*world, *intakes.Intake) {
	w := newWorld(t)
	in := intakes.New(t)
	w.pool, w.store = in.Pool, in.Store
	w.exec(`INSERT INTO ledger_identity (stream) VALUES ('POINTS')`)
	w.exec(`INSERT INTO mappings (version, text) VALUES ($1, $2)`, w.config.RulesVersion, string(w.config.RulesText))
	in.MakeStream()
	stop := in.Start(in.Store, consumers.Config{AckWait: 3 * time.Second, BatchTime: time.Second})
	for n := range 10 {
		in.Publish(intakes.Order(n))
	}
	in.Publish(`{"no":"event"}`)
	yesterday := time.Now().AddDate(0, 0, -1).Format(time.DateOnly)
	if _, err := in.JS.Publish(t.Context(), consumers.SubjectPrefix+"day.declared", []byte(
		`{"specversion":"1.0","id":"d1","source":"shop","type":"day.declared","data":{"day":"`+yesterday+`","orders":10,"amountFen":129990}}`)); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 30*time.Second, "all events to be settled", func() bool { return in.Quiet() && in.Settled() == 12 })
	stop()
	return w, in
}

func (w *world) withStream(in *intakes.Intake) seal.Result {
	w.t.Helper()
	v := w.verifier()
	v.Stream = continuity.NewStreamReader(in.JS, w.store, in.Rules, "POINTS", "points-worker")
	r, err := v.Verify(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// An order whose rows are all gone, with the seal's list of them or before it is sealed,
// and an order that was put in by hand as the rules would make it, are told by the stream.
func TestStreamTellsWhatIsMissing(t *testing.T) {
	w, in := newStreamedWorld(t)
	if r := w.withStream(in); !r.OK || !r.Complete || r.Checks[len(r.Checks)-1].Checked != 12 || one[int](w, `SELECT count(*) FROM declarations`) != 1 {
		t.Fatalf("before: %+v", r)
	}
	key := one[string](w, `SELECT business_key FROM operations ORDER BY stream_seq LIMIT 1`)
	id := w.operation(key)
	w.exec(`CREATE TABLE kept AS SELECT * FROM operations WHERE id = ` + fmt.Sprint(id))
	w.tamper(fmt.Sprintf(`DELETE FROM outbox WHERE operation_id = %d`, id), fmt.Sprintf(`DELETE FROM operations WHERE id = %d`, id))
	r := w.withStream(in)
	if r.OK || !slices.ContainsFunc(r.Findings, func(f seal.Finding) bool { return f.Kind == seal.MissingInLedger && f.BusinessKey == key }) {
		t.Fatalf("deleted: %+v", r.Findings)
	}
	if len(r.Findings) != 1 {
		t.Errorf("more is found than was done: %+v", r.Findings)
	}
	w.tamper(`INSERT INTO operations OVERRIDING SYSTEM VALUE TABLE kept`, `INSERT INTO outbox (operation_id, target) SELECT id, target FROM kept`)
	if r := w.withStream(in); !r.OK {
		t.Fatalf("put back: %+v", r.Findings)
	}
	// One that is edited with its event, before it is sealed, so that the rules agree with it.
	w.tamper(fmt.Sprintf(`UPDATE operations SET points = 12999, amount_fen = 1299900, data = replace(data, '12999', '1299900') WHERE id = %d`, id))
	r = w.withStream(in)
	if r.OK || len(r.Findings) != 1 || r.Findings[0].Kind != seal.OtherContent || r.Findings[0].BusinessKey != key {
		t.Fatalf("edited with its event: %+v", r.Findings)
	}
	w.tamper(fmt.Sprintf(`UPDATE operations SET points = 129, amount_fen = 12999, data = replace(data, '1299900', '12999') WHERE id = %d`, id))
	// One made by the rules themselves, of an event that never was.
	w.seq = 4
	w.paid("SO-forged", 900000)
	w.tamper(`UPDATE operations SET broker_time = now(), event_time = now() WHERE business_key = 'SO-forged'`)
	r = w.withStream(in)
	if r.OK || !slices.ContainsFunc(r.Findings, func(f seal.Finding) bool { return f.Kind == seal.NotInStream && f.BusinessKey == "SO-forged" }) {
		t.Fatalf("forged: %+v", r.Findings)
	}
}

// Without a durable, or a stream, the check is not made, and says so.
func TestStreamThatCannotBeRead(t *testing.T) {
	w, in := newStreamedWorld(t)
	if err := in.JS.DeleteConsumer(t.Context(), "POINTS", "points-worker"); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"durable", "no such stream"} {
		r := w.withStream(in)
		last := r.Checks[len(r.Checks)-1]
		if !r.OK || r.Complete || last.Name != seal.CheckStream || last.Unchecked == "" {
			t.Errorf("no %s: %+v", what, last)
		}
		_ = in.JS.DeleteStream(t.Context(), "POINTS")
	}
}
